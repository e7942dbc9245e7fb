"""NHR-Edit's layout (arXiv 2507.14119): `train/images/NN/image_N_original.jpg`, `..._edited_K.jpg`, `train/metadata.jsonl`.

Fields of the release: `sample_id, source_file_name, edited_file_name, edit_instruction, augmented_instructions, category,
style, kind, img_width, img_height`. We add `record_id` and, where there is one, `mask_file_name`. Dialogues and
reference images have no place here and are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from editloop.core.errors import BadInputError
from editloop.core.ids import canonical_json
from editloop.records.formats.dataset import Dataset, Layout, Load, Skip
from editloop.records.formats.foreign import Found, record_of
from editloop.records.formats.image_bytes import describe, suffix
from editloop.records.formats.locate import ImageIndex, inside, read_image
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord, Operation
from editloop.records.taxonomy import EditType, from_paper_name, paper_name

METADATA = "metadata.jsonl"
_SPLIT = "train"
_IMAGES_PER_FOLDER = 1000
_FIELDS = {"source_file_name", "edited_file_name", "edit_instruction"}


class NhrLayout(Layout):
    """One line of metadata a triplet; triplets of one source share its image file."""

    name = "nhr"
    lossless = False

    def holds(self, record: EditRecord) -> bool:
        """See `Layout.holds`."""
        return record.target is not None and record.turn is None and not record.references

    def order(self, record: EditRecord) -> str:
        """See `Layout.order`."""
        return record.source.sha256

    def write(self, records: Iterable[EditRecord], load: Load, folder: Path) -> None:
        """See `Layout.write`."""
        (folder / _SPLIT).mkdir()
        with (folder / _SPLIT / METADATA).open("wb") as lines:
            by_source = groupby(records, key=lambda record: record.source.sha256)
            for number, (_, siblings) in enumerate(by_source):
                stem = f"images/{number // _IMAGES_PER_FOLDER:02}/image_{number:06}"
                for line in _write_siblings(siblings, load, folder / _SPLIT, stem):
                    lines.write(canonical_json(line) + b"\n")

    def recognises(self, path: Path) -> bool:
        """See `Layout.recognises`."""
        for metadata in _metadata_files(path):
            with suppress(OSError, ValueError), metadata.open("rb") as lines:
                first = json.loads(lines.readline())
                if isinstance(first, dict) and first.keys() >= _FIELDS:
                    return True
        return False

    def read(self, path: Path) -> Dataset:
        """See `Layout.read`."""
        reader = _Reader(_metadata_files(path))
        return Dataset(self.name, reader, reader.load, reader.skipped)

    def index_files(self, folder: Path) -> list[Path]:
        """See `Layout.index_files`."""
        return [folder / _SPLIT / METADATA]


def _write_siblings(
    siblings: Iterable[EditRecord], load: Load, folder: Path, stem: str
) -> Iterator[dict[str, Any]]:
    for count, record in enumerate(siblings):
        source = f"{stem}_original{suffix(record.source.media_type)}"
        if count == 0:
            _write(folder / source, load(record.source))
        line = {
            "sample_id": f"{Path(stem).name}_{count}",
            "source_file_name": source,
            "edit_instruction": record.instruction,
            "augmented_instructions": [phrasing.text for phrasing in record.phrasings],
            "category": paper_name("nhr", record.edit_type) or record.edit_type.value,
            "style": "photo",
            "kind": record.operation.value,
            "img_width": record.source.width,
            "img_height": record.source.height,
            "record_id": record.id,
        }
        for part, ref in (("edited", record.target), ("mask", record.mask)):
            if ref is not None:
                name = f"{stem}_{part}_{count}{suffix(ref.media_type)}"
                _write(folder / name, load(ref))
                line[f"{part}_file_name"] = name
        yield line


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _metadata_files(path: Path) -> list[Path]:
    if path.name == METADATA:
        return [path]
    return [file for file in (path / METADATA, path / _SPLIT / METADATA) if file.is_file()]


class _Reader:
    def __init__(self, metadata: list[Path]) -> None:
        self._metadata = metadata
        self.skipped: list[Skip] = []
        self._index: ImageIndex[Path] = ImageIndex(self._scan)

    def __iter__(self) -> Iterator[EditRecord]:
        self.skipped.clear()
        for root, number, line in self._lines():
            try:
                yield self._record(root, json.loads(line))
            except BadInputError as error:
                self.skipped.append(Skip(f"line {number}", error.reason, error.detail))
            except (ValueError, KeyError, TypeError) as error:
                self.skipped.append(Skip(f"line {number}", "bad_annotation", str(error)))

    def _record(self, root: Path, line: dict[str, Any]) -> EditRecord:
        images = {
            part: self._image(root, line[f"{part}_file_name"])
            for part in ("source", "edited", "mask")
            if line.get(f"{part}_file_name")
        }
        return record_of(
            Found(
                collection="nhr-edit",
                name=line["edited_file_name"],
                instruction=line["edit_instruction"],
                edit_type=_edit_type(line.get("category", "")),
                source=images["source"],
                target=images["edited"],
                mask=images.get("mask"),
                other_wordings=line.get("augmented_instructions") or (),
                operation=_operation(line.get("kind")),
            )
        )

    def _image(self, root: Path, name: str) -> ImageRef:
        path = inside(root, name)
        ref = describe(read_image(path))
        self._index.remember(ref.sha256, path)
        return ref

    def _scan(self) -> Iterator[tuple[str, Path]]:
        for root, _, line in self._lines():
            with suppress(ValueError, KeyError, TypeError, BadInputError):
                fields = json.loads(line)
                for part in ("source", "edited", "mask"):
                    if fields.get(f"{part}_file_name"):
                        path = inside(root, fields[f"{part}_file_name"])
                        yield describe(read_image(path)).sha256, path

    def _lines(self) -> Iterator[tuple[Path, int, bytes]]:
        for metadata in self._metadata:
            with metadata.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    yield metadata.parent, number, line

    def load(self, ref: ImageRef) -> bytes:
        return read_image(self._index.find(ref.sha256))


def _edit_type(category: str) -> EditType:
    """The type of a category; the some 300 composite categories join names with "&" or "and".

    Raises:
        BadInputError: `unknown_category`.
    """
    with suppress(KeyError):
        return from_paper_name("nhr", category)
    if "&" in category or " and " in category:
        return EditType.COMPOSE
    with suppress(ValueError):
        return EditType(category.lower())
    raise BadInputError("unknown_category", f"NHR-Edit has no category {category!r} that we know")


def _operation(kind: object) -> Operation:
    with suppress(ValueError):
        return Operation(str(kind).lower())
    return Operation.ORIGINAL


NHR = NhrLayout()
