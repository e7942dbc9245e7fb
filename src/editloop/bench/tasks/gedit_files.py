"""Files of GEdit-Bench: rows of the data set, and the score tables that its script writes."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from editloop.bench.cases import BenchCase, CaseSet, read_objects
from editloop.bench.replies import Replies
from editloop.bench.tasks.base import ReplyFinder
from editloop.core.errors import UsageError
from editloop.core.ids import sha256_hex

SCORE_COLUMNS: Final = {"sementics_score": "SC", "semantics_score": "SC", "quality_score": "PQ"}
"""Columns of the script's table (the first spelt as there) -> our names."""
_CASE_COLUMNS: Final = (
    "key",
    "task_type",
    "instruction",
    "instruction_language",
    "Intersection_exist",
)
_TRUE: Final = ("true", "1", "yes")


def read_gedit_cases(path: Path) -> CaseSet:
    """Rows with `key, task_type, instruction, instruction_language, Intersection_exist`.

    A key that stands in both languages is told apart by its language (``cn/key``).

    Raises:
        UsageError: no such file, or another layout.
    """
    rows = list(_rows(path))
    dropped = Counter[str]()
    kept = []
    for row in rows:
        if isinstance(row, Mapping) and row.get("key") not in (None, "") and row.get("task_type"):
            kept.append(row)
        else:
            dropped["no key or task_type"] += 1
    repeated = {key for key, count in Counter(str(row["key"]) for row in kept).items() if count > 1}
    cases: dict[str, BenchCase] = {}
    for row in kept:
        key, language = str(row["key"]), str(row.get("instruction_language") or "")
        name = f"{language}/{key}" if key in repeated else key
        if name in cases:
            dropped["a key that stands there twice in one language"] += 1
            continue
        cases[name] = BenchCase(
            name,
            str(row["task_type"]),
            (str(row.get("instruction") or ""),),
            f"{row['task_type']}/{key}",
            language,
            _truth(row.get("Intersection_exist", row.get("intersection_exist", True))),
        )
    if not cases:
        raise UsageError(
            f"{path} holds no rows of GEdit-Bench: expected {', '.join(_CASE_COLUMNS)} in JSON, JSON lines, CSV or Parquet"
        )
    return CaseSet(tuple(cases.values()), dropped)


def is_score_table(path: Path) -> bool:
    """Whether `path` is a table of scores, or a folder of them, rather than replies."""
    return path.suffix == ".csv" or (path.is_dir() and any(path.glob("*_score.csv")))


def read_score_table(path: Path) -> Replies:
    """Scores as the published script keeps them, one row an item: key -> row with ``SC``, ``PQ`` and ``group``.

    Raises:
        UsageError: it cannot be read, or lacks the columns of scores.
    """
    files = [path]
    if path.is_dir():
        files = [p for p in sorted(path.glob("*_score.csv")) if "_combined_" not in p.name]
    values: dict[str, Any] = {}
    repeated: list[str] = []
    data = b""
    for file in files:
        data += _bytes(file)
        for row in _table(file):
            key = _table_key(row)
            if key in values:
                repeated.append(key)
            values[key] = row
    return Replies(values, tuple(dict.fromkeys(repeated)), path.name, sha256_hex(data))


class GEditFinder(ReplyFinder):
    """Finds a case's replies by its key, alone or behind its language and group (``ps_human/en/key``)."""

    def __init__(self, values: Mapping[str, Any], cases: Sequence[BenchCase]) -> None:
        super().__init__(values, cases)
        self._bare = Counter(_last(case.key) for case in cases)

    def __call__(self, case: BenchCase) -> tuple[bool, Any]:
        """As `ReplyFinder`; a bare key counts for every language only where one language has it."""
        bare = _last(case.key)
        names = [case.key, f"{case.language}/{bare}", f"{case.group}/{case.language}/{bare}", f"{case.language}/{case.group}/{bare}"]  # fmt: skip
        if self._bare[bare] == 1:
            names += [bare, f"{case.group}/{bare}"]
        for name in names:
            if name in self._values:
                self._used.add(name)
                return True, self._values[name]
        return super().__call__(case)


def _last(key: str) -> str:
    return key.rpartition("/")[2]


def _rows(path: Path) -> Iterable[Any]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        try:
            names = set(pq.read_schema(path).names)
            return pq.read_table(path, columns=[n for n in _CASE_COLUMNS if n in names]).to_pylist()  # type: ignore[no-any-return]
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read {path}: {error}") from error
    if path.suffix == ".csv":
        return _csv(path)
    content = read_objects(path)
    if isinstance(content, Mapping):
        return [
            {"key": key, **row} if isinstance(row, Mapping) else row for key, row in content.items()
        ]
    return content if isinstance(content, list) else []


def _csv(path: Path) -> list[dict[str, str]]:
    text = _bytes(path).decode("utf-8-sig", "replace")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _table(path: Path) -> list[dict[str, Any]]:
    rows = _csv(path)
    columns = set(rows[0]) if rows else {"sementics_score", "quality_score"}
    if not (columns & {"sementics_score", "semantics_score"} and "quality_score" in columns):
        raise UsageError(
            f"{path} is no score table of GEdit-Bench: expected the columns sementics_score and quality_score, got {', '.join(sorted(map(str, columns)))}"
        )
    return [_table_row(row, path) for row in rows]


def _table_row(row: Mapping[str, str], path: Path) -> dict[str, Any]:
    found: dict[str, Any] = dict(row)
    for column, name in SCORE_COLUMNS.items():
        if column in row:
            found[name] = _number(row[column])
    found["intersection_exist"] = _truth(row.get("intersection_exist", True))
    found.setdefault("instruction_language", "")
    found["group"] = row.get("task_type") or _group_of(row.get("edited_image") or "", path.stem)
    return found


def _group_of(edited: str, stem: str) -> str:
    """``.../fullset/<group>/<language>/<key>.png``, else the name of the table: ``<model>_<group>_gpt_score``."""
    from editloop.bench.tasks.gedit import GEditBench

    places = PurePosixPath(edited.replace("\\", "/")).parts
    named = [place for place in places if place in GEditBench.groups]
    if named:
        return named[-1]
    return next((group for group in GEditBench.groups if f"_{group}_" in f"_{stem}_"), "")


def _table_key(row: Mapping[str, Any]) -> str:
    name = PurePosixPath(str(row.get("edited_image") or row.get("key") or "").replace("\\", "/"))
    return "/".join(part for part in (row["group"], row["instruction_language"], name.stem) if part)


def _number(text: str) -> float | str | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return text or None


def _truth(value: Any) -> bool:
    return value.strip().lower() in _TRUE if isinstance(value, str) else bool(value)
