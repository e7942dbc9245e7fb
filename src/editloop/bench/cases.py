"""Cases of a benchmark as scoring sees them: a key, a group, the words, and the source image."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from editloop.bench.replies import parse_json, row_key
from editloop.core.errors import UsageError
from editloop.core.ids import content_id


@dataclass(frozen=True, slots=True)
class BenchCase:
    """One case.

    Args:
        key: As the official files name it.
        group: Edit type, task or category that figures are printed for; empty where the file has none.
        instructions: One, or one a turn.
        image: Source image, relative to the folder of images; cases of one image are drawn together by the bootstrap.
        language: Of the instruction, where a benchmark has several.
        references: Images that the instruction refers to, relative to the folder of images.
        intersection: Whether the case is in GEdit's subset that no compared model refused.
    """

    key: str
    group: str
    instructions: tuple[str, ...] = ()
    image: str = ""
    language: str = ""
    intersection: bool = True
    references: tuple[str, ...] = ()

    @property
    def cluster(self) -> str:
        """What the bootstrap draws: the source image, or the case itself where none is named."""
        return self.image or f"case {self.key}"


@dataclass(frozen=True, slots=True)
class CaseSet:
    """Cases of a file, in its order, with what could not be used and why."""

    cases: tuple[BenchCase, ...]
    dropped: Mapping[str, int]
    """Reason -> number of entries."""

    @property
    def by_key(self) -> dict[str, BenchCase]:
        """Key -> case."""
        return {case.key: case for case in self.cases}

    @property
    def content(self) -> str:
        """Hash of keys, groups and words: equal for equal sets of cases in any order."""
        rows = sorted(
            [c.key, c.group, c.language, *c.instructions, *c.references] for c in self.cases
        )
        return content_id("cases", *[[_plain(text) for text in row] for row in rows])


def read_objects(path: Path, repeated: list[str] | None = None) -> Any:
    """The JSON of `path`; repeated keys of the outermost object are noted in `repeated`.

    Raises:
        UsageError: it cannot be read or is not JSON.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the cases {path}: {error.strerror or error}") from error
    return parse_json(data, path, repeated)


def read_rows(path: Path) -> list[tuple[str | None, Mapping[str, Any]]]:
    """Rows of a JSON, JSON lines or CSV file with the key of each, None where it has none.

    A row that is no object comes as an empty one, so that whoever counts what cannot be used counts it too.

    Raises:
        UsageError: it cannot be read.
    """
    if path.suffix == ".csv":
        try:
            text = path.read_bytes().decode("utf-8-sig", "replace")
        except OSError as error:
            raise UsageError(f"cannot read the cases {path}: {error.strerror or error}") from error
        content: Any = list(csv.DictReader(io.StringIO(text, newline="")))
    else:
        content = read_objects(path)
    if isinstance(content, Mapping):
        return [(str(key), _row(row)) for key, row in content.items()]
    if not isinstance(content, list):
        raise UsageError(f"{path} holds a {type(content).__name__}, expected rows")
    return [(row_key(row), _row(row)) for row in content]


def _row(row: Any) -> Mapping[str, Any]:
    return row if isinstance(row, Mapping) else {}


def keyed_cases(path: Path, *, turns: Sequence[str] = ("prompt",)) -> CaseSet:
    """ImgEdit-Bench's layout: key -> ``{id, prompt, edit_type}``, or ``turn1`` to ``turn3`` instead of ``prompt``.

    A group that no paper knows is kept as it is; an entry that is no object is dropped and counted.

    Raises:
        UsageError: not an object.
    """
    repeated: list[str] = []
    content = read_objects(path, repeated)
    if not isinstance(content, dict):
        raise UsageError(
            f"{path} holds a {type(content).__name__}, expected an object: key -> {{id, {', '.join(turns)}, ...}}"
        )
    cases, dropped = [], Counter[str]()
    if repeated:
        dropped["a key that stands there twice, of which the last counts"] = len(set(repeated))
    for key, entry in content.items():
        if not isinstance(entry, dict):
            dropped["not an object"] += 1
            continue
        words = tuple(str(entry[turn]) for turn in turns if isinstance(entry.get(turn), str))
        group = entry.get("edit_type")
        cases.append(
            BenchCase(
                key,
                group if isinstance(group, str) else "",
                words,
                str(entry.get("id") or ""),
            )
        )
    return CaseSet(tuple(cases), dropped)


def _plain(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates of a JSON file as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
