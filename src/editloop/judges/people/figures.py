"""All figures of agreement at once, each with a bootstrap interval over whole photographs.

A resample is a weight for each edit (how often its photograph was drawn), so that figures over pairs cost a matrix product and not
a new table of pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from editloop.core.stats import Interval

Scores: TypeAlias = NDArray[np.float64]
Figure: TypeAlias = Callable[[Scores, Scores], Scores]
MOST_PAIRED: Final = 4000
"""Edits beyond which the figures over pairs are taken from a random draw of this many."""
_BLOCK: Final = 200
_TIE: Final = 1e-9


def weighted_pearson(x: Scores, y: Scores, weights: Scores) -> Scores:
    """Linear correlation under every row of `weights`, (draws, n); NaN where a side is constant."""
    x, y = x - x.mean(), y - y.mean()  # else the rounding of a large constant looks like a spread
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    cov = weights @ (x * y) / total - mean_x * mean_y
    var_x, var_y = weights @ (x * x) / total - mean_x**2, weights @ (y * y) / total - mean_y**2
    spread = np.sqrt(np.clip(var_x, 0, None) * np.clip(var_y, 0, None))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread > 1e-12, np.clip(cov / spread, -1, 1), np.nan))


def weighted_spearman(x: Scores, y: Scores, weights: Scores) -> Scores:
    """Rank correlation under every row of `weights`; ties share the mean of their ranks."""
    found = np.empty(len(weights))
    for start in range(0, len(weights), _BLOCK):
        block = weights[start : start + _BLOCK]
        found[start : start + _BLOCK] = _rowwise_pearson(_ranks(x, block), _ranks(y, block), block)
    return found


def pair_figures(x: Scores, y: Scores, weights: Scores) -> dict[str, Scores]:
    """Figures over all pairs of edits under every row of `weights`, with x the judge and y people.

    Returns:
        ``kendall`` (tau-b), and over pairs that people do not tie: ``pair_accuracy`` (a tie of the judge counts half),
        ``pair_accuracy_strict`` (a tie of the judge is wrong), ``judge_ties`` (share of pairs that the judge ties), and
        ``pair_accuracy_decided`` (over pairs that neither ties).
    """
    sign_x, sign_y = (np.sign(_rounded(s[:, None] - s[None, :])).astype(np.float32) for s in (x, y))
    drawn = weights.astype(np.float32)

    def total(table: NDArray[np.float32]) -> Scores:
        return np.asarray(((drawn @ table) * drawn).sum(axis=1), np.float64)

    agree = total(sign_x * sign_y)
    people, judge, both = total(sign_y**2), total(sign_x**2), total((sign_x * sign_y) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "kendall": np.asarray(agree / np.sqrt(people * judge)),
            "pair_accuracy": np.asarray(0.5 + 0.5 * agree / people),
            "pair_accuracy_strict": np.asarray(0.5 * (agree + both) / people),
            "pair_accuracy_decided": np.asarray(0.5 + 0.5 * agree / both),
            "judge_ties": np.asarray(1 - both / people),
        }


def agreement_figures(
    judge: Scores,
    people: Scores,
    clusters: Sequence[str],
    *,
    distance_scale: float = 1.0,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Every figure with its percentile bootstrap interval over `clusters`.

    Args:
        judge: Scores of the judge on people's scale, shape (n,).
        people: People's mean scores.
        clusters: Name of each edit's photograph; whole photographs are drawn.
        distance_scale: Points that count as one for ``within_1``.
        resamples: Number of draws.
        confidence: Mass between the ends.
        seed: Of the draws.

    Raises:
        ValueError: for fewer than two edits.
    """
    if len(judge) < 2 or judge.shape != people.shape or len(clusters) != len(judge):
        raise ValueError(
            f"agreement needs two edits or more in equal lists, got {judge.shape} and {people.shape}"
        )
    weights = cluster_weights(clusters, resamples, seed)
    draws = {
        "spearman": weighted_spearman(judge, people, weights),
        "pearson": weighted_pearson(judge, people, weights),
        "mae": _weighted_mean(np.abs(judge - people), weights),
        "within_1": _weighted_mean(np.abs(judge - people) <= distance_scale + _TIE, weights),
    }
    if len(judge) <= MOST_PAIRED:
        draws |= pair_figures(judge, people, weights)
    else:
        chosen = np.sort(np.random.default_rng(seed).choice(len(judge), MOST_PAIRED, replace=False))
        draws |= pair_figures(judge[chosen], people[chosen], weights[:, chosen])
    tail = (1 - confidence) / 2
    return {name: _interval(values, tail) for name, values in draws.items()}


def spearman_gain(
    before: Scores,
    after: Scores,
    people: Scores,
    clusters: Sequence[str],
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """How much nearer to people's order `after` is than `before`, both drawn together: Spearman after minus Spearman before.

    Args:
        before: Scores of one judge, shape (n,).
        after: Scores of another judge of the same edits.
        people: People's mean scores.
        clusters: Name of each edit's photograph; whole photographs are drawn.
        resamples: Number of draws.
        confidence: Mass between the ends.
        seed: Of the draws.
    """
    weights = cluster_weights(clusters, resamples, seed)
    draws = weighted_spearman(after, people, weights) - weighted_spearman(before, people, weights)
    return _interval(draws, (1 - confidence) / 2)


def cluster_weights(clusters: Sequence[str], resamples: int, seed: int) -> Scores:
    """Weights (1 + resamples, n): first the sample itself, then how often each edit's cluster was drawn; none drawn from one cluster."""
    names, places = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    if len(names) < 2:
        resamples = 0
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return np.vstack([np.ones((1, len(places))), drawn[:, places]]).astype(np.float64)


def _interval(values: Scores, tail: float) -> Interval:
    """First value and the ends of the others; a draw in which a figure is undefined says nothing.

    From one photograph nothing is drawn (`cluster_weights`), and there is no interval: its ends would touch.
    """
    others = values[1:][np.isfinite(values[1:])]
    if math.isnan(values[0]) or not others.size:
        return Interval(float(values[0]), math.nan, math.nan)
    low, high = np.quantile(others, [tail, 1 - tail])
    return Interval(float(values[0]), float(low), float(high))


def _weighted_mean(values: NDArray[np.float64] | NDArray[np.bool_], weights: Scores) -> Scores:
    return np.asarray(weights @ values.astype(np.float64) / weights.sum(axis=1))


def _ranks(x: Scores, weights: Scores) -> Scores:
    """Mean rank of every value in a sample where value i occurs `weights`[row, i] times."""
    _, group = np.unique(_rounded(x), return_inverse=True)
    size = np.zeros((len(weights), int(group.max()) + 1))
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(size.shape[1]))
    size[:] = np.add.reduceat(weights[:, order], starts, axis=1)
    below = np.cumsum(size, axis=1) - size
    return np.asarray((below + (size + 1) / 2)[:, group])


def _rowwise_pearson(x: Scores, y: Scores, weights: Scores) -> Scores:
    total = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1))
    top = (weights * x * y).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread > 1e-9, np.clip(top / spread, -1, 1), np.nan))


def _rounded(values: Scores) -> Scores:
    """Scores that differ by rounding alone are tied."""
    return np.round(values, 9)
