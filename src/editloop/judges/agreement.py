"""How well two sets of scores agree: a judge with people, one person with the others, and how far chance carries.

All functions take paired scores of equal length and give NaN where the question has no answer (a correlation with a
constant, pairs that are all tied), so that an undefined figure is never read as "no agreement".
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from editloop.core.stats import Interval, bootstrap_interval
from editloop.records.rating import Rating

Scores: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[Scores, Scores], float]


def pearson(first: ArrayLike, second: ArrayLike) -> float:
    """Linear correlation in [-1, 1].

    Raises:
        ValueError: unless both are of one length and hold two scores or more (so do all functions here).
    """
    x, y = _paired(first, second)
    x, y = x - x.mean(), y - y.mean()
    spread = math.sqrt(float(x @ x)) * math.sqrt(float(y @ y))
    if spread < 1e-12 * max(1.0, len(x)):
        return math.nan
    return float(np.clip(x @ y / spread, -1.0, 1.0))


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Rank correlation in [-1, 1]; tied scores share the mean of their ranks."""
    x, y = _paired(first, second)
    return pearson(ranks(x), ranks(y))


def kendall(first: ArrayLike, second: ArrayLike) -> float:
    """Kendall's tau-b in [-1, 1]: concordant minus discordant pairs, corrected for ties on either side."""
    x, y = _paired(first, second)
    x_signs, y_signs = _pair_signs(x), _pair_signs(y)
    untied = math.sqrt(float(np.count_nonzero(x_signs)) * float(np.count_nonzero(y_signs)))
    return float(x_signs @ y_signs) / untied if untied else math.nan


def within(first: ArrayLike, second: ArrayLike, tolerance: float = 1.0) -> float:
    """Share of items on which the two differ by `tolerance` points at most (ImgEdit-Judge's measure, arXiv 2505.20275)."""
    x, y = _paired(first, second)
    return float(np.mean(np.abs(x - y) <= tolerance + 1e-9))


def mean_absolute_error(first: ArrayLike, second: ArrayLike) -> float:
    """Mean distance in points."""
    x, y = _paired(first, second)
    return float(np.mean(np.abs(x - y)))


def pair_accuracy(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Share of pairs that `predicted` puts in the order of `truth`.

    Pairs that are tied in `truth` are left out; a tie in `predicted` alone counts as half, as a coin would score.
    """
    guess, real = _paired(predicted, truth)
    real_signs = _pair_signs(real)
    ordered = real_signs != 0
    if not ordered.any():
        return math.nan
    return float(np.mean(0.5 + 0.5 * real_signs[ordered] * _pair_signs(guess)[ordered]))


def ranks(scores: ArrayLike) -> Scores:
    """Ranks from 1; ties share their mean rank."""
    sample = np.asarray(scores, dtype=np.float64)
    _, inverse, counts = np.unique(sample, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Scores = (last - (counts - 1) / 2.0)[inverse]
    return shared


def agreement_interval(
    statistic: Statistic,
    first: ArrayLike,
    second: ArrayLike,
    *,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """One of the statistics above with its percentile bootstrap interval over items.

    Args:
        statistic: `spearman`, `pearson`, `pair_accuracy`, ...
        first: Scores, shape (items,).
        second: Scores of the same items.
        clusters: Names the image of each item; whole images are drawn, since edits of one image are not independent.
        confidence: Mass between the ends.
        resamples: Number of samples drawn. One in which the statistic is undefined counts as 0.
        seed: Of the drawing.
    """
    x, y = _paired(first, second)

    def of_places(places: Scores) -> float:
        chosen = places.astype(np.intp)
        value = statistic(x[chosen], y[chosen])
        return 0.0 if math.isnan(value) else value

    interval = bootstrap_interval(
        np.arange(len(x), dtype=np.float64).tolist(),
        clusters,
        statistic=of_places,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
    return Interval(statistic(x, y), interval.low, interval.high)


def human_ceiling(
    ratings: Iterable[Rating], axis: str, statistic: Statistic = spearman, *, seed: int = 0
) -> Interval:
    """How well one person agrees with the mean of the others: no judge can be asked for more.

    Each rater is left out in turn and compared with the mean of the others on the items they share; the figure is the
    mean over raters. The interval is a bootstrap over raters, the unit that would differ in another study.

    Args:
        ratings: Rows of any axes; only `axis` is read.
        axis: For example ``overall``.
        statistic: The measure of agreement.
        seed: Of the bootstrap.

    Raises:
        ValueError: no rater shares three items with another.
    """
    by_item: dict[str, dict[str, float]] = defaultdict(dict)
    for rating in ratings:
        if rating.axis == axis:
            by_item[rating.item][rating.rater] = rating.score
    raters = sorted({rater for answers in by_item.values() for rater in answers})
    found = [_left_out(by_item, rater, statistic) for rater in raters]
    agreements = [value for value in found if not math.isnan(value)]
    if not agreements:
        raise ValueError(
            f"no ceiling on {axis!r}: each of {len(raters)} raters needs three items that another rated too"
        )
    return bootstrap_interval(agreements, seed=seed)


def _left_out(
    by_item: dict[str, dict[str, float]], rater: str, statistic: Statistic, least: int = 3
) -> float:
    own, others = [], []
    for answers in by_item.values():
        if rater in answers and len(answers) > 1:
            own.append(answers[rater])
            others.append(
                (sum(answers.values()) - answers[rater]) / (len(answers) - 1),
            )
    return statistic(np.asarray(own), np.asarray(others)) if len(own) >= least else math.nan


def _pair_signs(scores: Scores) -> Scores:
    """Sign of the difference of every pair (first of the two minus second), shape (n * (n - 1) / 2,)."""
    upper = np.triu_indices(len(scores), 1)
    signs: Scores = np.sign(scores[upper[0]] - scores[upper[1]])
    return signs


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[Scores, Scores]:
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise ValueError(
            f"agreement needs two lists of one length with two scores or more, got shapes {x.shape} and {y.shape}"
        )
    return x, y
