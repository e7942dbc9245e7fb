"""Scores that stand behind their labels in running text: ``**Prompt Compliance** (1-5): 4/5``.

The search goes from separators (``:``, ``=``, ``is``, ``of``) with a value behind them back to the label before them:
there are few of those in a reply, and so ten thousand replies a second can be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from editloop.judges.parsing.reading import Axis
from editloop.judges.parsing.values import LEADS, NUMERALS, Scale, Value, read_value

_LONGEST_LABEL: Final = 120
_REMEMBERED: Final = 4096
_GAP: Final = r"[ \t\"']*\n?[ \t\"']*"
_SYMBOL = re.compile(rf"(?:[:=|>→为是]|-(?=\s)){_GAP}")
_WORD = re.compile(
    rf"\s(?:is|of|as|ist|von|es|est|de)\s+(?=[\"'(]*(?:[\d★⭐~≈+-]|(?:{LEADS}|{NUMERALS})\b))",
    re.IGNORECASE,
)
_SPACE = re.compile(
    r"[ \t]*[ \t\n][ \t]*(?=\d{1,2}(?:\.\d{1,4})?(?:[ \t]*/[ \t]*\d{1,3})?[ \t.]*(?:\n|\Z))"
)
"""``Prompt Compliance 4``: no separator, but the number ends the line."""
_SUFFIXES: Final = (" score", " rating", " grade", " points", "得分", "评分", "分数")
_HINT = re.compile(r"[(\[][^()\[\]\n]{0,60}[)\]]$")
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_AND = re.compile(r" and(?= )")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_FIRST_DIGIT = re.compile(r"[\s\"'(\[*]*\d")
_RAN_INTO = re.compile(r"[\s\"']*[\d.]+")


def labelled_values(text: str, axes: Sequence[Axis], scale: Scale) -> dict[str, list[Value]]:
    """Axis -> every value that stands behind one of its labels; a label without a value behind it is only a mention."""
    labels = _labels(tuple(axes))
    values: dict[str, list[Value]] = {}
    _collect(values, text, labels, scale, _SYMBOL, _WORD)
    if len(values) < len(axes):
        _collect(values, text, labels, scale, _SPACE)
    return values


def _collect(
    values: dict[str, list[Value]],
    text: str,
    labels: _Labels,
    scale: Scale,
    *separators: re.Pattern[str],
) -> None:
    for separator in separators:
        for found in separator.finditer(text):
            read = read_value(text[found.end() : found.end() + 160], scale)
            if read.reason == "nothing":
                continue
            axis = labels.axis_before(text, found.start())
            if axis is not None:
                values.setdefault(axis, []).append(_unless_cut_off(read, text, found.end()))


def value_offsets(text: str, axes: Sequence[Axis], scale: Scale) -> dict[str, int]:
    """Axis -> where the first digit of its score stands in `text`, for axes that have one score and one place for it.

    A reply of one axis that is nothing but its score has it too.
    """
    labels = _labels(tuple(axes))
    places: dict[str, set[int]] = {}
    for separator in (_SYMBOL, _WORD, _SPACE):
        for found in separator.finditer(text):
            digit = _FIRST_DIGIT.match(text, found.end())
            axis = None if digit is None else labels.axis_before(text, found.start())
            if axis is not None and digit is not None:
                places.setdefault(axis, set()).add(digit.end() - 1)
    if not places and len(axes) == 1 and (digit := _FIRST_DIGIT.match(text)) is not None:
        bare = read_value(text, scale).score is not None
        return {axes[0].name: digit.end() - 1} if bare else {}
    return {axis: min(offsets) for axis, offsets in places.items() if len(offsets) == 1}


class _Labels:
    """The labels of some axes, and what was found behind earlier ones: replies of one rubric repeat their labels."""

    def __init__(self, by_end: Mapping[str, tuple[tuple[str, str], ...]]) -> None:
        self._by_end = by_end
        self._known: dict[str, str | None] = {}

    def axis_before(self, text: str, end: int) -> str | None:
        """The axis whose label the line ends with at `end`."""
        start = max(text.rfind("\n", 0, end) + 1, end - _LONGEST_LABEL)
        before = text[start:end]
        if before not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[before] = self._find(before)
        return self._known[before]

    def _find(self, before: str) -> str | None:
        """A scale in brackets and a word like "score" may stand behind the label."""
        before = before.rstrip(" \t\"'-")
        if before.endswith((")", "]")):
            before = _HINT.sub("", before)
        plain = spaced(before)
        found = self._ending(plain)
        if found is None:
            suffix = next((suffix for suffix in _SUFFIXES if plain.endswith(suffix)), None)
            found = None if suffix is None else self._ending(plain[: -len(suffix)].rstrip())
        return found

    def _ending(self, plain: str) -> str | None:
        for label, axis in self._by_end.get(plain[-1:], ()):
            if plain.endswith(label):
                return axis
        return None


def spaced(text: str) -> str:
    """`text` in lower case, with one space in place of what is no letter or digit, and one before it; no "and"."""
    plain = " " + _BETWEEN_WORDS.sub(" ", text).strip().lower()
    return _AND.sub("", plain) if " and " in plain else plain


@lru_cache(maxsize=256)
def _labels(axes: tuple[Axis, ...]) -> _Labels:
    """Last letter -> spellings of labels that end with it, the longest first, with their axes."""
    spellings: dict[str, str] = {}
    for axis in axes:
        for label in (axis.name, *axis.labels):
            spellings[spaced(_CAMEL.sub(" ", label))] = axis.name
            spellings[spaced(label)] = axis.name
    by_end: dict[str, list[tuple[str, str]]] = {}
    for spelling in sorted(spellings, key=len, reverse=True):
        found = spelling if spelling.isascii() else spelling.strip()
        by_end.setdefault(found[-1], []).append((found, spellings[spelling]))
    return _Labels({end: tuple(pairs) for end, pairs in by_end.items()})


def _unless_cut_off(read: Value, text: str, start: int) -> Value:
    """A number at the very end of an object that is not closed may be the beginning of a longer one."""
    if len(text) - start < 12 and _RAN_INTO.fullmatch(text, start) is not None:
        return Value(reason="truncated") if text.count("{") > text.count("}") else read
    return read
