"""Items from a table: a folder with images and JSONL, JSON, CSV or TSV that says which belong together.

Columns go by the names that public data sets use. A row with ``edited`` is scored, one with ``first`` and ``second`` is a
pair, one with ``turns`` (or ``turn1``, ``edited1``, ``turn2``, ...) is a dialogue.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import BadInputError, UsageError
from editloop.core.ids import content_id
from editloop.core.images import read_image_file
from editloop.rate.edited_cases import with_edits
from editloop.rate.items import Collection, Item, ItemTurn, Picture, plain_facts
from editloop.rate.sheets import SheetKind

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "id": ("uid", "id", "key", "idx"),
    "source": ("source", "source_image", "input_image", "input", "before", "original", "path_src"),
    "edited": ("edited", "edited_image", "target", "target_image", "output_image", "output", "after", "result"),
    "instruction": ("instruction", "edit_instruction", "instruct_prompt", "prompt", "edit"),
    "first": ("first", "left", "edited_a", "image_a", "path_1"),
    "second": ("second", "right", "edited_b", "image_b", "path_2"),
    "kind": ("kind", "edit_type", "task"),
}  # fmt: skip
"""What is asked for -> names that it goes by, the first being ours."""
LIKELY: Final = ("items", "ratings", "triplets", "pairs", "dialogues", "metadata", "manifest")
SUFFIXES: Final = (".jsonl", ".json", ".csv", ".tsv")
MOST_TURNS: Final = 8
_OWN: Final = frozenset(
    {"ratings", "n_raters", "turns", "context", "scale", "votes", "unscored"}
    | {name for part in ("source", "edited", "first", "second") for name in COLUMNS[part]}
    | {f"{part}{number}" for part in ("turn", "edited") for number in range(1, MOST_TURNS + 1)}
)


def find_table(path: Path) -> Path | None:
    """The table at `path`: the file itself, or the one in a folder that can be meant."""
    if path.is_file():
        return path if path.suffix.lower() in SUFFIXES else None
    if not path.is_dir():
        return None
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    likely = [file for stem in LIKELY for file in files if file.stem == stem]
    usable = likely or (files if len(files) == 1 else [])
    return usable[0] if usable else None


def read_table(
    table: Path, kind: SheetKind, images: Path | None = None, edits: Sequence[Path] = ()
) -> Collection:
    """The items that the rows of `table` describe; rows that cannot be used are dropped with a reason.

    Args:
        table: See the module.
        kind: What the sheet asks for.
        images: Folder that image paths start from; the table's own by default. A path that leaves it is refused.
        edits: One folder of outputs an editor, for a table that holds cases alone; see `edited_cases`.

    Raises:
        UsageError: the table cannot be read at all.
    """
    found = Collection()
    files = _Files(images or table.parent, found)
    build = {"score": _scored, "pairs": _pair, "dialogue": _dialogue}[kind]
    rows = _rows(table)
    for place, row in with_edits(rows, kind, edits, MOST_TURNS) if edits else rows:
        try:
            if not isinstance(row, Mapping):
                raise BadInputError("bad_row", f"expected an object, got {type(row).__name__}")
            found.add(build(row, files))
        except BadInputError as error:
            found.drop(place, error)
    return found


class _Files:
    """Opens pictures below one folder."""

    def __init__(self, root: Path, found: Collection) -> None:
        self._root = root.resolve()
        self._found = found

    def picture(self, row: Mapping[str, Any], part: str) -> Picture:
        return self.open(_file(row, part), part)

    def open(self, name: str | Path, part: str) -> Picture:
        if isinstance(name, Path):  # from a folder of edits, checked there; no table can hold one
            return self._found.picture(str(name), _loader(name), name.name)
        try:
            path = (self._root / name).resolve()
            there = path.is_file()
        except (OSError, ValueError) as error:
            raise BadInputError("missing_image", f"{part}: {name!r:.120} is no path") from error
        if not path.is_relative_to(self._root):
            raise BadInputError(
                "unsafe_path",
                f"{part}: {name!r:.120} leaves the folder of images (--images names another)",
            )
        if not there:
            raise BadInputError("missing_image", f"{part}: there is no file {name!r:.120}")
        return self._found.picture(str(path), _loader(path), name)


def _loader(path: Path) -> Callable[[], bytes]:
    return lambda: read_image_file(path)


def _scored(row: Mapping[str, Any], files: _Files) -> Item:
    return _item(row, files, candidates=(files.picture(row, "edited"),))


def _pair(row: Mapping[str, Any], files: _Files) -> Item:
    both = (files.picture(row, "first"), files.picture(row, "second"))
    if both[0].sha256 == both[1].sha256:
        raise BadInputError("same_image", "both sides of the pair are the same file")
    return _item(row, files, candidates=both)


def _dialogue(row: Mapping[str, Any], files: _Files) -> Item:
    turns = tuple(
        ItemTurn(
            instruction=_words(text, f"turn {number}"), picture=files.open(name, f"turn {number}")
        )
        for number, (text, name) in enumerate(_turns(row), start=1)
    )
    if not 2 <= len(turns) <= MOST_TURNS:
        raise BadInputError(
            "bad_turns",
            f"{len(turns)} turns, expected 2 to {MOST_TURNS}, each with instruction and edited",
        )
    return _item(row, files, turns=turns, hint=str(_cell(row, "kind") or ""))


def _turns(row: Mapping[str, Any]) -> Iterator[tuple[Any, str | Path]]:
    listed = row.get("turns")
    if isinstance(listed, list):
        for entry in listed:
            if not isinstance(entry, Mapping):
                raise BadInputError(
                    "bad_turns", "turns must be objects with instruction and edited"
                )
            yield _cell(entry, "instruction"), _file(entry, "edited")
        return
    for number in range(1, MOST_TURNS + 1):
        if row.get(f"turn{number}"):
            yield row[f"turn{number}"], _file(row, f"edited{number}")


def _item(row: Mapping[str, Any], files: _Files, **parts: Any) -> Item:
    source = files.picture(row, "source")
    turns: tuple[ItemTurn, ...] = parts.get("turns", ())
    given = _cell(row, "instruction")
    instruction = turns[0].instruction if turns and not given else _words(given, "instruction")
    shown = [*parts.get("candidates", ()), *(turn.picture for turn in turns)]
    key = _cell(row, "id")
    context = row.get("context")
    return Item(
        key=str(key) if key not in (None, "") else content_id(
            source.sha256, instruction, [picture.sha256 for picture in shown]
        ),
        instruction=instruction,
        source=source,
        context=tuple(map(str, context)) if isinstance(context, list) else (),
        facts=plain_facts(row, _OWN),
        **parts,
    )  # fmt: skip


def _cell(row: Mapping[str, Any], part: str) -> Any:
    return next(
        (row[name] for name in COLUMNS.get(part, (part,)) if row.get(name) is not None), None
    )


def _file(row: Mapping[str, Any], part: str) -> str | Path:
    value = _cell(row, part)
    if isinstance(value, BadInputError):
        raise value
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise BadInputError(f"no_{part}", f"{part} must be text, got {value!r:.80}")
    return value


def _words(value: Any, part: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadInputError("no_instruction", f"{part} must be text, got {value!r:.80}")
    return value.strip()


def _rows(table: Path) -> Iterator[tuple[str, Any]]:
    try:
        text = table.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot read {table}: {error.strerror or error}") from error
    suffix = table.suffix.lower()
    if suffix == ".jsonl":
        yield from _json_lines(text)
    elif suffix == ".json":
        yield from _json_rows(text, table)
    else:
        yield from _separated(text, "\t" if suffix == ".tsv" else ",", table)


def _separated(text: str, delimiter: str, table: Path) -> Iterator[tuple[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            filled = {name: cell for name, cell in row.items() if name and cell}
            yield f"line {reader.line_num}", filled
    except csv.Error as error:
        raise UsageError(f"{table}, line {reader.line_num} is not CSV: {error}") from error


def _json_lines(text: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError):
                yield f"line {number}", line


def _json_rows(text: str, table: Path) -> Iterator[tuple[str, Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{table} is not JSON: {error}") from error
    if isinstance(content, Mapping):
        for key, row in content.items():
            yield f"entry {key!r}", {"uid": key, **row} if isinstance(row, Mapping) else row
    elif isinstance(content, list):
        yield from ((f"entry {number}", row) for number, row in enumerate(content, start=1))
    else:
        raise UsageError(f"{table} holds a {type(content).__name__}, expected rows")
