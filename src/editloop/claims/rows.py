"""One row of the claims table, and the statistics behind it."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from editloop.core.stats import Interval

RESAMPLES = 4000
ScoreTable = NDArray[np.float64]
"""Scores of shape (seeds, cases)."""


class ClaimVerdict(StrEnum):
    """What the evidence says."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    UNCLEAR = "unclear"


class ClaimRow(BaseModel):
    """A claim of a paper beside what happened here.

    `effect` is in `unit` and positive where it speaks for the claim; `interval` is its 95 % interval over seeds and cases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str
    paper: str
    paper_says: str
    here: str
    effect: float
    interval: tuple[float, float]
    unit: str
    verdict: ClaimVerdict
    seeds: int
    cases: int
    figures: dict[str, float] = {}
    """The numbers behind `here`, by name."""


def verdict_of(interval: Interval, *, least: float = 0.0) -> ClaimVerdict:
    """Reproduced when the whole interval lies above `least`, not reproduced when it lies wholly at or below it."""
    if interval.low > least:
        return ClaimVerdict.REPRODUCED
    return ClaimVerdict.NOT_REPRODUCED if interval.high <= least else ClaimVerdict.UNCLEAR


def paired_effect(treated: ScoreTable, control: ScoreTable, *, seed: int = 0) -> Interval:
    """Mean difference over seeds and cases with a two-way bootstrap interval.

    Seeds and cases are both drawn anew, because a claim should hold for other trainings and for other pictures. With one
    seed the interval covers cases alone and is too narrow: say so where it is shown.

    Args:
        treated: Shape (seeds, cases).
        control: The same seeds and cases.
        seed: Of the resampling.

    Raises:
        ValueError: when the shapes differ or are empty.
    """
    treated, control = np.atleast_2d(treated), np.atleast_2d(control)
    if treated.shape != control.shape or treated.size == 0:
        raise ValueError(
            f"paired scores need one shape (seeds, cases), got {treated.shape}, {control.shape}"
        )
    difference = treated - control
    random = np.random.default_rng(seed)
    seeds, cases = difference.shape
    estimates = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        rows = random.integers(0, seeds, seeds)
        columns = random.integers(0, cases, cases)
        estimates[index] = difference[rows][:, columns].mean()
    low, high = np.quantile(estimates, [0.025, 0.975])
    return Interval(float(difference.mean()), float(low), float(high))
