"""Effects with intervals: by hand, by simulation, and what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from editloop.claims.rows import ClaimVerdict, paired_effect, verdict_of
from editloop.core.stats import Interval, student_quantile


def test_the_effect_is_the_mean_difference_over_seeds_and_cases() -> None:
    treated = np.array([[3.0, 4.0, 5.0], [2.0, 4.0, 3.0]])
    control = np.array([[2.0, 4.0, 3.0], [2.0, 2.0, 3.0]])
    effect = paired_effect(treated, control)
    assert effect.value == pytest.approx(5 / 6)
    assert effect.low <= effect.value <= effect.high
    assert paired_effect(control, treated).value == pytest.approx(-5 / 6)
    assert effect == paired_effect(treated, control)


def test_one_seed_has_students_interval_over_the_cases() -> None:
    """Differences 0, 1, 2: mean 1, standard error 1 / sqrt(3), and t of 2 degrees of freedom is 4.303."""
    effect = paired_effect(np.array([[1.0, 2.0, 3.0]]), np.ones((1, 3)))
    assert effect.value == 1
    assert effect.high - 1 == pytest.approx(4.303 / np.sqrt(3), rel=1e-3)
    assert 1 - effect.low == pytest.approx(effect.high - 1)


def test_two_seeds_and_two_cases_by_hand() -> None:
    """Differences ((0, 2), (4, 8)): MS 25, 9 and 1, so the mean 3.5 has the variance (25 + 9 - 1) / 4."""
    effect = paired_effect(np.array([[0.0, 2.0], [4.0, 8.0]]), np.zeros((2, 2)))
    freedom = 33**2 / (25**2 + 9**2 + 1)
    expected = student_quantile(0.05, freedom) * np.sqrt(33 / 4)
    assert effect.value == 3.5
    assert effect.high - 3.5 == pytest.approx(expected)
    assert 12.706 > expected / np.sqrt(33 / 4) > 4.303


def test_equal_differences_leave_no_doubt() -> None:
    certain = paired_effect(np.full((3, 4), 2.5), np.full((3, 4), 2.0))
    assert tuple(certain) == (0.5, 0.5, 0.5)


def test_one_seed_may_be_given_as_a_row() -> None:
    assert paired_effect(np.array([2.0, 3.0]), np.array([1.0, 1.0])).value == 1.5


def sample(
    random: np.random.Generator, effect: float, seeds: int
) -> tuple[NDArray[np.float64], ...]:
    """Scores on 40 cases; trainings and cases both differ in how much they gain."""
    control = random.normal(3, 1, (1, 40)) + random.normal(0, 0.3, (seeds, 40))
    gain = effect + random.normal(0, 0.3, (seeds, 1)) + random.normal(0, 0.8, (1, 40))
    return control + gain + random.normal(0, 0.3, (seeds, 40)), control


@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_covers_the_true_effect(seeds: int) -> None:
    random, trials = np.random.default_rng(0), 600
    covered, without_seeds = 0, 0
    for _ in range(trials):
        treated, control = sample(random, 0.7, seeds)
        both = paired_effect(treated, control)
        covered += both.low <= 0.7 <= both.high
        pooled = paired_effect(treated.mean(0), control.mean(0))
        without_seeds += pooled.low <= 0.7 <= pooled.high
    assert 0.92 <= covered / trials <= 0.995
    assert without_seeds < covered - 0.05 * trials


@pytest.mark.parametrize(
    ("treated", "control"),
    [
        (np.ones((2, 3)), np.ones((3, 2))),
        (np.ones((2, 3)), np.ones(3)),
        (np.ones((0, 3)),) * 2,
        (np.ones((3, 1)),) * 2,
    ],
    ids=["other shape", "fewer seeds", "empty", "one case"],
)
def test_scores_that_do_not_pair_are_refused(
    treated: NDArray[np.float64], control: NDArray[np.float64]
) -> None:
    with pytest.raises(ValueError, match="one shape"):
        paired_effect(treated, control)


@pytest.mark.parametrize(
    ("low", "high", "least", "verdict"),
    [
        (0.1, 0.4, 0.0, ClaimVerdict.REPRODUCED),
        (0.1, 0.4, 0.2, ClaimVerdict.UNCLEAR),
        (-0.1, 0.4, 0.0, ClaimVerdict.UNCLEAR),
        (0.0, 0.4, 0.0, ClaimVerdict.UNCLEAR),
        (-0.4, -0.1, 0.0, ClaimVerdict.NOT_REPRODUCED),
        (-0.4, 0.0, 0.0, ClaimVerdict.NOT_REPRODUCED),
    ],
)
def test_a_verdict_needs_the_whole_interval(
    low: float, high: float, least: float, verdict: ClaimVerdict
) -> None:
    assert verdict_of(Interval((low + high) / 2, low, high), least=least) is verdict
