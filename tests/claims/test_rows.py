"""Effects with intervals: by hand, by simulation, and what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from editloop.claims import rows
from editloop.claims.rows import ClaimVerdict, paired_effect, verdict_of
from editloop.core.stats import Interval


def test_the_effect_is_the_mean_difference_over_seeds_and_cases() -> None:
    treated = np.array([[3.0, 4.0, 5.0], [2.0, 4.0, 3.0]])
    control = np.array([[2.0, 4.0, 3.0], [2.0, 2.0, 3.0]])
    effect = paired_effect(treated, control)
    assert effect.value == pytest.approx(5 / 6)
    assert effect.low <= effect.value <= effect.high
    assert paired_effect(control, treated).value == pytest.approx(-5 / 6)
    assert effect == paired_effect(treated, control)


def test_two_cases_and_one_seed_by_hand() -> None:
    """Differences 0 and 2 drawn twice with replacement have the mean 0, 1 or 2, with shares 1/4, 1/2, 1/4."""
    effect = paired_effect(np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]]))
    assert (effect.value, effect.low, effect.high) == (1.0, 0.0, 2.0)
    certain = paired_effect(np.full((3, 4), 2.5), np.full((3, 4), 2.0))
    assert tuple(certain) == (0.5, 0.5, 0.5)


def test_one_seed_may_be_given_as_a_row() -> None:
    assert paired_effect(np.array([2.0, 3.0]), np.array([1.0, 1.0])).value == 1.5


def sample(random: np.random.Generator, effect: float) -> tuple[NDArray[np.float64], ...]:
    """Scores of 6 seeds and 40 cases; trainings and cases both differ in how much they gain."""
    control = random.normal(3, 1, (1, 40)) + random.normal(0, 0.3, (6, 40))
    gain = effect + random.normal(0, 0.3, (6, 1)) + random.normal(0, 0.8, (1, 40))
    return control + gain + random.normal(0, 0.3, (6, 40)), control


def test_the_interval_covers_the_true_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "RESAMPLES", 200)
    random = np.random.default_rng(0)
    covered, without_seeds = 0, 0
    for trial in range(150):
        treated, control = sample(random, 0.7)
        both = paired_effect(treated, control, seed=trial)
        covered += both.low <= 0.7 <= both.high
        pooled = paired_effect(treated.mean(0), control.mean(0), seed=trial)
        without_seeds += pooled.low <= 0.7 <= pooled.high
    assert 0.88 <= covered / 150 <= 1.0
    assert without_seeds < covered


@pytest.mark.parametrize(
    ("treated", "control"),
    [(np.ones((2, 3)), np.ones((3, 2))), (np.ones((2, 3)), np.ones(3)), (np.ones((0, 3)),) * 2],
    ids=["other shape", "fewer seeds", "empty"],
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
