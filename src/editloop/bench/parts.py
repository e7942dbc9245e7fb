"""Replies of benchmarks that ask several questions about one case (VIEScore's SC and PQ, Real-Edit's three)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from editloop.bench.replies import Replies, read_replies, row_key
from editloop.core.errors import UsageError
from editloop.core.ids import sha256_hex

Parts = Mapping[str, Sequence[str]]
"""Name of a part -> other names it goes by, lower case."""


def read_parted_replies(path: Path, parts: Parts, run: int = 0) -> Replies:
    """Replies as key -> ``{part: value}``.

    Read are: a folder with one file a part (``SC.json``, ``PQ.json``); one object with a part at its top
    (``{"SC": {key: reply}}``); key -> ``{"SC": reply, "PQ": reply}``; the same nested below groups or languages, whose
    names join the key (``en/key``); lists of rows with a key; and a list under a key, one entry an instruction (``key#0``).

    Raises:
        UsageError: as `read_replies`; for a folder without any file of a part.
    """
    if path.is_dir():
        return _folder(path, parts)
    replies = read_replies(path, run)
    values = replies.values
    if _is_transposed(values, parts):
        values = _transposed({_part(name, parts): part for name, part in values.items()})
    flat: dict[str, Any] = {}
    for key, value in values.items():
        _flatten(key, value, parts, flat, 3)
    return Replies(flat, replies.repeated, replies.name, replies.sha256, replies.keyless)


def _folder(folder: Path, parts: Parts) -> Replies:
    found: dict[str, Any] = {}
    data = b""
    for path in sorted(folder.glob("*.json*")):
        name = _part(path.stem, parts)
        if name in parts and path.suffix in {".json", ".jsonl"}:
            part = read_replies(path)
            found[name], data = part.values, data + path.read_bytes()
    if not found:
        raise UsageError(
            f"{folder} holds none of {', '.join(f'{name}.json' for name in parts)}: name the file of replies instead"
        )
    return Replies(_transposed(found), (), folder.name, sha256_hex(data))


def _is_transposed(values: Mapping[str, Any], parts: Parts) -> bool:
    names = [_part(name, parts) for name in values]
    return (
        bool(names)
        and len(set(names)) == len(names)
        and set(names) <= set(parts)
        and all(isinstance(part, dict | list) for part in values.values())
    )


def _transposed(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Part -> key -> reply, turned over."""
    values: dict[str, dict[str, Any]] = {}
    for name, part in found.items():
        rows = part.items() if isinstance(part, Mapping) else ((row_key(row), row) for row in part)
        for key, reply in rows:
            if key is not None:
                values.setdefault(key, {})[name] = reply
    return values


def _flatten(key: str, value: Any, parts: Parts, flat: dict[str, Any], depth: int) -> None:
    if isinstance(value, Mapping):
        named = {_part(name, parts): reply for name, reply in value.items()}
        if set(named) & set(parts):
            flat[key] = {name: named[name] for name in parts if name in named}
            return
        if depth and value and all(isinstance(inner, dict | list) for inner in value.values()):
            for name, inner in value.items():
                _flatten(f"{key}/{name}", inner, parts, flat, depth - 1)
            return
    if isinstance(value, list):
        if len(value) == len(parts) and all(isinstance(text, str) for text in value):
            flat[key] = dict(zip(parts, value, strict=True))
            return
        if value and all(isinstance(inner, Mapping) for inner in value):
            for place, inner in enumerate(value):
                _flatten(f"{key}#{place}", inner, parts, flat, depth - 1 if depth else 0)
            return
    flat[key] = value


def _part(name: str, parts: Parts) -> str:
    """The part that goes by `name`, or `name` itself."""
    plain = name.strip().lower().removeprefix("eval_")
    for suffix in ("_str", "_reply", "_raw", "_response", "_text", "_score", "_output"):
        plain = plain.removesuffix(suffix)
    return next(
        (part for part, names in parts.items() if plain == part.lower() or plain in names), name
    )


def parts_of(value: Any, parts: Parts) -> dict[str, Any] | None:
    """What `value` holds for every part (None where it has none); None when it is not parted at all."""
    if not isinstance(value, Mapping) or not set(value) & set(parts):
        return None
    return {name: value.get(name) for name in parts}
