from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from editloop.core.stats import (
    bootstrap_interval,
    mean_interval,
    student_quantile,
    wilson_interval,
)


def test_wilson_agrees_with_published_values() -> None:
    """Newcombe (1998), table I: 81 of 263, and 0 of 20."""
    assert wilson_interval(81, 263) == pytest.approx((81 / 263, 0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.0, 0.1611), abs=5e-5)
    assert wilson_interval(20, 20).high == 1.0


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_wilson_refuses_what_is_no_share(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson_interval(successes, trials)


def test_bootstrap_covers_the_mean_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        sample = random.normal(3.0, 1.0, 40)
        interval = bootstrap_interval(sample.tolist(), resamples=200, seed=trial)
        covered += interval.low <= 3.0 <= interval.high
    assert 180 <= covered <= 198


def test_clusters_widen_the_interval() -> None:
    """Ten copies of each of eight values know no more than eight values."""
    values = np.repeat(np.random.default_rng(1).normal(size=8), 10).tolist()
    clusters = [f"image {n // 10}" for n in range(80)]
    alone = bootstrap_interval(values, resamples=500)
    together = bootstrap_interval(values, clusters, resamples=500)
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert together.value == pytest.approx(np.mean(values))


def test_bootstrap_of_another_statistic() -> None:
    interval = bootstrap_interval([1.0, 2.0, 100.0], statistic=lambda s: float(np.median(s)))
    assert interval == (2.0, 1.0, 100.0)


def test_bootstrap_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="empty"):
        bootstrap_interval([])
    with pytest.raises(ValueError, match="cluster names"):
        bootstrap_interval([1.0, 2.0], ["a"])


@pytest.mark.parametrize(
    ("tails", "freedom", "value"),
    [
        (0.05, 1, 12.706),
        (0.05, 2, 4.3027),
        (0.05, 3, 3.1824),
        (0.05, 4, 2.7764),
        (0.05, 9, 2.2622),
        (0.05, 199, 1.9720),
        (0.01, 4, 4.6041),
        (0.5, 5, 0.7267),
        (0.05, 1e7, 1.95996),
    ],
)
def test_student_quantiles_are_those_of_the_tables(
    tails: float, freedom: float, value: float
) -> None:
    assert student_quantile(tails, freedom) == pytest.approx(value, rel=2e-4)


def test_student_quantiles_fall_with_the_degrees_of_freedom() -> None:
    found = [student_quantile(0.05, freedom) for freedom in np.linspace(1, 12, 60)]
    assert all(first > second for first, second in pairwise(found))


def test_the_mean_of_a_few_values_is_covered() -> None:
    random, covered = np.random.default_rng(0), 0
    for _ in range(800):
        interval = mean_interval(random.normal(2.0, 1.0, 5).tolist())
        covered += interval.low <= 2.0 <= interval.high
    assert 0.93 < covered / 800 < 0.97
    with pytest.raises(ValueError, match="two values"):
        mean_interval([1.0])
