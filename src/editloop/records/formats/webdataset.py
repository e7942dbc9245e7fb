"""WebDataset tar shards: one sample is `<id>.json`, `<id>.source.jpg`, `<id>.target.jpg`, `<id>.mask.png`, and so on."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from editloop.core.errors import StoreError
from editloop.core.ids import canonical_json
from editloop.records.formats.dataset import Dataset, Layout, Load, images_of
from editloop.records.formats.image_bytes import suffix
from editloop.records.formats.locate import ImageIndex
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord

MAX_SHARD_BYTES = 512 * 2**20
_JSON = ".json"


class WebDatasetLayout(Layout):
    """`train-NNNNNN.tar`; the id is the key, so keys are unique over all shards."""

    name = "webdataset"
    lossless = True

    def __init__(self, max_shard_bytes: int = MAX_SHARD_BYTES) -> None:
        self.max_shard_bytes = max_shard_bytes

    def write(self, records: Iterable[EditRecord], load: Load, folder: Path) -> None:
        """See `Layout.write`."""
        shard: tarfile.TarFile | None = None
        number = 0
        try:
            for record in records:
                members = _members(record, load)
                size_bytes = sum(len(data) + 2 * tarfile.BLOCKSIZE for _, data in members)
                if shard is not None and shard.offset + size_bytes > self.max_shard_bytes:
                    shard.close()
                    shard = None
                if shard is None:
                    path = folder / f"train-{number:06}.tar"
                    shard = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
                    number += 1
                for name, data in members:
                    shard.addfile(_header(name, data), io.BytesIO(data))
                shard.members = []  # type: ignore[attr-defined]  # else every header stays in memory
        finally:
            if shard is not None:
                shard.close()

    def recognises(self, path: Path) -> bool:
        """See `Layout.recognises`."""
        shards = _shards(path)
        with suppress(OSError, tarfile.TarError, StopIteration, StoreError):
            return bool(shards) and next(_samples(shards[:1])) is not None
        return False

    def read(self, path: Path) -> Dataset:
        """See `Layout.read`."""
        reader = _Reader(_shards(path))
        return Dataset(self.name, reader, reader.load)


def _members(record: EditRecord, load: Load) -> list[tuple[str, bytes]]:
    images = [
        (f"{record.id}.{part}{suffix(ref.media_type)}", load(ref))
        for part, ref in images_of(record)
    ]
    return [(record.id + _JSON, canonical_json(record.model_dump(mode="json"))), *images]


def _header(name: str, data: bytes) -> tarfile.TarInfo:
    header = tarfile.TarInfo(
        name
    )  # time, owner and group stay zero, so equal records give equal bytes
    header.size = len(data)
    header.mode = 0o644
    return header


def _shards(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix == ".tar" else []
    return sorted(path.glob("*.tar"))


class _Place(NamedTuple):
    shard: Path
    offset: int
    size_bytes: int


def _samples(shards: list[Path]) -> Iterator[tuple[EditRecord, dict[str, _Place]]]:
    """Each record with the place of each of its images by part; image bytes are skipped, not read."""
    for shard in shards:
        record: EditRecord | None = None
        places: dict[str, _Place] = {}
        with tarfile.open(shard, "r:") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # as above
                key, _, ending = member.name.partition(".")
                if record is not None and key != record.id:
                    yield record, places
                    record, places = None, {}
                if ending == "json":
                    record = _record(archive, member)
                else:
                    place = _Place(shard, member.offset_data, member.size)
                    places[ending.partition(".")[0]] = place
        if record is not None:
            yield record, places


def _record(archive: tarfile.TarFile, member: tarfile.TarInfo) -> EditRecord:
    file = archive.extractfile(member)
    try:
        return EditRecord.model_validate_json(file.read() if file else b"")
    except ValueError as error:
        raise StoreError(f"{archive.name!r}: {member.name} is not a record: {error}") from error


class _Reader:
    def __init__(self, shards: list[Path]) -> None:
        self._shards = shards
        self._index: ImageIndex[_Place] = ImageIndex(self._scan)

    def __iter__(self) -> Iterator[EditRecord]:
        for record, places in _samples(self._shards):
            for part, ref in images_of(record):
                self._index.remember(ref.sha256, places[part])
            yield record

    def _scan(self) -> Iterator[tuple[str, _Place]]:
        for record, places in _samples(self._shards):
            for part, ref in images_of(record):
                yield ref.sha256, places[part]

    def load(self, ref: ImageRef) -> bytes:
        place = self._index.find(ref.sha256)
        with place.shard.open("rb") as file:
            file.seek(place.offset)
            return file.read(place.size_bytes)


WEBDATASET = WebDatasetLayout()
