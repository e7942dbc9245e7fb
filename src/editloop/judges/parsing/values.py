"""One score in words: ``4``, ``4/5``, ``four and a half out of five``, ``90 %``, ``★★★★☆``.

A value that can be read in two ways (``4-5``, ``4+``, ``4,5``, a share of a scale that does not start at 0) has a
reason instead of a number.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

Scale = tuple[float, float]

_LANGUAGES: Final = (
    "zero one two three four five six seven eight nine ten",
    "null eins zwei drei vier fünf sechs sieben acht neun zehn",
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez",
    "zéro un deux trois quatre cinq six sept huit neuf dix",
    "ноль один два три четыре пять шесть семь восемь девять десять",
)
_WORDS: Final = {word: n for numerals in _LANGUAGES for n, word in enumerate(numerals.split())}
_HAN: Final = {word: n for n, word in enumerate("零一二三四五六七八九十")} | {"两": 2}
NUMERALS: Final = "|".join(sorted(_WORDS, key=len, reverse=True))
"""Number words, as alternatives of a pattern."""
LEADS: Final = r"an?|approximately|about|around|roughly|exactly|etwa|environ"
"""Words that may stand before a value, likewise."""
_WORD = re.compile(rf"(?<!\w)(?:{NUMERALS})(?!\w)", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_HAN_START = re.compile(r"([零一二三四五六七八九十两])(分?)(?=$|[\s,.;。，；、!()/])")

_LEAD = re.compile(rf"[\s\"'(\[{{<|]*(?:(?:{LEADS}|约|大约)\b\s*|[~≈]\s*)*", re.IGNORECASE)
_PLAIN = re.compile(r"[ \t]*(\d{1,6}(?:\.\d{1,6})?)(?:[ \t]*(?:\n|\Z)|\.?(?:\n|\Z))")
_NUMBER = re.compile(r"[-+]?\d{1,9}(?:\.\d{1,9})?")
_OF = r"(?:/|out\s+of|of|von|sur|sobre|de|из|su|满分)"
_SHARE = re.compile(
    rf"[\s\"']*\(?\s*{_OF}\s*(?:a\s+(?:possible|maximum|total)\s+)?(\d{{1,4}}(?:\.\d{{1,4}})?)",
    re.IGNORECASE,
)
_COMMA = re.compile(r",(\d{1,2})(?!\d)")
_PERCENT = re.compile(
    r"\s*(?:%|per\s?cent\b|prozent\b|pour\s?cent\b|por\s?ciento\b)", re.IGNORECASE
)
_HALF = re.compile(r"\s*(?:and|und|et|y)\s+(?:a\s+)?(?:half|halb|demi|medio)\b", re.IGNORECASE)
_POINT = re.compile(r"\s+point\s+(\d)(?!\d)", re.IGNORECASE)
_RANGE = re.compile(
    r"\s*(?:\.\.+|-+>?|→|~|/|to|or|through|bis|oder|à|ou|至|到|或|и|или|<|>)\s*\d", re.IGNORECASE
)
_UNIT = re.compile(
    r"[ \t]*(?:(?:pts?|points?|stars?|баллов|балла|балл|punkte?|puntos?)(?![^\W\d_])|점수|[分点점])",
    re.IGNORECASE,
)
_DOUBTS: Final = (
    (_RANGE, "range"),
    (
        re.compile(r"\+|\s?\?|,?\s*(?:maybe|perhaps|possibly|if not|almost)\s+(?:a\s+)?\d"),
        "qualified",
    ),
    (re.compile(r"\w|[.,:]\d"), "not_a_score"),
    # "Naturalness: 2 shadows are missing", "4 out of 5 objects": these count things.
    (
        re.compile(
            r"[ \t]+(?!(?:because|since|as|for|due|given|with|and|but|overall|out|in|on|the|this|it|although|though|while)\b)[a-z]"
        ),
        "not_a_score",
    ),
)
_STARS = re.compile(r"\s*([★⭐]{1,10})\ufe0f?([☆✩]{0,10})(?![★☆⭐✩])")


@dataclass(frozen=True, slots=True)
class Value:
    """A score, or the reason why there is none (``nothing`` when the text does not start with a value at all)."""

    score: float | None = None
    reason: str = ""


NOTHING: Final = Value(reason="nothing")


def read_value(text: str, scale: Scale) -> Value:
    """The score that `text` starts with, on `scale`."""
    if (plain := _PLAIN.match(text)) is not None:
        return on_scale(float(plain[1]), scale)
    head = text[:160]
    if not head.isascii() and (stars := _STARS.match(head)) is not None:
        return _stars(len(stars[1]), len(stars[2]), scale)
    lead = _LEAD.match(head)
    head = _digits(head[lead.end() if lead else 0 :])
    number = _NUMBER.match(head)
    if number is None:
        return NOTHING
    return _finished(number, head, scale)


def on_scale(score: float, scale: Scale) -> Value:
    """`score` if it lies on the scale."""
    if scale[0] <= score <= scale[1]:
        return Value(score)
    return Value(reason="out_of_scale" if math.isfinite(score) else "not_a_number")


def _digits(head: str) -> str:
    """Number words as digits, the first of Han script only where it stands alone (``十分`` also means "very")."""
    if head[:1] in _HAN and head:
        head = _HAN_START.sub(lambda found: f"{_HAN[found[1]]}{found[2]}", head, count=1)
    for word in _LETTERS.findall(head[:40]):
        if word.lower() in _WORDS:
            return _WORD.sub(lambda found: str(_WORDS[found[0].lower()]), head)
    return head


def _finished(number: re.Match[str], head: str, scale: Scale) -> Value:
    """The number with what follows it."""
    score, rest = float(number[0]), head[number.end() :]
    if "." not in number[0] and (comma := _COMMA.match(rest)) is not None:
        decimal = rest[comma.end() :]
        if _SHARE.match(decimal) is None:
            return Value(reason="decimal_comma")
        score, rest = float(f"{number[0]}.{comma[1]}"), decimal
    if (half := _HALF.match(rest)) is not None:
        score, rest = score + 0.5, rest[half.end() :]
    elif (point := _POINT.match(rest)) is not None:
        score, rest = score + int(point[1]) / 10, rest[point.end() :]
    if (unit := _UNIT.match(rest)) is not None:
        rest = rest[unit.end() :]
    if _PERCENT.match(rest) is not None:
        return _share(score, 100.0, scale)
    whole, share = scale[1], _SHARE.match(rest)
    if share is not None:
        whole, rest = float(share[1]), rest[share.end() :]
        if (unit := _UNIT.match(rest)) is not None:
            rest = rest[unit.end() :]
    doubt = ""
    if rest and rest[0] not in "\n\r":
        doubt = next((reason for pattern, reason in _DOUBTS if pattern.match(rest)), "")
    return Value(reason=doubt) if doubt else _share(score, whole, scale)


def _share(score: float, whole: float, scale: Scale) -> Value:
    """`score` out of `whole`: plain on the scale's own maximum, else only where the scale starts at 0 or it is the top."""
    low, high = scale
    if whole == high:
        return on_scale(score, scale)
    if whole <= 0 or not 0 <= score <= whole:
        return Value(reason="out_of_scale")
    if low == 0 or score == whole:
        return on_scale(high * score / whole, scale)
    return Value(reason="other_scale")


def _stars(full: int, empty: int, scale: Scale) -> Value:
    if scale[1] > 10 or (empty and full + empty != scale[1]):
        return Value(reason="other_scale")
    return on_scale(float(full), scale)
