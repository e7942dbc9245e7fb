"""JSON objects inside a reply: fenced, bare, nested, several, with whatever text around them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from editloop.judges.parsing.reading import Axis
from editloop.judges.parsing.values import Scale, Value, on_scale, read_value

_DEEPEST: Final = 6
_OBJECTS: Final = 20
_SCORE_KEYS: Final = frozenset({"score", "value", "rating", "points"})
_TEXT_KEYS: Final = frozenset(
    {
        "reasoning",
        "reason",
        "briefreasoning",
        "explanation",
        "failure",
        "negativeprompt",
        "comment",
        "analysis",
    }
)
_PLAIN = re.compile(r"[\W_]+")
_DUPLICATE: Final = object()


def objects_in(text: str) -> list[dict[str, Any]]:
    """Every JSON object in `text` that is not inside another, in order; a key given twice differently has no value."""
    found: list[dict[str, Any]] = []
    start = text.find("{")
    decoder = json.JSONDecoder(object_pairs_hook=_distinct)
    for _ in range(_OBJECTS):
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if isinstance(value, dict):
                found.append(value)
        start = text.find("{", end)
    return found


def key_of(label: str) -> str:
    """`label` as keys are compared: lower case, letters and digits alone."""
    return _PLAIN.sub("", label.lower())


def structured_values(
    objects: Sequence[dict[str, Any]], axes: Sequence[Axis], keys: dict[str, str], scale: Scale
) -> dict[str, list[Value]]:
    """Axis -> every value that the objects give it. `keys` maps a key of `key_of` to its axis.

    A list of as many scores as there are axes under a ``score`` key counts in the order of the axes (VIEScore).
    """
    values: dict[str, list[Value]] = {}
    for key, value in (pair for one in objects for pair in _pairs(one, _DEEPEST)):
        plain = key_of(key)
        if isinstance(value, list) and len(axes) > 1 and plain in {"score", "scores"}:
            _add_list(values, value, axes, scale)
        elif plain in keys:
            values.setdefault(keys[plain], []).append(_value(value, scale))
    return values


def text_of(objects: Sequence[dict[str, Any]]) -> str:
    """What the objects say in words."""
    words = [
        value.strip()
        for one in objects
        for key, value in _pairs(one, _DEEPEST)
        if isinstance(value, str) and key_of(key) in _TEXT_KEYS and value.strip()
    ]
    return "; ".join(dict.fromkeys(words))


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for key, value in pairs:
        whole[key] = value if key not in whole or whole[key] == value else _DUPLICATE
    return whole


def _pairs(whole: dict[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in whole.items():
        yield key, value
        if depth and isinstance(value, dict):
            yield from _pairs(value, depth - 1)


def _scores(value: dict[str, Any]) -> list[Any]:
    return [inner for key, inner in value.items() if key_of(key) in _SCORE_KEYS]


def _value(value: Any, scale: Scale) -> Value:
    if value is _DUPLICATE:
        return Value(reason="contradiction")
    if isinstance(value, dict) and len(_scores(value)) == 1:
        return _value(_scores(value)[0], scale)
    if isinstance(value, list) and len(value) == 1:
        return _value(value[0], scale)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, scale)
    if isinstance(value, str):
        read = read_value(value, scale)
        return Value(reason="not_a_score") if read.reason == "nothing" else read
    return Value(reason="not_a_score")


def _number(value: float, scale: Scale) -> Value:
    try:
        return on_scale(float(value), scale)
    except OverflowError:
        return Value(reason="out_of_scale")


def _add_list(
    values: dict[str, list[Value]], given: list[Any], axes: Sequence[Axis], scale: Scale
) -> None:
    for place, axis in enumerate(axes):
        read = (
            _value(given[place], scale) if len(given) == len(axes) else Value(reason="wrong_count")
        )
        values.setdefault(axis.name, []).append(read)
