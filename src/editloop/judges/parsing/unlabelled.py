"""Scores without a known label: lists, lone shares, one line an axis, nothing but numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from editloop.judges.parsing.reading import Axis
from editloop.judges.parsing.values import Scale, Value, read_value

_LISTED = re.compile(r"\bscores?[\"'\s]*[:=]\s*\[([^\[\]{}]{0,80})\]", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\s*\{\s*([^{}\n]{1,40})\}")
_SHARE = re.compile(
    r"(?<![\w./,-])\d{1,3}(?:\.\d{1,3})?\s*(?:/|out\s+of)\s*(\d{1,3})(?![\w/]|\.\d)", re.IGNORECASE
)
_LINE = re.compile(r"[\s\-•.\d)(]*([^:\n=|]{2,80}?)\s*(?:\([^()\n]{0,40}\))?\s*[:=|]\s*(\S.{0,60})")
_OTHER_LABEL = re.compile(
    r"reason|explan|overall|total|average|mean|sum|comment|analysis|instruction|note|number|count|confidence"
    r"|理由|总|平均|说明|分析|数量|raison|begründung",
    re.IGNORECASE,
)
_BARE = re.compile(r"[\s\[\](){}.,;\-•]*")
_BARE_NUMBER = re.compile(r"(?<![\w.])\d{1,4}(?:\.\d{1,4})?(?![\w.])")
_SHORT = 24
_LONGEST_LIST = 200


def listed_values(text: str, axes: Sequence[Axis], scale: Scale) -> dict[str, list[Value]]:
    """Scores of ``score: [8, 7]`` in an object that is broken or cut off behind it."""
    values: dict[str, list[Value]] = {}
    for inside in _LISTED.findall(text) if len(axes) > 1 and "[" in text else ():
        read = [read_value(part, scale) for part in inside.split(",")]
        fits = len(read) == len(axes)
        for place, axis in enumerate(axes):
            values.setdefault(axis.name, []).append(
                read[place] if fits else Value(reason="wrong_count")
            )
    return values


def boxed_values(text: str, axes: Sequence[Axis], scale: Scale) -> dict[str, list[Value]]:
    r"""The ``\boxed{4}`` that reasoning models end with, in a reply that should carry one score."""
    if len(axes) > 1 or "boxed" not in text:
        return {}
    found = [read_value(inside, scale) for inside in _BOXED.findall(text)]
    return {axes[0].name: found} if found else {}


def share_values(text: str, axes: Sequence[Axis], scale: Scale) -> dict[str, list[Value]]:
    """The one ``4/5`` or ``4 out of 5`` of a reply that should carry one score: "I would rate this edit 4/5."."""
    if len(axes) > 1:
        return {}
    whole = f"{scale[1]:g}"
    found = [
        read_value(text[share.start() : share.end() + 40], scale)
        for share in _SHARE.finditer(text)
        if share[1] == whole
    ]
    return {axes[0].name: found} if found else {}


def lined_values(text: str, axes: Sequence[Axis], scale: Scale) -> dict[str, list[Value]]:
    """Scores of lines ``anything: score`` in the order of the axes, when there is exactly one line an axis.

    For replies whose labels are translated or reworded. Lines of reasoning, totals, counts and means are left out.
    """
    found = []
    for line in text.splitlines():
        if (
            len(line) < 200
            and (match := _LINE.fullmatch(line))
            and not _OTHER_LABEL.search(match[1])
        ):
            read = read_value(match[2], scale)
            if read.reason != "nothing":
                found.append(read)
    return _in_order(found, axes)


def bare_values(text: str, axes: Sequence[Axis], scale: Scale) -> dict[str, list[Value]]:
    """Scores of a reply that is nothing but as many numbers as there are axes: ``5``, ``[4, 3, 3]``, one a line."""
    plain = text.strip()
    if len(axes) == 1:
        read = read_value(plain, scale) if len(plain) <= _SHORT else Value(reason="nothing")
        return _in_order([read], axes) if read.reason != "nothing" else {}
    if len(plain) > _LONGEST_LIST:
        return {}
    numbers = _BARE_NUMBER.findall(plain)
    if len(numbers) != len(axes) or _BARE.sub("", _BARE_NUMBER.sub("", plain)):
        return {}
    return _in_order([read_value(number, scale) for number in numbers], axes)


def _in_order(found: Sequence[Value], axes: Sequence[Axis]) -> dict[str, list[Value]]:
    if len(found) != len(axes):
        return {}
    return {axis.name: [read] for axis, read in zip(axes, found, strict=True)}
