"""Monotone maps from a judge's scores to people's, and intervals that hold whatever the judge is worth.

`fit_isotonic` keeps the judge's order and only moves its points (pool adjacent violators: Ayer et al. 1955), so rank correlations
cannot rise but distances in points do fall. `conformal_radius` gives the half-width that covers people's score of a new edit with a
promised probability (split conformal prediction: Vovk et al. 2005), from edits the map was not fitted to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict

from editloop.core.errors import UsageError

_LEAST = 5


class MonotoneMap(BaseModel):
    """A rising piecewise-linear map; a value, kept as JSON. Beyond its ends it stays level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scores: tuple[float, ...]
    """Of the judge, rising."""
    values: tuple[float, ...]
    """Of people, never falling."""

    def __call__(self, scores: ArrayLike) -> NDArray[np.float64]:
        """People's scores for the judge's."""
        return np.asarray(np.interp(np.asarray(scores, np.float64), self.scores, self.values))


def fit_isotonic(
    judge: ArrayLike, people: ArrayLike, weights: ArrayLike | None = None
) -> MonotoneMap:
    """The map of least squared error that never falls.

    Args:
        judge: Scores of the judge, shape (n,).
        people: People's mean scores.
        weights: For example the number of raters of each edit; equal by default.

    Raises:
        UsageError: fewer than five edits, or lists of different lengths.
    """
    x, y = np.asarray(judge, np.float64), np.asarray(people, np.float64)
    w = np.ones_like(x) if weights is None else np.asarray(weights, np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.shape != w.shape or len(x) < _LEAST:
        raise UsageError(
            f"a monotone map needs {_LEAST} scores or more in lists of one length, got {x.shape} and {y.shape}"
        )
    levels, places = np.unique(x, return_inverse=True)
    mass = np.bincount(places, w)
    means = np.bincount(places, w * y) / mass
    heights: list[float] = []
    masses: list[float] = []
    sizes: list[int] = []
    for value, weight in zip(means.tolist(), mass.tolist(), strict=True):
        heights.append(value)
        masses.append(weight)
        sizes.append(1)
        while len(heights) > 1 and heights[-2] >= heights[-1]:
            joined = masses[-2] + masses[-1]
            heights[-2] = (heights[-2] * masses[-2] + heights[-1] * masses[-1]) / joined
            masses[-2], sizes[-2] = joined, sizes[-2] + sizes[-1]
            del heights[-1], masses[-1], sizes[-1]
    fitted = np.repeat(heights, sizes)
    return MonotoneMap(scores=tuple(levels.tolist()), values=tuple(fitted.tolist()))


def conformal_radius(errors: Sequence[float] | NDArray[np.float64], coverage: float = 0.9) -> float:
    """Half-width of an interval around a prediction that covers a new edit with probability `coverage` or more.

    Args:
        errors: Predicted minus true score of edits that the prediction was not fitted to, exchangeable with the new ones.
        coverage: Promised share, in (0, 1).

    Returns:
        Infinity where too few errors are known to promise so much (fewer than coverage / (1 - coverage)).

    Raises:
        UsageError: `coverage` is no share.
    """
    if not 0 < coverage < 1:
        raise UsageError(f"coverage must lie between 0 and 1, got {coverage:g}")
    sizes = np.sort(np.abs(np.asarray(errors, np.float64)))
    place = math.ceil((len(sizes) + 1) * coverage)
    return float(sizes[place - 1]) if place <= len(sizes) else math.inf
