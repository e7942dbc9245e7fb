"""Figures with weights equal figures on repeated samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from editloop.judges.agreement import kendall, pair_accuracy, pearson, spearman
from editloop.judges.people.figures import (
    agreement_figures,
    cluster_weights,
    pair_figures,
    weighted_pearson,
    weighted_spearman,
)

RNG = np.random.default_rng(3)
PEOPLE = RNG.integers(0, 6, 40).astype(float)
JUDGE = np.round(PEOPLE + RNG.normal(0, 1.5, 40)) / 2


@pytest.mark.parametrize("draw", range(4))
def test_a_weighted_figure_is_the_figure_of_the_drawn_sample(draw: int) -> None:
    weights = cluster_weights([str(i // 3) for i in range(40)], 4, seed=1)[draw : draw + 1]
    rows = np.repeat(np.arange(40), weights[0].astype(int))
    x, y = JUDGE[rows], PEOPLE[rows]
    assert weighted_pearson(JUDGE, PEOPLE, weights)[0] == pytest.approx(pearson(x, y))
    assert weighted_spearman(JUDGE, PEOPLE, weights)[0] == pytest.approx(spearman(x, y))
    pairs = pair_figures(JUDGE, PEOPLE, weights)
    assert pairs["kendall"][0] == pytest.approx(kendall(x, y), abs=1e-6)
    assert pairs["pair_accuracy"][0] == pytest.approx(pair_accuracy(x, y), abs=1e-6)


def test_ties_of_the_judge_count_half_or_nothing() -> None:
    figures = pair_figures(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]), np.ones((1, 3)))
    found = {name: round(float(values[0]), 4) for name, values in figures.items()}
    assert found["judge_ties"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["pair_accuracy"] == pytest.approx(2.5 / 3, abs=1e-4)
    assert found["pair_accuracy_strict"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["pair_accuracy_decided"] == 1.0


def test_intervals_over_whole_photographs_are_wider_than_over_edits() -> None:
    level = np.repeat(RNG.normal(size=20), 6)
    x, y = level + RNG.normal(0, 0.3, 120), level + RNG.normal(0, 0.3, 120)
    own, whole = (
        agreement_figures(x, y, [str(i // size) for i in range(120)])["pearson"] for size in (1, 6)
    )
    assert own.value == whole.value
    assert whole.high - whole.low > 1.5 * (own.high - own.low)


def test_a_constant_judge_has_no_correlation_and_says_so() -> None:
    figures = agreement_figures(np.ones(10), PEOPLE[:10], [str(i) for i in range(10)], resamples=50)
    assert math.isnan(figures["spearman"].value)
    assert figures["judge_ties"].value == pytest.approx(1.0)
    assert figures["pair_accuracy"].value == pytest.approx(0.5)


def test_too_few_edits_are_an_error() -> None:
    with pytest.raises(ValueError, match="two edits"):
        agreement_figures(np.ones(1), np.ones(1), ["a"])


def test_the_coverage_of_the_interval_is_near_its_promise() -> None:
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=60)
        y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=60)
        found = agreement_figures(x, y, list(map(str, range(60))), resamples=200, seed=seed)[
            "pearson"
        ]
        hits += found.low <= 0.5 <= found.high
    assert hits >= 50


def test_one_photograph_has_no_interval() -> None:
    figures = agreement_figures(JUDGE, PEOPLE, ["a"] * 40, resamples=50)
    assert figures["spearman"].value == pytest.approx(spearman(JUDGE, PEOPLE))
    assert all(math.isnan(one.low) and math.isnan(one.high) for one in figures.values())


def test_a_constant_on_a_wide_scale_has_no_correlation_either() -> None:
    figures = agreement_figures(np.full(40, 99.9), PEOPLE, [str(i) for i in range(40)])
    assert math.isnan(figures["pearson"].value)
