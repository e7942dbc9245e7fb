"""The robust reading of a reply that should carry one score an axis."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from editloop.judges.parsing.labelled import labelled_values
from editloop.judges.parsing.normalise import normalised, without_markdown, without_quotations
from editloop.judges.parsing.reading import Axis, Reading, mean, unread
from editloop.judges.parsing.refusals import is_endpoint_error, no_scores
from editloop.judges.parsing.structured import key_of, objects_in, structured_values, text_of
from editloop.judges.parsing.unlabelled import (
    bare_values,
    boxed_values,
    lined_values,
    listed_values,
    share_values,
)
from editloop.judges.parsing.values import Scale, Value
from editloop.records.verdict import Outcome

Combine = Callable[[Mapping[str, float]], float]

_FINAL = re.compile(
    r"^[ \t]*(?:my )?(?:final|corrected|revised|adjusted) (?:scores?|ratings?|answers?|verdict|evaluation)\b|最终(?:评分|得分|答案)",
    re.IGNORECASE | re.MULTILINE,
)
_REASONING = re.compile(
    r"[ \t]*(?:brief )?(?:reasoning|reason|explanation|analysis)[ \t]*:[ \t]*(.+)", re.IGNORECASE
)
_NO_REPLY: Final = "no_reply"


def read_axes(
    reply: object, axes: Sequence[Axis], scale: Scale, combine: Combine = mean
) -> Reading:
    """The scores of a reply, all of them or none: a mean over the axes that happened to be readable is no score.

    Tried in turn: JSON objects, a list of scores, scores behind their labels, a box, a lone share (``4/5``), one line an axis in
    order, nothing but numbers. Two different
    values for one axis are a contradiction, unless the reply itself marks the later part as final.

    Args:
        reply: The raw reply; anything but text is a failed call.
        axes: What to look for.
        scale: Both ends included; a value outside is no score.
        combine: The item's score from the axes.

    Returns:
        A reading whose scores lie on the scale. Never raises.
    """
    if not isinstance(reply, str):
        return unread(_NO_REPLY, outcome=Outcome.FAILED)
    if is_endpoint_error(reply):
        return unread("endpoint_error", outcome=Outcome.FAILED, text=reply.strip()[:500])
    text = normalised(reply)
    if text is None:
        return unread("too_long")
    read = _read(text, axes, scale, combine)
    if read.reason == "contradiction" and (marks := list(_FINAL.finditer(text))):
        final = _read(text[marks[-1].start() :], axes, scale, combine)
        read = final if final.scored else read
    return read if read.scored else no_scores(read.reason, text)


def _read(text: str, axes: Sequence[Axis], scale: Scale, combine: Combine) -> Reading:
    objects = objects_in(text) if "{" in text else []
    values = structured_values(objects, axes, _keys(tuple(axes)), scale) if objects else {}
    plain = text
    if not values:
        plain = without_markdown(without_quotations(text))
        values = (
            listed_values(plain, axes, scale)
            or labelled_values(plain, axes, scale)
            or boxed_values(plain, axes, scale)
            or share_values(plain, axes, scale)
            or lined_values(plain, axes, scale)
            or bare_values(plain, axes, scale)
        )
    return _agreed(values, axes, combine, _words(objects, plain))


def _agreed(
    values: Mapping[str, Sequence[Value]], axes: Sequence[Axis], combine: Combine, text: str
) -> Reading:
    scores: dict[str, float] = {}
    for axis in axes:
        given = values.get(axis.name)
        if given is None:
            return unread("missing_axes" if values else "no_score", text=text)
        first = given[0]
        if len(given) > 1 and any(other.score != first.score for other in given):
            return unread("contradiction", text=text)
        if first.score is None:
            return unread(first.reason, text=text)
        scores[axis.name] = first.score
    return Reading(Outcome.SCORED, axes=scores, value=combine(scores), text=text)


def _words(objects: Sequence[dict[str, Any]], plain: str) -> str:
    if objects:
        return text_of(objects)
    for line in plain.splitlines()[:50]:
        if (found := _REASONING.match(line)) is not None:
            return found[1].strip()
    return ""


@lru_cache(maxsize=256)
def _keys(axes: tuple[Axis, ...]) -> dict[str, str]:
    return {
        key: axis.name
        for axis in axes
        for label in (axis.name, *axis.labels)
        for key in (key_of(label), key_of(f"{label}score"))
    }
