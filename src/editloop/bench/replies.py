"""Kept replies of a judge, in every shape they are found in, without losing one.

The published scripts write one JSON object, key -> text. Other tools write lists, JSON lines, or whole responses of an
endpoint. Values are kept exactly as they were; `texts_of` says which texts a value holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import UsageError
from editloop.core.ids import sha256_hex

KEY_NAMES: Final = ("key", "id", "item", "item_id", "uid", "case", "image_id", "name")
"""Fields that may name the item in a row, first match wins."""
TEXT_NAMES: Final = ("reply", "raw_reply", "response", "text", "content", "output", "answer", "result", "raw", "message", "judgement", "judgment", "completion")  # fmt: skip
"""Fields that may hold the judge's words."""
ERROR_NAMES: Final = ("error", "exception")
_DEEPEST: Final = 8
KEPT_FORMAT: Final = "editloop-bench-1"
"""Format of results that this package writes."""


@dataclass(frozen=True, slots=True)
class Replies:
    """Replies of one run.

    Args:
        values: Key of the item -> value as found, in the order of the file.
        repeated: Keys that stood in the file more than once; the last one counts, as in the published scripts.
        name: Where they are from, for people.
        sha256: Of the file, or of its canonical content.
        keyless: Rows without a key.
    """

    values: Mapping[str, Any]
    repeated: tuple[str, ...] = ()
    name: str = ""
    sha256: str = ""
    keyless: int = 0


@dataclass(frozen=True, slots=True)
class Texts:
    """What a value of a replies file holds: texts (several where the judge was asked several times), or why none."""

    texts: tuple[str, ...] = ()
    problem: str = ""
    """Empty, or what was found instead, for example ``error: timed out``."""
    problems: tuple[str, ...] = field(default=())
    """Of a list of repeats: what was found instead of the texts that are missing."""


@dataclass(frozen=True, slots=True)
class KeptRuns:
    """What a result of this package says beside its replies.

    Args:
        editor: Its name.
        context: Fields of the context, those that say who judged among them.
        count: Runs in it.
    """

    editor: str
    context: Mapping[str, Any]
    count: int


def kept_runs(path: Path) -> KeptRuns | None:
    """What a kept result says of itself; None for any other file, one that cannot be read among them."""
    try:
        data = path.read_bytes() if path.is_file() else b""
        content = json.loads(data) if KEPT_FORMAT.encode() in data[:200] else None
        if isinstance(content, dict) and content.get("format") == KEPT_FORMAT:
            return KeptRuns(content["editor"], content["context"], len(content["runs"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return None


def read_replies(path: Path, run: int = 0) -> Replies:
    """Replies of a ``.json`` or ``.jsonl`` file, or of a folder that holds a ``result.json``.

    Args:
        path: The file or folder.
        run: Which run of a kept result, from 0; other files have one.

    Raises:
        UsageError: there is no such file, it is not JSON, or it holds neither an object nor a list of rows.
    """
    if path.is_dir():
        path = path / "result.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the replies {path}: {error.strerror or error}") from error
    repeated: list[str] = []
    content = _unpacked(parse_json(data, path, repeated), run)
    values, keyless = _by_key(content, path, repeated)
    return Replies(values, tuple(dict.fromkeys(repeated)), path.name, sha256_hex(data), keyless)


def parse_json(data: bytes, path: Path, repeated: list[str] | None = None) -> Any:
    """JSON, or a list of the values of JSON lines; repeated keys of the outermost object are noted in `repeated`.

    Raises:
        UsageError: naming the line that is not JSON.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}") from error
    seen: list[list[str]] = []

    def noting(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        seen.append([key for key in dict.fromkeys(keys) if keys.count(key) > 1] if len(set(keys)) < len(keys) else [])  # fmt: skip
        return dict(pairs)

    try:
        if path.suffix == ".jsonl":
            return list(_lines(text, path))
        content = json.loads(text, object_pairs_hook=noting)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    if repeated is not None and isinstance(content, dict) and seen:
        repeated.extend(seen[-1])  # the outermost object closes last
    return content


def texts_of(value: Any) -> Texts:
    """The texts that `value` holds: a string, a list of strings, a response with its text inside, or scores as an object.

    An object without any text, and a list of numbers, is given as JSON, so that structured output can be read; nothing is
    invented for null, single numbers and errors.
    """
    if isinstance(value, list) and value and all(_is_number(part) for part in value):
        return Texts((json.dumps(value),))
    if isinstance(value, list) and not _is_messages(value):
        found = [_one_text(part) for part in value]
        texts = tuple(text for text, _ in found if text is not None)
        problems = tuple(problem for text, problem in found if text is None)
        first = problems[0] if problems else "an empty list"
        return Texts(texts, "" if texts else first, problems)
    text, problem = _one_text(value)
    return Texts((text,)) if text is not None else Texts((), problem)


def _one_text(value: Any, depth: int = 0) -> tuple[str | None, str]:
    if isinstance(value, str):
        return value, ""
    if value is None:
        return None, "null"
    if isinstance(value, list):
        return _text_of_list(value, depth)
    if not isinstance(value, Mapping):
        return None, f"a {type(value).__name__}"
    return _text_of_object(value, depth)


def _text_of_list(value: Sequence[Any], depth: int) -> tuple[str | None, str]:
    """Parts of one message, as endpoints return them."""
    found = [_one_text(part, depth + 1) for part in value] if depth < _DEEPEST else []
    texts = [text for text, _ in found if text is not None]
    return ("\n".join(texts), "") if texts else (None, "a list without text")


def _text_of_object(value: Mapping[str, Any], depth: int) -> tuple[str | None, str]:
    for name in ERROR_NAMES:
        if value.get(name):
            return None, f"error: {value[name]}"
    if depth >= _DEEPEST:
        return None, "nested too deep"
    choices = value.get("choices")
    if isinstance(choices, list) and choices:
        return _one_text(choices[0], depth + 1)
    for name in TEXT_NAMES:
        if name in value:
            return _one_text(value[name], depth + 1)
    if not value:
        return None, "an empty object"
    only = next(iter(value.values()))
    if len(value) == 1 and isinstance(only, str):
        return only, ""
    return json.dumps(value, ensure_ascii=True), ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_messages(value: list[Any]) -> bool:
    """Whether a list is the parts of one message rather than several replies."""
    return bool(value) and all(isinstance(part, Mapping) and "type" in part for part in value)


def _lines(text: str, path: Path) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{path}, line {number} is not JSON: {error}") from error


def _by_key(content: Any, path: Path, repeated: list[str]) -> tuple[dict[str, Any], int]:
    if isinstance(content, dict):
        return content, 0
    if not isinstance(content, list):
        raise UsageError(
            f"{path} holds a {type(content).__name__}, expected an object (key -> reply) or a list of rows"
        )
    values: dict[str, Any] = {}
    keyless = 0
    for row in content:
        key = row_key(row)
        if key is None:
            keyless += 1
            continue
        if key in values:
            repeated.append(key)
        values[key] = row
    return values, keyless


def _unpacked(content: Any, run: int) -> Any:
    """The raw replies of one run of a result that this package kept; anything else as it is."""
    if not isinstance(content, dict) or content.get("format") != KEPT_FORMAT:
        return content
    items = content["runs"][run]["items"] if content.get("runs") else []
    return {item["key"]: item["reply"] for item in items if "reply" in item}


def row_key(row: Any) -> str | None:
    """The item that a row is about, or None where it says none."""
    if isinstance(row, Mapping):
        for name in KEY_NAMES:
            if isinstance(row.get(name), str | int) and not isinstance(row[name], bool):
                return str(row[name])
    return None
