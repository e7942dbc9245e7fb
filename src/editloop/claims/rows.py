"""One row of the claims table, and the statistics behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from editloop.core.stats import Interval, mean_interval, student_quantile

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


def claim_row(
    effect: Interval,
    *,
    claim: str,
    paper: str,
    paper_says: str,
    here: str,
    unit: str,
    seeds: int,
    cases: int,
    figures: Mapping[str, float] | None = None,
) -> ClaimRow:
    """The row of an effect with the verdict that its interval gives; arguments as the fields of `ClaimRow`."""
    return ClaimRow(
        claim=claim,
        paper=paper,
        paper_says=paper_says,
        here=here,
        effect=effect.value,
        interval=(effect.low, effect.high),
        unit=unit,
        verdict=verdict_of(effect),
        seeds=seeds,
        cases=cases,
        figures=dict(figures or {}),
    )


def paired_effect(treated: ScoreTable, control: ScoreTable) -> Interval:
    """Mean difference over seeds and cases with its 95 % interval.

    Seeds and cases both vary at random, because a claim should hold for other trainings and for other pictures: the variance of
    the mean is that of the two-way layout without replication, (MS_seeds + MS_cases - MS_rest) / (seeds x cases), with
    Satterthwaite's degrees of freedom. A bootstrap over a handful of seeds would be too narrow. With one seed the interval
    covers cases alone: say so where it is shown.

    Args:
        treated: Shape (seeds, cases), at least two cases.
        control: The same seeds and cases.

    Raises:
        ValueError: when the shapes differ, or there are fewer than two cases.
    """
    treated, control = np.atleast_2d(treated), np.atleast_2d(control)
    if treated.shape != control.shape or treated.size == 0 or treated.shape[1] < 2:
        raise ValueError(
            f"paired scores need one shape (seeds, 2 or more cases), got {treated.shape}, {control.shape}"
        )
    difference = treated - control
    seeds, cases = difference.shape
    if seeds == 1:
        return mean_interval(difference[0])
    mean = float(difference.mean())
    by_seed, by_case = difference.mean(1) - mean, difference.mean(0) - mean
    rest = difference - mean - by_seed[:, None] - by_case
    freedoms = (seeds - 1, cases - 1, (seeds - 1) * (cases - 1))
    squares = (cases * (by_seed**2).sum(), seeds * (by_case**2).sum(), (rest**2).sum())
    of_seeds, of_cases, of_rest = (s / f for s, f in zip(squares, freedoms, strict=True))
    variance = float(max(of_seeds + of_cases - of_rest, of_seeds, of_cases))
    if variance == 0:
        return Interval(mean, mean, mean)
    spread = sum(m**2 / f for m, f in zip((of_seeds, of_cases, of_rest), freedoms, strict=True))
    freedom = max(variance**2 / float(spread), float(min(freedoms)))
    half = student_quantile(0.05, freedom) * math.sqrt(variance / difference.size)
    return Interval(mean, mean - half, mean + half)
