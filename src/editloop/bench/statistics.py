"""Intervals, paired tests and smallest detectable differences of benchmark figures.

The unit that is drawn is the source image: edits of one image are not independent. A draw is a vector of counts, one an
image, so that thousands of resamples are two matrix products and a table of 737 items has its intervals in a blink.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.core.stats import Interval, mean_interval

Floats = NDArray[np.float64]

RESAMPLES: Final = 2000
PERMUTATIONS: Final = 10000


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of items, with the group (edit type) and the source image of each; all of one length."""

    values: Sequence[float]
    groups: Sequence[str]
    images: Sequence[str]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Means with percentile bootstrap intervals.

    `macro` is the unweighted mean of the group means, `micro` the mean over items. The standard errors are those of
    the bootstrap.
    """

    macro: Interval
    micro: Interval
    groups: dict[str, Interval]
    n: int
    macro_error: float
    micro_error: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The second editor minus the first, on the items that both have a score for.

    `p_value` is that of a two-sided sign-flip permutation test of the macro difference, whole images flipped at once.
    `effect_size` is the mean difference in standard deviations of the differences (Cohen's d of paired samples).
    `superiority` is the share of items on which the second is better, ties counting half. `detectable` is the macro
    difference that this many items would find with power .8 at level .05.
    """

    estimate: Estimate
    p_value: float
    effect_size: float
    superiority: float
    better: int
    equal: int
    worse: int
    detectable: float


def estimate(
    scored: Scored, *, confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate | None:
    """Macro, micro and group means with intervals; None without a single score."""
    if not scored.values:
        return None
    table = _Table(scored)
    rng = np.random.default_rng(seed)
    share = np.full(table.images, 1 / table.images)
    counts = rng.multinomial(table.images, share, size=resamples).astype(np.float64)
    macro, micro, groups = table.means(counts)
    whole_macro, whole_micro, whole_groups = table.means(np.ones((1, table.images)))
    tail = (1 - confidence) / 2

    def interval(value: float, draws: Floats) -> Interval:
        low, high = np.nanquantile(draws, [tail, 1 - tail])
        return Interval(float(value), float(low), float(high))

    return Estimate(
        macro=interval(whole_macro[0], macro),
        micro=interval(whole_micro[0], micro),
        groups={
            name: interval(whole_groups[0, place], groups[:, place])
            for place, name in enumerate(table.names)
        },
        n=len(scored.values),
        macro_error=_spread(macro),
        micro_error=_spread(micro),
    )


def compare(
    first: Mapping[str, float],
    second: Mapping[str, float],
    groups: Mapping[str, str],
    images: Mapping[str, str],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
) -> Comparison | None:
    """Paired comparison of two editors; None when no item has both scores.

    Args:
        first: Key of an item -> its score.
        second: The same of the other editor.
        groups: Key -> edit type.
        images: Key -> source image.
        seed: Of bootstrap and permutations.
        resamples: Bootstrap samples.
        permutations: Sign flips tried.
    """
    keys = [key for key in first if key in second]
    if not keys:
        return None
    differences = np.asarray([second[key] - first[key] for key in keys])
    scored = Scored(
        differences.tolist(), [groups[key] for key in keys], [images[key] for key in keys]
    )
    found = estimate(scored, resamples=resamples, seed=seed)
    if found is None:  # cannot be: there is a key
        return None
    table = _Table(scored)
    reach = _as_far(table, abs(found.macro.value), permutations, seed + 1)
    spread = float(differences.std(ddof=1)) if len(keys) > 1 else 0.0
    mean = float(differences.mean())
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    return Comparison(
        estimate=found,
        p_value=(1 + reach) / (1 + permutations),
        effect_size=mean / spread if spread else (math.copysign(math.inf, mean) if mean else 0.0),
        superiority=(better + 0.5 * (len(keys) - better - worse)) / len(keys),
        better=better,
        equal=len(keys) - better - worse,
        worse=worse,
        detectable=detectable_difference(found.macro_error),
    )


def detectable_difference(
    standard_error: float, *, power: float = 0.8, level: float = 0.05
) -> float:
    """The true difference that a two-sided test at `level` finds with probability `power`.

    Example:
        >>> round(detectable_difference(0.05), 3)
        0.14
    """
    normal = NormalDist()
    return (normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)) * standard_error


def across_runs(figures: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Mean of a figure over runs with Student's interval; None for a single run."""
    return mean_interval(figures, confidence) if len(figures) > 1 else None


class _Table:
    """Sums of scores and numbers of items, one row an image and one column a group."""

    def __init__(self, scored: Scored) -> None:
        self.names = list(dict.fromkeys(scored.groups))
        column = {name: place for place, name in enumerate(self.names)}
        row = {name: place for place, name in enumerate(dict.fromkeys(scored.images))}
        self.images = len(row)
        self._sums = np.zeros((self.images, len(self.names)))
        self._items = np.zeros_like(self._sums)
        at = ([row[i] for i in scored.images], [column[g] for g in scored.groups])
        np.add.at(self._sums, at, np.asarray(scored.values, np.float64))
        np.add.at(self._items, at, 1.0)

    def means(self, counts: Floats) -> tuple[Floats, Floats, Floats]:
        """Macro (draws,), micro (draws,) and group means (draws, groups) of draws of images, shape (draws, images).

        A draw may miss a group altogether; its macro mean is then over the groups it has.
        """
        sums, items = counts @ self._sums, counts @ self._items
        with np.errstate(invalid="ignore", divide="ignore"):
            groups = sums / items
        there = items > 0
        macro = np.where(there, groups, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        micro = sums.sum(axis=1) / items.sum(axis=1)
        return macro, micro, groups

    def flipped_macro(self, signs: Floats) -> Floats:
        """Macro means when the scores of each image are multiplied by its sign."""
        flipped: Floats = ((signs @ self._sums) / self._items.sum(axis=0)).mean(axis=1)
        return flipped


def _as_far(table: _Table, distance: float, permutations: int, seed: int) -> int:
    """How many sign flips bring the macro mean as far from zero as it is, drawn a thousand at a time."""
    rng = np.random.default_rng(seed)
    reached = 0
    for begin in range(0, permutations, 1000):
        size = (min(1000, permutations - begin), table.images)
        signs = rng.choice((-1.0, 1.0), size=size)
        reached += int((np.abs(table.flipped_macro(signs)) >= distance - 1e-12).sum())
    return reached


def _spread(draws: Floats) -> float:
    return float(draws.std(ddof=1)) if len(draws) > 1 else 0.0
