"""Reading ImgEdit's release, with its irregularities; see `imgedit` for the layout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from editloop.core.errors import BadInputError
from editloop.core.ids import content_id
from editloop.records.formats.dataset import Skip
from editloop.records.formats.foreign import Found, record_of
from editloop.records.formats.image_bytes import describe
from editloop.records.formats.imgedit_annotations import read_two_scores, region_of
from editloop.records.formats.locate import ImageIndex, inside, read_image
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord, Subject, Turn
from editloop.records.taxonomy import EditType, from_paper_name
from editloop.records.verdict import Verdict

_ROW_FIELDS = {"input_images", "output_images", "prompt"}
_IMAGE_FOLDERS = (".", "Singleturn", "Multiturn", "images")
_RELEASED_NAMES = {
    "adjust_canny": EditType.ADJUST,
    "reference_extract": EditType.EXTRACT,
    "reference_replace": EditType.VISUAL,
    "style_transfer": EditType.STYLE,
}
"""Kinds as the released files call them, where the paper calls them otherwise."""
_FOLDER_ALIASES = (("hybrid", "compose"), ("compose", "hybrid"), ("replace/", "results/"))
"""Folder names in paths and in the archives that differ in the release."""
_ROUND_TYPES = {
    EditType.CONTENT_MEMORY: (EditType.ADJUST,) * 3,
    EditType.CONTENT_UNDERSTANDING: (EditType.ADD, EditType.ADJUST, EditType.REPLACE),
    EditType.VERSION_BACKTRACKING: (EditType.ADD, EditType.REPLACE, EditType.ADJUST),
}
"""What the rounds of a dialogue do, by the pipeline's rules, where no `result.json` says it."""
_REMOVAL = re.compile(r"\b(remove|delete|erase|take .* (away|out)|get rid)\b", re.IGNORECASE)
_SWAP = re.compile(r"\b(replace|swap|exchange|substitute)\b|\binto an? ", re.IGNORECASE)


class _Cell(NamedTuple):
    """An image that stands inside a Parquet file."""

    file: Path
    group: int
    steps: tuple[str | int, ...]


class _Row(NamedTuple):
    file: Path
    group: int
    number: int
    fields: dict[str, Any]


def is_imgedit_schema(path: Path) -> bool:
    """Whether a Parquet file has the columns of single edits or of dialogues."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with suppress(OSError, pa.ArrowInvalid):
        schema = pq.read_schema(path)
        if set(schema.names) >= _ROW_FIELDS:
            return True
        if "data" in schema.names and pa.types.is_list(schema.field("data").type):
            inner = schema.field("data").type.value_type
            return pa.types.is_struct(inner) and {f.name for f in inner} >= _ROW_FIELDS
    return False


def kind_of_file(stem: str) -> EditType:
    """The kind of edit a Parquet file holds, from its name (`hybrid_part0`, `adjust_canny_part2`).

    Raises:
        BadInputError: `unknown_kind`.
    """
    name = re.sub(r"(_fix|_cap\d+|[_-]?(part)?-?\d+)+$", "", stem.removeprefix("results_"))
    if name in _RELEASED_NAMES:
        return _RELEASED_NAMES[name]
    with suppress(KeyError):
        return from_paper_name("imgedit", name)
    with suppress(ValueError):
        return EditType(name)
    raise BadInputError("unknown_kind", f"{stem}.parquet: no kind of edit is called {name!r}")


class ImgEditReader:
    """Iterates the samples of all Parquet files below `path`; unreadable samples go to `skipped`."""

    def __init__(self, path: Path, files: list[Path]) -> None:
        top = path.parent if path.is_file() else path
        self._root = top.parent if top.name == "Parquet" else top
        self._files = files
        self._index: ImageIndex[Path | _Cell] = ImageIndex(self._scan)
        self.skipped: list[Skip] = []

    def __iter__(self) -> Iterator[EditRecord]:
        self.skipped.clear()
        for row in self._rows():
            key = f"{row.file.name}, row {row.number}"
            try:
                yield from self._records(row, kind_of_file(row.file.stem))
            except BadInputError as error:
                self.skipped.append(Skip(key, error.reason, error.detail))
            except (ValueError, KeyError, TypeError, IndexError) as error:
                self.skipped.append(Skip(key, "bad_annotation", f"{type(error).__name__}: {error}"))

    def load(self, ref: ImageRef) -> bytes:
        """The bytes of an image of the data set."""
        place = self._index.find(ref.sha256)
        if isinstance(place, Path):
            return read_image(place)
        return _bytes_of(_step_into(_read_group(place.file, place.group), place.steps))

    def _rows(self) -> Iterator[_Row]:
        import pyarrow.parquet as pq

        for file in self._files:
            with pq.ParquetFile(file) as opened:
                number = 0
                for group in range(opened.num_row_groups):
                    for fields in opened.read_row_group(group).to_pylist():
                        yield _Row(file, group, number, fields)
                        number += 1

    def _records(self, row: _Row, kind: EditType) -> Iterator[EditRecord]:
        if "data" not in row.fields:
            yield self._record(row, (), row.fields, kind, None)
            return
        turns = list(enumerate(row.fields["data"]))
        said = [] if turns[0][1]["output_images"] else [turns.pop(0)[1]["prompt"]]
        step, first = turns[0]
        (opening, *_) = self._images(row, ("data", step, "input_images"), first["input_images"])
        prompts = [turn["prompt"] for _, turn in turns]
        dialogue_id = content_id("imgedit", opening.sha256, said, prompts)
        for number, (step, fields) in enumerate(turns, start=1):
            turn = Turn(
                dialogue_id=dialogue_id,
                kind=kind,
                turn=number,
                turns=len(turns),
                base_turn=number - 1,
                history=(*said, *prompts[: number - 1]),
            )
            yield self._record(row, ("data", step), fields, kind, turn)

    def _record(
        self,
        row: _Row,
        steps: tuple[str | int, ...],
        fields: dict[str, Any],
        kind: EditType,
        turn: Turn | None,
    ) -> EditRecord:
        inputs = self._images(row, (*steps, "input_images"), fields["input_images"])
        outputs = self._images(row, (*steps, "output_images"), fields["output_images"])
        if not inputs or not outputs:
            raise BadInputError("missing_image", "a sample needs an input and an output image")
        beside = _Sample(self._path_of(fields["output_images"][0]), turn)
        return record_of(
            Found(
                collection="imgedit",
                name=_name_of(fields["output_images"][0]) or f"{row.file.stem}/{row.number}",
                instruction=fields["prompt"],
                edit_type=beside.edit_type() or _round_type(kind, turn, fields["prompt"]),
                source=inputs[0],
                target=outputs[0],
                references=tuple(inputs[1:]),
                mask=self._mask(beside.mask_path()),
                subjects=beside.subjects(inputs[0]),
                verdicts=beside.verdicts(),
                turn=turn,
            )
        )

    def _images(self, row: _Row, steps: tuple[str | int, ...], values: list[Any]) -> list[ImageRef]:
        refs = []
        for item, value in enumerate(values):
            path = self._path_of(value)
            data = read_image(path) if path else _bytes_of(value)
            place = path or _Cell(row.file, row.group, (row.number, *steps, item))
            ref = describe(data)
            self._index.remember(ref.sha256, place)
            refs.append(ref)
        return refs

    def _mask(self, path: Path | None) -> ImageRef | None:
        if path is None:
            return None
        ref = describe(read_image(path))
        self._index.remember(ref.sha256, path)
        return ref

    def _path_of(self, value: Any) -> Path | None:
        """The file of an image cell, or None when the cell holds the bytes themselves."""
        name = _name_of(value)
        if not name or (isinstance(value, dict) and value.get("bytes")):
            return None
        names = [name, *(name.replace(old, new) for old, new in _FOLDER_ALIASES if old in name)]
        for folder in _IMAGE_FOLDERS:
            for candidate in names:
                path = inside(self._root, f"{folder}/{candidate}")
                if path.is_file():
                    return path
        raise BadInputError("missing_image", f"{name} is in none of the image folders")

    def _scan(self) -> Iterator[tuple[str, Path | _Cell]]:
        found: dict[str, Path | _Cell] = {}
        for record in self:
            for ref in (record.source, record.target, record.mask, *record.references):
                if ref is not None:
                    found[ref.sha256] = self._index.find(ref.sha256)
        yield from found.items()


class _Sample:
    """The files beside a sample's output image."""

    def __init__(self, output: Path | None, turn: Turn | None) -> None:
        self._home = output.parent if output else None
        number = re.search(r"_(\d+)$", output.stem) if output else None
        self._number = number[1] if number else "0"
        result = self._json("result.json")
        if isinstance(result, list):
            result = result[turn.turn - 1] if turn and turn.turn <= len(result) else {}
        self._result: dict[str, Any] = result if isinstance(result, dict) else {}

    def _json(self, name: str) -> Any:
        if self._home is None or not (self._home / name).is_file():
            return None
        return json.loads((self._home / name).read_bytes())

    def edit_type(self) -> EditType | None:
        name = self._result.get("edit_type")
        if not isinstance(name, str):
            return None
        with suppress(KeyError):
            return from_paper_name("imgedit", name)
        with suppress(ValueError):
            return EditType(name)
        return None

    def subjects(self, source: ImageRef) -> tuple[Subject, ...]:
        region = self._result.get("edit_obj")
        if not isinstance(region, dict) or "bbox" not in region:
            return ()
        found = region_of(region, "object")
        if found is None:
            return ()
        area_frac = min(1.0, found.box.area / (source.width * source.height))
        return (
            Subject(
                label=found.label,
                box=found.box,
                area_frac=area_frac,
                score=found.score,
                similarity=found.similarity,
            ),
        )

    def verdicts(self) -> tuple[Verdict, ...]:
        tail = "" if self._number == "0" else f"_{self._number}"
        rating = self._json(f"judge_2scores{tail}.json")
        text = rating.get("score") if isinstance(rating, dict) else None
        return (read_two_scores(text),) if isinstance(text, str) else ()

    def mask_path(self) -> Path | None:
        if self._home is None:
            return None
        for stem in (f"mask_{self._number}", "mask"):
            for ending in (".png", ".jpg"):
                if (self._home / (stem + ending)).is_file():
                    return self._home / (stem + ending)
        return None


def _round_type(kind: EditType, turn: Turn | None, prompt: str) -> EditType:
    if turn is None:
        return kind
    planned = _ROUND_TYPES[kind][min(turn.turn, 3) - 1]
    if kind is EditType.CONTENT_UNDERSTANDING and turn.turn == 3 and _REMOVAL.search(prompt):
        return EditType.REMOVE
    if kind is EditType.CONTENT_MEMORY and _SWAP.search(prompt):
        return EditType.REPLACE
    return planned


def _name_of(value: Any) -> str:
    name = value.get("path") if isinstance(value, dict) else value
    return name if isinstance(name, str) else ""


def _bytes_of(value: Any) -> bytes:
    data = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(data, bytes):
        raise BadInputError("missing_image", "an image cell holds neither bytes nor a path")
    return data


def _read_group(file: Path, group: int) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        rows: list[dict[str, Any]] = opened.read_row_group(group).to_pylist()
        return rows


def _step_into(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        value = value[step]
    return value
