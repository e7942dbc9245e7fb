"""Intervals and tests of benchmark figures: against numbers worked out by hand and against known coverage."""

from __future__ import annotations

import time

import numpy as np
import pytest

from editloop.bench.statistics import (
    Scored,
    across_runs,
    compare,
    detectable_difference,
    estimate,
)


def test_macro_and_micro_differ_by_the_weights_of_the_groups() -> None:
    scored = Scored([5.0, 5.0, 5.0, 1.0], ["add", "add", "add", "style"], list("abcd"))
    found = estimate(scored)
    assert found is not None
    assert found.macro.value == 3.0
    assert found.micro.value == 4.0
    assert found.groups["add"].value == 5.0
    assert found.groups["style"] == (1.0, 1.0, 1.0)


def test_nothing_scored_has_no_estimate() -> None:
    assert estimate(Scored([], [], [])) is None
    assert compare({"a": 1.0}, {"b": 1.0}, {}, {}) is None


def test_intervals_cover_the_true_mean_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    hits = 0
    for trial in range(200):
        values = rng.normal(3.0, 1.0, 60)
        found = estimate(
            Scored(values.tolist(), ["one"] * 60, [str(i) for i in range(60)]),
            resamples=400,
            seed=trial,
        )
        assert found is not None
        hits += found.micro.low <= 3.0 <= found.micro.high
    assert 180 <= hits <= 199


def test_edits_of_one_image_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    per_image = np.repeat(rng.normal(3, 1, 20), 10)
    apart = estimate(Scored(per_image.tolist(), ["a"] * 200, [str(i) for i in range(200)]))
    together = estimate(Scored(per_image.tolist(), ["a"] * 200, [str(i // 10) for i in range(200)]))
    assert apart is not None
    assert together is not None
    assert together.micro_error > 2 * apart.micro_error


def test_a_better_editor_is_found_and_an_equal_one_is_not() -> None:
    rng = np.random.default_rng(3)
    keys = [str(i) for i in range(300)]
    groups = {key: "add" if int(key) % 3 else "style" for key in keys}
    images = {key: str(int(key) // 2) for key in keys}
    base = {key: float(rng.normal(3, 1)) for key in keys}
    same = {key: value + float(rng.normal(0, 0.5)) for key, value in base.items()}
    better = {key: value + 0.3 for key, value in same.items()}
    equal, found = compare(base, same, groups, images), compare(base, better, groups, images)
    assert equal is not None
    assert found is not None
    assert equal.p_value > 0.05
    assert equal.estimate.macro.low < 0 < equal.estimate.macro.high
    assert found.p_value < 0.001
    assert found.estimate.macro.low > 0
    assert found.estimate.macro.value - equal.estimate.macro.value == pytest.approx(0.3)
    assert found.superiority > 0.6
    assert found.better + found.equal + found.worse == 300
    assert found.detectable == pytest.approx(2.8 * found.estimate.macro_error, rel=0.01)


def test_the_permutation_test_is_level_when_nothing_differs() -> None:
    rng = np.random.default_rng(11)
    keys = [str(i) for i in range(40)]
    groups, images = dict.fromkeys(keys, "a"), {key: key for key in keys}
    small = 0
    for trial in range(200):
        first = {key: float(rng.normal()) for key in keys}
        second = {key: float(rng.normal()) for key in keys}
        found = compare(first, second, groups, images, seed=trial, permutations=500, resamples=100)
        assert found is not None
        small += found.p_value <= 0.05
    assert 2 <= small <= 20


def test_identical_editors_differ_by_nothing() -> None:
    scores = {"a": 1.0, "b": 2.0}
    found = compare(scores, scores, {"a": "x", "b": "y"}, {"a": "1", "b": "2"})
    assert found is not None
    assert found.estimate.macro == (0.0, 0.0, 0.0)
    assert found.p_value == 1.0
    assert found.effect_size == 0.0
    assert (found.superiority, found.equal) == (0.5, 2)


def test_three_runs_have_students_interval() -> None:
    found = across_runs([3.30, 3.33, 3.27])
    assert found is not None
    assert found.value == pytest.approx(3.30)
    assert found.high - found.value == pytest.approx(4.303 * 0.03 / 3**0.5, rel=1e-3)
    assert across_runs([3.3]) is None


def test_smallest_detectable_difference_is_2_8_standard_errors() -> None:
    assert detectable_difference(1.0) == pytest.approx(2.802, abs=1e-3)


def test_a_whole_benchmark_has_its_intervals_in_a_blink() -> None:
    rng = np.random.default_rng(0)
    scored = Scored(
        rng.uniform(1, 5, 1638).tolist(),
        [str(i % 8) for i in range(1638)],
        [str(i) for i in range(1638)],
    )
    begin = time.perf_counter()
    estimate(scored)
    assert time.perf_counter() - begin < 5.0
