"""Rows of tables that people bring, and the names that their columns go by."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import BadInputError, UsageError

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "uid": ("uid", "id", "key", "sample_id"),
    "instruction": ("instruction", "edit_instruction", "edit_prompt", "prompt"),
    "source": ("source", "source_image", "source_file_name", "input_image", "original", "input"),
    "edited": ("edited", "edited_image", "edited_file_name", "output_image", "target", "output"),
}
"""Our name -> names that are understood, the first one found wins."""


def table_rows(path: Path, what: str = "edits") -> Iterator[tuple[int, Any]]:
    """Numbered rows of a CSV file, a JSONL file, or a JSON file that is one list; a line that is no JSON is its error, as text.

    Args:
        path: The file; ``.csv`` makes it a CSV file.
        what: What it holds, for the error.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot read the {what} {path}: {error.strerror}") from error
    if path.suffix.lower() == ".csv":
        yield from enumerate(csv.DictReader(text.splitlines(keepends=True)), 1)
        return
    whole = _whole_list(text) if path.suffix.lower() == ".json" else None
    if whole is not None:
        yield from enumerate(whole, 1)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, f"{error}"


def _whole_list(text: str) -> list[Any] | None:
    """The rows of a JSON list; None where the text is something else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


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
