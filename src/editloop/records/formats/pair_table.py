"""Reads pairs of edits to be compared: JSONL or CSV with a source, an instruction and two edits of it a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import BadInputError, UsageError
from editloop.records.formats.columns import COLUMNS, first_text, table_rows
from editloop.records.formats.rated_edits import Unusable

PAIR_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "uid": COLUMNS["uid"],
    "instruction": COLUMNS["instruction"],
    "source": COLUMNS["source"],
    "first": ("first", "left", "left_image", "image_a", "edited_a", "candidate_1"),
    "second": ("second", "right", "right_image", "image_b", "edited_b", "candidate_2"),
    "first_editor": ("first_editor", "left_model", "model_a", "editor_a"),
    "second_editor": ("second_editor", "right_model", "model_b", "editor_b"),
    "vote": ("vote", "human_vote", "vote_type"),
    "edit_type": ("edit_type", "task_type", "task", "type", "category"),
}
"""Our name -> names that are understood. Editors, vote and type need not be there."""
_NEEDED: Final = ("instruction", "source", "first", "second")


@dataclass(frozen=True, slots=True)
class EditPair:
    """Two edits of one source; `vote` is what people said, in the file's own word."""

    uid: str
    instruction: str
    source: Path
    first: Path
    second: Path
    first_editor: str | None = None
    second_editor: str | None = None
    vote: str | None = None
    edit_type: str | None = None


def read_pair_table(path: Path) -> tuple[list[EditPair], list[Unusable]]:
    """All usable rows of a table, and the others with a reason.

    Raises:
        UsageError: the table cannot be read, or none of its rows can be used.
    """
    pairs: dict[str, EditPair] = {}
    dropped: list[Unusable] = []
    for number, row in table_rows(path):
        try:
            pair = _pair(row, number, path.parent)
            if pair.uid in pairs:
                raise BadInputError("duplicate_uid", f"{pair.uid!r} stands in an earlier row")
        except BadInputError as error:
            dropped.append(Unusable(f"row {number}", error.reason, error.detail))
        else:
            pairs[pair.uid] = pair
    if not pairs:
        first = f"; {dropped[0].place}: {dropped[0].detail}" if dropped else ""
        raise UsageError(
            f"{path} holds no pair of edits{first}. A row needs instruction, source, first and second (images relative to the file)"
        )
    return list(pairs.values()), dropped


def _pair(row: Any, number: int, folder: Path) -> EditPair:
    found = {name: first_text(row, columns) for name, columns in PAIR_COLUMNS.items()}
    for name in _NEEDED:
        if found[name] is None:
            raise BadInputError(
                f"no_{name}", f"expected text in one of {', '.join(PAIR_COLUMNS[name])}"
            )
    return EditPair(
        uid=found["uid"] or f"row-{number}",
        instruction=found["instruction"] or "",
        source=folder / (found["source"] or ""),
        first=folder / (found["first"] or ""),
        second=folder / (found["second"] or ""),
        first_editor=found["first_editor"],
        second_editor=found["second_editor"],
        vote=found["vote"],
        edit_type=found["edit_type"],
    )
