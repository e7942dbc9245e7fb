"""Intervals for the figures in reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Interval(NamedTuple):
    """An estimate with the ends of its interval."""

    value: float
    low: float
    high: float


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Share of successes with the Wilson score interval, which stays inside [0, 1] and is sound for small samples.

    Example:
        >>> tuple(round(x, 3) for x in wilson_interval(85, 100))
        (0.85, 0.767, 0.907)

    Raises:
        ValueError: unless ``0 <= successes <= trials`` and there is a trial.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} successes of {trials} trials make no share")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return Interval(share, max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))


def student_quantile(tails: float, freedom: float) -> float:
    """The t that Student's distribution exceeds on either side with probability `tails` in all.

    Hill's approximation (Communications of the ACM 13 (10), 1970, algorithm 396), good to four digits; fractions of a degree of
    freedom are allowed.

    Args:
        tails: In (0, 1).
        freedom: Degrees of freedom, at least 1.

    Example:
        >>> round(student_quantile(0.05, 4), 3)
        2.776
    """
    if freedom <= 1:
        return 1 / math.tan(tails * math.pi / 2)
    if freedom <= 2:
        outer, inner = 1 / math.tan(tails * math.pi / 2), math.sqrt(2 / (tails * (2 - tails)) - 2)
        return float(outer ** (2 - freedom) * inner ** (freedom - 1))
    a = 1 / (freedom - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * freedom
    y = (d * tails) ** (2 / freedom)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(tails / 2)
        y = x * x
        if freedom < 5:
            c += 0.3 * (freedom - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = math.expm1(a * y * y)
    else:
        e = 1 / (((freedom + 6) / (freedom * y) - 0.089 * d - 0.822) * (freedom + 2) * 3)
        y = ((e + 0.5 / (freedom + 4)) * y - 1) * (freedom + 1) / (freedom + 2) + 1 / y
    return math.sqrt(freedom * y)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean with Student's interval: right for a handful of values, of which a bootstrap makes too little.

    Raises:
        ValueError: for fewer than two values.
    """
    sample = np.asarray(values, np.float64)
    if sample.size < 2:
        raise ValueError(f"an interval of a mean needs two values, got {sample.size}")
    mean, error = float(sample.mean()), float(sample.std(ddof=1)) / math.sqrt(sample.size)
    half = student_quantile(1 - confidence, sample.size - 1) * error
    return Interval(mean, mean - half, mean + half)


def bootstrap_interval(
    values: Sequence[float],
    clusters: Sequence[str] | None = None,
    *,
    statistic: Callable[[NDArray[np.float64]], float] = lambda sample: float(np.mean(sample)),
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """A statistic with its percentile bootstrap interval.

    Args:
        values: The sample.
        clusters: For each value the name of its cluster (an image with several edits); whole clusters are drawn.
        statistic: Of a sample of any length.
        confidence: Mass between the ends.
        resamples: Number of samples that are drawn.
        seed: Of the drawing.

    Raises:
        ValueError: for an empty sample, or clusters of another length.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.size == 0:
        raise ValueError("an empty sample has no interval")
    if clusters is not None and len(clusters) != sample.size:
        raise ValueError(f"{sample.size} values but {len(clusters)} cluster names")
    groups = _groups(sample, clusters)
    random = np.random.default_rng(seed)
    draws = random.integers(0, len(groups), (resamples, len(groups)))
    estimates = [statistic(np.concatenate([groups[place] for place in draw])) for draw in draws]
    tail = (1 - confidence) / 2
    low, high = np.quantile(estimates, [tail, 1 - tail])
    return Interval(statistic(sample), float(low), float(high))


def _groups(
    sample: NDArray[np.float64], clusters: Sequence[str] | None
) -> list[NDArray[np.float64]]:
    if clusters is None:
        return list(sample[:, None])
    members: dict[str, list[float]] = {}
    for value, cluster in zip(sample.tolist(), clusters, strict=True):
        members.setdefault(cluster, []).append(value)
    return [np.asarray(members[cluster]) for cluster in sorted(members)]
