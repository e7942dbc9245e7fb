"""One spelling of a reply before it is read: widths, digits, fractions, thoughts and markdown."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 20_000
"""Characters beyond which an answer is no answer."""
_LONGEST_RAW: Final = 1_000_000

_FRACTIONS: Final = {"½": ".5", "¼": ".25", "¾": ".75"}
_MIXED = re.compile(r"(\d)\s?([½¼¾])")
_RAISED = re.compile(r"[⁰¹²³⁴-⁹₀-₉]")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_DASHES = re.compile(r"[‐‑‒–—―−]")
_TAG = re.compile(r"<(/?)(think|thinking|thought|answer)>", re.IGNORECASE)
_QUOTATION = re.compile(
    r"(\b(?:says?|said|saying|reads?|reading|written|writes?|claims?|claiming|states?|stating|text|words?|sign|caption"
    r"|watermark|label|instructions?|prompt)\b[^\"\n]{0,40})\"[^\"\n]*\d[^\"\n]*\"",
    re.IGNORECASE,
)
_LINE_START = re.compile(r"^[ \t]*(?:#+|>+)[ \t]*", re.MULTILINE)
_UNDERSCORES = re.compile(r"(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)")


def normalised(reply: str) -> str | None:
    """`reply` with plain digits, quotes and dashes, and without its thoughts; structure is left alone.

    Footnote digits go, full-width and other scripts' digits become ASCII, ``4½`` becomes ``4.5``. What a reasoning model
    thought before its answer is not its answer; an ``<answer>`` element is all of it.

    Returns:
        None for an answer that is too long to be one.
    """
    if len(reply) > _LONGEST_RAW:
        return None
    text = _answer(reply) if "<" in reply else reply
    if not text.isascii():
        text = _one_script(text)
    return text if len(text) <= LONGEST else None


def without_markdown(text: str) -> str:
    """`text` without emphasis, code marks, headings and quotation marks of markdown."""
    text = text.replace("*", "").replace("`", "").replace("~~", "")
    if "#" in text or ">" in text:
        text = _LINE_START.sub("", text)
    return _UNDERSCORES.sub("", text) if "_" in text else text


def without_quotations(text: str) -> str:
    """`text` without what it quotes from a picture or an instruction (``the sign says "Score: 5"``): that is not its own score."""
    return _QUOTATION.sub(r"\1", text) if '"' in text else text


def _answer(text: str) -> str:
    """What is left without thoughts, those that never end included; the last answer element if there is one."""
    start, end, opened = 0, len(text), -1
    for tag in _TAG.finditer(text):
        closing, answer = bool(tag[1]), tag[2].lower() == "answer"
        if answer and not closing:
            opened = tag.end()
        elif answer and opened >= 0:
            start, end, opened = opened, tag.start(), -1
        elif closing and not answer:
            start, end = tag.end(), len(text)
        elif not answer and end == len(text):
            end = tag.start()
    return text[start : max(start, end)]


def _one_script(text: str) -> str:
    text = _MIXED.sub(lambda found: found[1] + _FRACTIONS[found[2]], text)
    text = _RAISED.sub("", text)
    text = unicodedata.normalize("NFKC", text)
    text = _INVISIBLE.sub("", text)
    text = _DASHES.sub("-", text)
    text = text.translate(_QUOTES)
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() and not letter.isascii() else letter
        for letter in text
    )


_QUOTES: Final = {ord(mark): '"' for mark in "“”„«»「」『』"} | {ord(mark): "'" for mark in "‘’‚"}
