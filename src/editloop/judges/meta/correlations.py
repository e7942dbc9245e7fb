"""VIEScore's table of correlations with people (arXiv 2312.14867), as published and as its caption describes it.

The notebook behind the table averages correlations over models by "Fisher z": tanh of the mean of atanh. The function is handed
plain correlations, so that what it prints is tanh of their mean, which is smaller. EditReward's evaluation repeats that. Both
figures are here: `official`, to stand beside published ones, and `fisher`, the average the caption means.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import UsageError
from editloop.core.stats import Interval
from editloop.judges.agreement import Statistic, kendall, spearman

AXES: Final = ("SC", "PQ", "O")
_DIGITS: Final = 9
"""The order in which raters are added up may not break ties."""
_SAME: Final = 1e-9
_NEAR_ONE: Final = 1 - 1e-12


Triple = tuple[float, float, float]
"""SC, PQ and O in [0, 1]."""
Key = tuple[str, str]
"""Model and item."""
Table = Mapping[Key, Triple]
"""What one judge, or people, gave to every edit."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of models on one item whose human O differs.

    Args:
        n: How many.
        strict: Share that the judge puts in the same order.
        tie: Share to which it gives equal scores.
        half: strict + tie / 2, as a coin would settle ties.
        interval: Of `half`, over items.
        published_strict: The same with the last bit of a product of floats taken for an order: 8 and 9 tie with 9 and 8, yet
            0.8 * 0.9 and 0.9 * 0.8 may differ.
        published_half: published_strict + tie / 2, in which such a tie may count one and a half.
    """

    n: int
    strict: float
    tie: float
    half: float
    interval: Interval
    published_strict: float
    published_half: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one judge agrees with people.

    Args:
        n: Edits scored by both.
        pooled: Axis -> Spearman over all edits.
        fisher: Axis -> Fisher mean of the Spearman of every model.
        official: Axis -> tanh of their plain mean, as published.
        system_spearman: Of the models' mean O.
        system_kendall: Likewise.
        pairs: Within-item pairs on O.
    """

    n: int
    pooled: Mapping[str, float]
    fisher: Mapping[str, float]
    official: Mapping[str, float]
    system_spearman: float
    system_kendall: float
    pairs: Pairs


def judge_scores(sc: Sequence[float], pq: Sequence[float]) -> Triple:
    """SC, PQ and O of one edit from a judge's sub-scores of 0 to 10: the lower of each, as shares, and the root of their product.

    Judges write numbers outside the scale too (810 stands in the published answers): they are clamped to it.
    """
    low, high = (min(10.0, max(0.0, float(min(part)))) for part in (sc, pq))
    return low / 10, high / 10, math.sqrt((low / 10) * (high / 10))


def human_scores(ratings: Iterable[tuple[float, float]]) -> Triple:
    """SC, PQ and O of one edit from people's (SC, PQ): means over raters, O of the raters' own roots.

    Raises:
        UsageError: nobody rated it.
    """
    given = list(ratings)
    if not given:
        raise UsageError("an edit without ratings has no human scores")
    sc, pq = (sum(column) / len(given) for column in zip(*given, strict=True))
    o = sum(math.sqrt(one * two) for one, two in given) / len(given)
    return round(sc, _DIGITS), round(pq, _DIGITS), round(o, _DIGITS)


def fisher_mean(correlations: Sequence[float]) -> float:
    """Tanh of the mean of atanh: the average of correlations on the scale on which they are about normal."""
    return math.tanh(
        sum(math.atanh(max(-_NEAR_ONE, min(_NEAR_ONE, one))) for one in correlations)
        / len(correlations)
    )


def published_mean(correlations: Sequence[float]) -> float:
    """Tanh of the plain mean: what the published table holds (the slip of this module's first lines)."""
    return math.tanh(sum(correlations) / len(correlations))


def agreement(
    judge: Table,
    people: Table,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Agreement:
    """All figures on the edits that both scored.

    Args:
        judge: (model, item) -> SC, PQ, O.
        people: Likewise.
        resamples: Bootstrap samples of items for the interval of the pairs.
        seed: Of the bootstrap.

    Raises:
        UsageError: fewer than two edits in common.
    """
    keys = sorted(judge.keys() & people.keys())
    if len(keys) < 2:
        raise UsageError(f"agreement needs two edits that both scored, found {len(keys)}")
    by_model: dict[str, list[Key]] = defaultdict(list)
    for key in keys:
        by_model[key[0]].append(key)
    single = {
        axis: [_spearman(judge, people, of_model, place) for of_model in by_model.values()]
        for place, axis in enumerate(AXES)
    }
    return Agreement(
        n=len(keys),
        pooled={axis: _raw(judge, people, keys, place) for place, axis in enumerate(AXES)},
        fisher={axis: fisher_mean(single[axis]) for axis in AXES},
        official={axis: published_mean(single[axis]) for axis in AXES},
        system_spearman=_of_means(spearman, judge, people, by_model),
        system_kendall=_of_means(kendall, judge, people, by_model),
        pairs=_pairs(judge, people, keys, resamples, seed),
    )


def _raw(
    judge: Table,
    people: Table,
    keys: Sequence[Key],
    place: int,
) -> float:
    return spearman([judge[key][place] for key in keys], [people[key][place] for key in keys])


def _spearman(
    judge: Table,
    people: Table,
    keys: Sequence[Key],
    place: int,
) -> float:
    """Of one model; where it is undefined (a constant judge) the published table counts 0."""
    value = _raw(judge, people, keys, place) if len(keys) > 1 else math.nan
    return 0.0 if math.isnan(value) else value


def _of_means(
    statistic: Statistic,
    judge: Table,
    people: Table,
    by_model: Mapping[str, Sequence[Key]],
) -> float:
    if len(by_model) < 2:
        return math.nan
    first, second = (
        np.array([np.mean([side[key][2] for key in keys]) for keys in by_model.values()])
        for side in (judge, people)
    )
    return statistic(first, second)


def _pairs(
    judge: Table,
    people: Table,
    keys: Sequence[Key],
    resamples: int,
    seed: int,
) -> Pairs:
    by_item: dict[str, list[Key]] = defaultdict(list)
    for key in keys:
        by_item[key[1]].append(key)
    counts = np.array([_pair_counts(judge, people, of_item) for of_item in by_item.values()])
    n, strict, tie, published = counts.sum(axis=0)
    if not n:
        nan = math.nan
        return Pairs(0, nan, nan, nan, Interval(nan, nan, nan), nan, nan)
    half = (strict + tie / 2) / n
    drawn = np.random.default_rng(seed).integers(len(counts), size=(resamples, len(counts)))
    sums: NDArray[np.float64] = counts[drawn].sum(axis=1)
    halves = (sums[:, 1] + sums[:, 2] / 2) / np.maximum(sums[:, 0], 1)
    low, high = np.quantile(halves, [0.025, 0.975])
    return Pairs(
        n=int(n),
        strict=float(strict / n),
        tie=float(tie / n),
        half=float(half),
        interval=Interval(float(half), float(low), float(high)),
        published_strict=float(published / n),
        published_half=float((published + tie / 2) / n),
    )


def _pair_counts(judge: Table, people: Table, keys: Sequence[Key]) -> tuple[int, int, int, int]:
    """Pairs of one item, those ordered alike, those that the judge ties, those ordered alike if no tie is seen."""
    n = strict = tie = published = 0
    for one, other in itertools.combinations(keys, 2):
        human = people[one][2] - people[other][2]
        if not human:
            continue
        given = judge[one][2] - judge[other][2]
        alike, equal = human * given > 0, abs(given) < _SAME
        n, tie, published = n + 1, tie + equal, published + alike
        strict += alike and not equal
    return n, strict, tie, published
