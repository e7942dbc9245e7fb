"""How far people agree among themselves: Krippendorff's alpha for scores of several raters with gaps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from editloop.records.rating import Rating

Level = Literal["interval", "ordinal", "nominal"]


def krippendorff_alpha(ratings: Iterable[Rating], axis: str, level: Level = "interval") -> float:
    """Krippendorff's alpha (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"): 1 = perfect, 0 = chance.

    Args:
        ratings: Rows of any axes; only `axis` is read. Items with one rating say nothing and are left out.
        axis: For example ``overall``.
        level: How two scores differ: by their squared distance, by the number of answers between them, or at all.

    Returns:
        NaN when no item has two ratings, or all ratings are equal.
    """
    by_item: dict[str, list[float]] = defaultdict(list)
    for rating in ratings:
        if rating.axis == axis:
            by_item[rating.item].append(rating.score)
    units = [scores for scores in by_item.values() if len(scores) > 1]
    if not units:
        return math.nan
    values = np.unique(np.concatenate(units))
    places = {value: number for number, value in enumerate(values.tolist())}
    together = np.zeros((len(values), len(values)))
    for scores in units:
        counts = np.bincount([places[score] for score in scores], minlength=len(values))
        together += (np.outer(counts, counts) - np.diag(counts)) / (len(scores) - 1)
    totals = together.sum(axis=1)
    distance = _distances(values, totals, level)
    observed = float((together * distance).sum())
    expected = float((np.outer(totals, totals) * distance).sum()) / (totals.sum() - 1)
    return 1 - observed / expected if expected > 0 else math.nan


def _distances(
    values: NDArray[np.float64], totals: NDArray[np.float64], level: Level
) -> NDArray[np.float64]:
    if level == "nominal":
        return np.asarray(1.0 - np.eye(len(values)))
    if level == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2)
    middle = np.cumsum(totals) - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)
