from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from editloop.core.errors import StoreError
from editloop.core.ids import sha256_hex
from editloop.store.blobs import BlobStore
from editloop.store.packs import BlobLocation, PackWriter, read_blob


def test_blobs_come_back_from_several_packs(tmp_path: Path) -> None:
    writer = PackWriter(tmp_path, limit_bytes=1000)
    blobs = [bytes([n]) * (100 + n) for n in range(30)]
    places = [writer.append(blob) for blob in blobs]
    writer.close()
    assert len({place.pack for place in places}) == len(list(tmp_path.iterdir())) == 4
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= 1000
    for blob, place in zip(blobs, places, strict=True):
        assert read_blob(tmp_path, place, sha256_hex(blob)) == blob


def test_a_blob_larger_than_a_pack_has_one_of_its_own(tmp_path: Path) -> None:
    writer = PackWriter(tmp_path, limit_bytes=100)
    small, large = writer.append(b"a" * 50), writer.append(b"b" * 500)
    assert large.pack != small.pack
    writer.close()


def test_two_writers_use_two_packs_and_a_later_one_goes_on(tmp_path: Path) -> None:
    first, second = PackWriter(tmp_path), PackWriter(tmp_path)
    assert first.append(b"one").pack != second.append(b"two").pack
    first.close()
    assert PackWriter(tmp_path).append(b"three") == BlobLocation("000001.pack", 3, 5)
    second.close()


def test_damage_is_noticed(tmp_path: Path) -> None:
    writer = PackWriter(tmp_path)
    place = writer.append(b"picture")
    writer.close()
    pack = tmp_path / place.pack
    pack.write_bytes(b"pictvre")
    with pytest.raises(StoreError, match="is damaged"):
        read_blob(tmp_path, place, sha256_hex(b"picture"))
    pack.unlink()
    with pytest.raises(StoreError, match="cannot read"):
        read_blob(tmp_path, place, sha256_hex(b"picture"))


def test_a_disk_that_fills_in_the_middle_of_a_blob(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = PackWriter(tmp_path)
    kept = writer.append(b"kept")
    write = os.write
    room = [3]

    def full(file: int, data: memoryview) -> int:
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(file, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match="the disk is full: free some space"):
        writer.append(b"too long")
    monkeypatch.setattr(os, "write", write)
    after = writer.append(b"after")
    assert read_blob(tmp_path, kept, sha256_hex(b"kept")) == b"kept"
    assert read_blob(tmp_path, after, sha256_hex(b"after")) == b"after"
    writer.close()


def test_equal_bytes_are_stored_once(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, lambda sha256: None)
    names: list[str] = []

    def put() -> None:
        names.extend([store.put(b"blob %d" % n) for n in range(50)])

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    new = store.drain()
    assert len(names) == 200
    assert len(new) == 50 == len(set(names))
    assert store.drain() == []
    assert store.get(sha256_hex(b"blob 7")) == b"blob 7"
    with pytest.raises(StoreError, match="no image"):
        store.get("0" * 64)
    store.close()
