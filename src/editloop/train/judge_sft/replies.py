"""The reply that people would have given to a rubric's question, in the form that the question asks for.

It holds scores and nothing else: people wrote no reasoning, and a judge that learns made-up reasons learns to make up reasons.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from editloop.core.errors import UsageError
from editloop.judges.parsing.reading import Axis
from editloop.judges.rubrics.readings import axes_of, read_reply
from editloop.judges.rubrics.rubric import Question, Rubric

_FORMS: Final = ("number", "lines", "scores", "json")
_DECIMALS: Final = ("json",)
_ONE_DIGIT: Final = 9


@dataclass(frozen=True, slots=True)
class TargetReply:
    """A reply, and where each score stands in it as one digit: (offset, people's score)."""

    text: str
    digits: tuple[tuple[int, float], ...] = ()


def check_teachable(rubric: Rubric) -> None:
    """Nothing, when ratings can teach the replies of a rubric.

    Raises:
        UsageError: it asks for something that ratings do not hold (yes or no, a failure in words, a choice of two).
    """
    for question in rubric.questions:
        known = len(axes_of(question.reading)) == len(question.axes) > 0
        if question.reply not in _FORMS or not known or question.official is not None:
            raise UsageError(
                f"ratings cannot teach the replies of the rubric {rubric.name!r}: its question {question.name!r} does not ask for "
                "scores alone; use hp-base, hp-scorer, imgedit, imgedit-uge, nhr, viescore or a .toml file of your own"
            )


def writes_decimals(rubric: Rubric) -> bool:
    """Whether scores of its replies have decimals."""
    return any(question.reply in _DECIMALS for question in rubric.questions)


def has_digits(rubric: Rubric) -> bool:
    """Whether every score is one digit, so that its expectation can be learnt and read."""
    low, high = rubric.scale
    return low >= 0 and high <= _ONE_DIGIT and not writes_decimals(rubric)


def target_reply(
    question: Question,
    scores: Sequence[float],
    scale: tuple[float, float],
    rng: np.random.Generator,
) -> TargetReply:
    """The reply with people's scores.

    A score between two whole numbers becomes one of them by lot where the form takes whole numbers only, so that the mean over many
    ratings stays people's.

    Args:
        question: What was asked; its axes are in the order of `scores`.
        scores: People's, on the rubric's scale.
        scale: The rubric's.
        rng: Draws.

    Raises:
        UsageError: the rubric's own reading does not read the reply back.
    """
    kept = [float(np.clip(score, *scale)) for score in scores]
    if question.reply in _DECIMALS:
        words = [f"{score:.2f}" for score in kept]
    else:
        words = [str(_whole(score, scale, rng)) for score in kept]
    text, offsets = _WRITERS[question.reply]([axis.label for axis in question.axes], words)
    _check_read_back(question, text, kept)
    one_digit = scale[1] <= _ONE_DIGIT and question.reply not in _DECIMALS
    marks = tuple(zip(offsets, kept, strict=True)) if one_digit else ()
    return TargetReply(text, marks)


def _whole(score: float, scale: tuple[float, float], rng: np.random.Generator) -> int:
    below = math.floor(score)
    drawn = below + (rng.random() < score - below)
    return int(np.clip(drawn, math.ceil(scale[0]), math.floor(scale[1])))


def _number(_labels: Sequence[str], words: Sequence[str]) -> tuple[str, list[int]]:
    return words[0], [0]


def _lines(labels: Sequence[str], words: Sequence[str]) -> tuple[str, list[int]]:
    return _joined([f"{label}: " for label in labels], words, "\n", "", "")


def _scores(_labels: Sequence[str], words: Sequence[str]) -> tuple[str, list[int]]:
    return _joined([""] * len(words), words, ", ", '{"score": [', "]}")


def _json(labels: Sequence[str], words: Sequence[str]) -> tuple[str, list[int]]:
    return _joined([f"{json.dumps(label)}: " for label in labels], words, ", ", "{", "}")


def _joined(
    leads: Sequence[str], words: Sequence[str], between: str, start: str, end: str
) -> tuple[str, list[int]]:
    """Text, and the offset of every word in it."""
    text, offsets = start, []
    for place, (lead, word) in enumerate(zip(leads, words, strict=True)):
        text += (between if place else "") + lead
        offsets.append(len(text))
        text += word
    return text + end, offsets


_WRITERS: Final[dict[str, Callable[[Sequence[str], Sequence[str]], tuple[str, list[int]]]]] = {
    "number": _number,
    "lines": _lines,
    "scores": _scores,
    "json": _json,
}


def _check_read_back(question: Question, text: str, scores: Sequence[float]) -> None:
    axes: tuple[Axis, ...] = axes_of(question.reading)
    read = read_reply(question.reading, text)
    found = [read.axes.get(axis.name, math.inf) for axis in axes]
    slack = 1.0 if question.reply not in _DECIMALS else 0.01
    if any(abs(one - meant) > slack for one, meant in zip(found, scores, strict=True)):
        raise UsageError(
            f"the reading {question.reading!r} does not read the reply {text!r} back ({read.reason or found}); the question "
            f"{question.name!r} of the rubric cannot be taught"
        )
