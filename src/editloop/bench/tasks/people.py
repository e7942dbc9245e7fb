"""Scores that people gave on the rating page, in place of a judge's replies: HP-Edit's user score, ImgEdit's raters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from editloop.bench.cases import BenchCase
from editloop.bench.results import ItemScore
from editloop.bench.tasks.unscored import plain_mean, unscored

_NOT_AXES: Final = frozenset(
    {"rater", "seconds", "note", "marks", "turns", "whole", "choice", "left"}
)
_OVERALL: Final = "overall"


def is_rated(value: Any) -> bool:
    """Whether `value` is a line that `editloop rate --export` wrote: an object with a list of `ratings`."""
    return isinstance(value, Mapping) and isinstance(value.get("ratings"), list)


def rated_item(
    case: BenchCase, row: Mapping[str, Any], metric: str, scale: tuple[float, float]
) -> ItemScore:
    """Mean over raters; a rater's score is ``overall`` where the sheet asks for it, else the mean of the axes.

    A sheet on another scale than the benchmark's is not converted.
    """
    given = row.get("scale")
    if given is not None and tuple(given) != scale:
        return unscored(case, "unparsable", "other_scale", dict(row))
    people = [_axes(rating) for rating in row["ratings"] if isinstance(rating, Mapping)]
    scores = [
        axes[_OVERALL] if _OVERALL in axes else plain_mean(list(axes.values()))
        for axes in people
        if axes
    ]
    if not scores:
        return unscored(case, "failed", "nobody_answered", dict(row))
    if not all(scale[0] <= score <= scale[1] for score in scores):
        return unscored(case, "unparsable", "out_of_scale", dict(row))
    names = dict.fromkeys(name for axes in people for name in axes)
    return ItemScore(
        case.key,
        case.group,
        case.cluster,
        metrics={metric: plain_mean(scores)},
        axes={name: plain_mean([axes[name] for axes in people if name in axes]) for name in names},
        repeats=tuple(scores) if len(scores) > 1 else (),
        reply=dict(row),
        instruction=" / ".join(case.instructions),
    )


def _axes(rating: Mapping[str, Any]) -> dict[str, float]:
    return {
        str(name): float(value)
        for name, value in rating.items()
        if name not in _NOT_AXES and isinstance(value, int | float) and not isinstance(value, bool)
    }
