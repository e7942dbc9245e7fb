"""Reads edits to be judged from a table: JSONL or CSV with an instruction and two image files a row.

The columns go by the names that the data sets in use give them (`COLUMNS`); paths are relative to the table. People's scores may be
there, as in `rated_edits`, and need not be.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import BadInputError, UsageError
from editloop.records.formats.rated_edits import RatedEdit, RatedFile, Unusable

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "uid": ("uid", "id", "key", "sample_id"),
    "instruction": ("instruction", "edit_instruction", "edit_prompt", "prompt"),
    "source": ("source", "source_image", "source_file_name", "input_image", "original", "input"),
    "edited": ("edited", "edited_image", "edited_file_name", "output_image", "target", "output"),
}
"""Our name -> names that are understood, the first one found wins."""
TABLES: Final = ("edits.jsonl", "edits.csv", "metadata.jsonl", "metadata.csv", "ratings.jsonl")
"""Tables that a folder is searched for."""


def table_in(path: Path) -> Path | None:
    """`path` itself when it is a table, or the table that the folder `path` holds; None when there is none."""
    if path.is_file():
        return path if path.suffix.lower() in (".jsonl", ".csv") else None
    return next((path / name for name in TABLES if (path / name).is_file()), None)


def read_edit_table(path: Path) -> RatedFile:
    """All usable rows of a table; the others are listed with a reason.

    Raises:
        UsageError: the table cannot be read, or none of its rows can be used.
    """
    edits: dict[str, RatedEdit] = {}
    dropped: list[Unusable] = []
    rows = 0
    for number, row in table_rows(path):
        rows += 1
        try:
            edit = _edit(row, number, path.parent)
            if edit.uid in edits:
                raise BadInputError("duplicate_uid", f"{edit.uid!r} stands in an earlier row")
        except BadInputError as error:
            dropped.append(Unusable(f"row {number}", error.reason, error.detail))
        else:
            edits[edit.uid] = edit
    if not edits:
        first = f"; {dropped[0].place}: {dropped[0].detail}" if dropped else ""
        raise UsageError(
            f"{path} holds no edit in {rows} rows{first}. A row needs instruction, source and edited (images relative to the file)"
        )
    return RatedFile(path, rows, tuple(edits.values()), tuple(dropped))


def table_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Numbered rows of a JSONL or CSV file; a line that is no JSON is its error, as text.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot read the edits {path}: {error.strerror}") from error
    if path.suffix.lower() == ".csv":
        yield from enumerate(csv.DictReader(text.splitlines(keepends=True)), 1)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, f"{error}"


def _edit(row: Any, number: int, folder: Path) -> RatedEdit:
    found = {name: first_text(row, columns) for name, columns in COLUMNS.items()}
    for name in ("instruction", "source", "edited"):
        if found[name] is None:
            raise BadInputError(f"no_{name}", f"expected text in one of {', '.join(COLUMNS[name])}")
    uid = row.get("uid") or found["uid"] or f"row-{number}"
    source = str(found["source"])
    return RatedEdit(
        uid=str(uid),
        image=source,
        instruction=str(found["instruction"]),
        source=folder / source,
        edited=folder / str(found["edited"]),
        scores={},
        labels={
            str(key): str(value)
            for key, value in row.items()
            if isinstance(value, str | int | float) and value != ""
        },
    )


def first_text(row: Any, columns: tuple[str, ...]) -> str | None:
    """The text in the first of `columns` that has any.

    Raises:
        BadInputError: the row is no object.
    """
    if isinstance(row, str):
        raise BadInputError("not_json", row[:200])
    if not isinstance(row, dict):
        raise BadInputError("not_an_object", f"expected a JSON object, got {type(row).__name__}")
    for column in columns:
        value = row.get(column)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip() and "\0" not in value:
            return value
    return None
