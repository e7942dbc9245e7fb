"""Reads edits to be judged from a table: JSONL or CSV with an instruction and two image files a row.

The columns go by the names that the data sets in use give them (`columns.COLUMNS`); paths are relative to the table. People's scores may be
there, as in `rated_edits`, and need not be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from editloop.core.errors import BadInputError, UsageError
from editloop.records.formats.columns import COLUMNS, first_text, table_rows
from editloop.records.formats.rated_edits import RatedEdit, RatedFile, Unusable

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
    pairs = False
    for number, row in table_rows(path):
        pairs = pairs or (isinstance(row, dict) and {"first", "second"} <= row.keys())
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
        if pairs:
            raise UsageError(
                f"{path} holds pairs of edits, which a judge of pairs compares: --judge rubric:pair@VLM"
            )
        raise UsageError(
            f"{path} holds no edit in {rows} rows{first}. A row needs instruction, source and edited (images relative to the file)"
        )
    return RatedFile(path, rows, tuple(edits.values()), tuple(dropped))


def _edit(row: Any, number: int, folder: Path) -> RatedEdit:
    found = {name: first_text(row, columns) for name, columns in COLUMNS.items()}
    for name in ("instruction", "source", "edited"):
        if found[name] is None:
            raise BadInputError(f"no_{name}", f"expected text in one of {', '.join(COLUMNS[name])}")
    source = str(found["source"])
    return RatedEdit(
        uid=found["uid"] or f"row-{number}",
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
