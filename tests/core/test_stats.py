from __future__ import annotations

import numpy as np
import pytest

from editloop.core.stats import bootstrap_interval, wilson_interval


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
