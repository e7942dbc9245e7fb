"""A plain folder: `records.jsonl` and one image file per image, readable with nothing but a file browser.

A line of `records.jsonl` is the whole record plus `files`, the path of each of its images by part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from editloop.core.errors import StoreError
from editloop.core.ids import canonical_json
from editloop.records.formats.dataset import Dataset, Layout, Load, images_of
from editloop.records.formats.image_bytes import suffix
from editloop.records.formats.locate import ImageIndex, inside, read_image
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord

RECORDS = "records.jsonl"


class FolderLayout(Layout):
    """`images/<two digits>/<id>.<part>.<ending>` beside `records.jsonl`."""

    name = "folder"
    lossless = True

    def write(self, records: Iterable[EditRecord], load: Load, folder: Path) -> None:
        """See `Layout.write`."""
        with (folder / RECORDS).open("wb") as lines:
            for record in records:
                files = {}
                for part, ref in images_of(record):
                    name = f"images/{record.id[:2]}/{record.id}.{part}{suffix(ref.media_type)}"
                    files[part] = name
                    target = folder / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(load(ref))
                line = record.model_dump(mode="json") | {"files": files}
                lines.write(canonical_json(line) + b"\n")

    def recognises(self, path: Path) -> bool:
        """See `Layout.recognises`."""
        return (path / RECORDS).is_file()

    def read(self, path: Path) -> Dataset:
        """See `Layout.read`."""
        reader = _Reader(path)
        return Dataset(self.name, reader, reader.load)

    def index_files(self, folder: Path) -> list[Path]:
        """See `Layout.index_files`."""
        return [folder / RECORDS]


class _Reader:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._index: ImageIndex[str] = ImageIndex(self._scan)

    def __iter__(self) -> Iterator[EditRecord]:
        for record, files in self._lines():
            for part, ref in images_of(record):
                self._index.remember(ref.sha256, files[part])
            yield record

    def _scan(self) -> Iterator[tuple[str, str]]:
        for record, files in self._lines():
            for part, ref in images_of(record):
                yield ref.sha256, files[part]

    def _lines(self) -> Iterator[tuple[EditRecord, dict[str, str]]]:
        with (self._root / RECORDS).open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    fields = json.loads(line)
                    files = fields.pop("files")
                    yield EditRecord.model_validate(fields), files
                except (ValueError, KeyError, AttributeError, ValidationError) as error:
                    raise StoreError(
                        f"{self._root / RECORDS}, line {number} is not a record: {error}"
                    ) from error

    def load(self, ref: ImageRef) -> bytes:
        return read_image(inside(self._root, self._index.find(ref.sha256)))


FOLDER = FolderLayout()
