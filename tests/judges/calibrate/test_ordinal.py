"""Monotone maps against the closed form, and intervals against their promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from editloop.core.errors import UsageError
from editloop.judges.agreement import spearman
from editloop.judges.calibrate.ordinal import MonotoneMap, conformal_radius, fit_isotonic

RNG = np.random.default_rng(5)


def test_it_is_the_least_squares_fit() -> None:
    x = np.arange(30.0)
    y = np.sqrt(x) + RNG.normal(0, 0.7, 30)
    w = RNG.integers(1, 5, 30).astype(float)

    def mean(first: int, last: int) -> float:
        return float(np.average(y[first : last + 1], weights=w[first : last + 1]))

    # The closed form of the solution (Robertson, Wright and Dykstra 1988, theorem 1.4.4).
    best = [max(min(mean(a, b) for b in range(i, 30)) for a in range(i + 1)) for i in range(30)]
    assert fit_isotonic(x, y, w)(x) == pytest.approx(best)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=5, max_size=40))
@settings(max_examples=50)
def test_it_never_falls_and_stays_within_peoples_scores(pairs: list[tuple[float, float]]) -> None:
    x, y = (np.array(side) for side in zip(*pairs, strict=True))
    values = fit_isotonic(x, y)(np.linspace(-10, 10, 101))
    assert (np.diff(values) >= -1e-9).all()
    assert values.min() >= y.min() - 1e-6
    assert values.max() <= y.max() + 1e-6


def test_a_harsh_judge_is_brought_onto_peoples_scale_without_a_change_of_order() -> None:
    people = RNG.uniform(1, 5, 200)
    judge = 1 + (people - 1) ** 2 / 8 + RNG.normal(0, 0.05, 200)
    fitted = fit_isotonic(judge[:100], people[:100])
    moved = fitted(judge[100:])
    assert np.abs(moved - people[100:]).mean() < 0.4 * np.abs(judge[100:] - people[100:]).mean()
    assert spearman(moved, people[100:]) > 0.95


def test_a_map_is_a_value_that_survives_json() -> None:
    fitted = fit_isotonic(np.arange(6), np.arange(6) * 2)
    assert MonotoneMap.model_validate_json(fitted.model_dump_json()) == fitted


def test_too_little_or_uneven_input_is_refused() -> None:
    with pytest.raises(UsageError, match="5 scores or more"):
        fit_isotonic([1, 2], [1, 2])
    with pytest.raises(UsageError, match="coverage"):
        conformal_radius([1.0], 1.0)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_the_promised_share_is_covered(coverage: float) -> None:
    hits = [
        abs(RNG.standard_t(3)) <= conformal_radius(RNG.standard_t(3, 59), coverage)
        for _ in range(1500)
    ]
    assert np.mean(hits) == pytest.approx(coverage, abs=0.035)


def test_few_errors_promise_nothing() -> None:
    assert math.isinf(conformal_radius([0.1, 0.2, 0.3], 0.9))
