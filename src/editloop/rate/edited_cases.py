"""Benchmark cases beside what editors made of them: a file of cases, and one folder of outputs an editor.

Outputs are named after the cases, as ImgEdit-Bench's are: ``<key>.png``, or ``<key>_1.png``, ``<key>_2.png``, ... for a dialogue.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import BadInputError, UsageError
from editloop.rate.sheets import SheetKind

ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp")
Rows = Iterator[tuple[str, Any]]


def with_edits(rows: Rows, kind: SheetKind, folders: Sequence[Path], most_turns: int) -> Rows:
    """`rows` with the outputs of every editor: one row a case and editor, or a case and pair of editors.

    In ImgEdit-Bench's files ``id`` is the source image; its images lie where the table's do.

    Raises:
        UsageError: a folder is missing, two have one name, or a pair sheet has but one.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder} (--edits)")
    names = [_editor(folder) for folder in folders]
    if len(set(names)) < len(names):
        raise UsageError(f"the folders of edits must differ in name, got {', '.join(names)}")
    if kind == "pairs" and len(folders) < 2:
        raise UsageError("a pair sheet compares two editors: give --edits twice")
    for place, row in rows:
        if not isinstance(row, Mapping):
            yield place, row
            continue
        key = str(row.get("uid") or row.get("key") or row.get("id") or "")
        case = {"source": row.get("id"), **row, "uid": key}
        if kind == "pairs":
            yield from ((place, pair) for pair in _pairs(case, key, folders))
        else:
            for folder in folders:
                yield place, case | _outputs(case, key, folder, kind, most_turns, len(folders) > 1)


def _pairs(case: Mapping[str, Any], key: str, folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for first, second in itertools.combinations(folders, 2):
        names = {"first_editor": _editor(first), "second_editor": _editor(second)}
        uid = key if len(folders) == 2 else "/".join([key, *names.values()])
        both = {"first": output_of(first, key), "second": output_of(second, key)}
        yield {**case, "uid": uid, **names, **both}


def _outputs(
    case: Mapping[str, Any],
    key: str,
    folder: Path,
    kind: SheetKind,
    most_turns: int,
    several: bool,  # noqa: FBT001
) -> dict[str, Any]:
    own = {
        "uid": f"{key}/{_editor(folder)}" if several else key,
        "case": key,
        "editor": _editor(folder),
    }
    if kind == "score":
        return own | {"edited": output_of(folder, key)}
    turns = [number for number in range(1, most_turns + 1) if case.get(f"turn{number}")]
    return own | {f"edited{number}": output_of(folder, f"{key}_{number}") for number in turns}


def output_of(folder: Path, stem: str) -> Path | BadInputError:
    """The output called `stem`; what is wrong where there is none, so that its row can be dropped."""
    root = folder.resolve()
    for ending in ENDINGS:
        path = (root / f"{stem}{ending}").resolve()
        if not path.is_relative_to(root):
            return BadInputError("unsafe_path", f"{stem!r} leaves {folder.name}")
        if path.is_file():
            return path
    return BadInputError("missing_image", f"{folder.name} has no {stem}.png")


def _editor(folder: Path) -> str:
    return folder.resolve().name
