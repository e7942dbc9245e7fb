from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from editloop.core.errors import UsageError
from editloop.rewards.groups import (
    AdvantageRule,
    GroupFilter,
    best_worst_pairs,
    group_advantages,
)

nan = math.nan
quick = settings(max_examples=50, deadline=None)
reward_groups = arrays(np.float64, (3, 6), elements=st.floats(-10, 10, width=32))


def test_advantages_by_hand() -> None:
    """Rewards 1 2 3 4: mean 2.5, standard deviation sqrt(1.25)."""
    got = group_advantages([[1, 2, 3, 4]])
    np.testing.assert_allclose(
        got.values, np.array([[-1.5, -0.5, 0.5, 1.5]]) / (math.sqrt(1.25) + 1e-4)
    )
    assert got.mask.all()


@quick
@given(reward_groups)
def test_advantages_sum_to_zero_keep_the_order_and_stay_in_range(rewards: np.ndarray) -> None:
    got = group_advantages(rewards, clip=math.inf).values
    np.testing.assert_allclose(got.sum(1), 0, atol=1e-6)
    for row, advantage in zip(rewards, got, strict=True):
        assert (np.diff(advantage[np.argsort(row, kind="stable")]) >= -1e-9).all()
    assert np.abs(group_advantages(rewards, clip=1.0).values).max() <= 1


@quick
@given(reward_groups, st.floats(-100, 100))
def test_advantages_do_not_see_a_shift_of_a_group(rewards: np.ndarray, shift: float) -> None:
    moved = group_advantages(rewards + shift).values
    np.testing.assert_allclose(moved, group_advantages(rewards).values, atol=1e-3)


def test_equal_rewards_give_exactly_zero_and_are_counted() -> None:
    """0.1 is no binary fraction: a mean that is off by rounding, over a floor of 1e-4, would look like a signal."""
    got = group_advantages([[0.1] * 7, [0, 0, 0, 1, 1, 1, 1]], floor=1e-12)
    assert (got.values[0] == 0).all()
    assert got.mask.all()
    assert got.flat_groups == 1


def test_the_batch_scale_weighs_groups_by_their_spread() -> None:
    rewards = [[0.0, 0.1, 0.2, 0.3], [0.0, 1.0, 2.0, 3.0]]
    own, shared = (group_advantages(rewards, scale=scale).values for scale in ("group", "batch"))
    np.testing.assert_allclose(own[0], own[1], rtol=2e-3)
    np.testing.assert_allclose(shared[0] * 10, shared[1])
    np.testing.assert_allclose(shared[1], (np.arange(4) - 1.5) / (np.std(rewards) + 1e-4))


def test_leave_one_out_compares_with_the_others() -> None:
    got = group_advantages([[1.0, 2.0, 3.0, 6.0]], leave_one_out=True, floor=1e-9).values[0]
    others = np.array([1 - 11 / 3, 2 - 10 / 3, 3 - 3, 6 - 2])
    np.testing.assert_allclose(got, others / np.std([1, 2, 3, 6]), rtol=1e-6, atol=1e-9)


def test_a_missing_score_is_left_out_and_never_a_zero() -> None:
    """With a zero in its place the four others would look good; without it they are what they are."""
    got = group_advantages([[1, 2, nan, 3, 4]])
    np.testing.assert_allclose(
        got.values[0, [0, 1, 3, 4]], group_advantages([[1, 2, 3, 4]]).values[0]
    )
    assert np.isnan(got.values[0, 2])
    assert got.mask.tolist() == [[True, True, False, True, True]]
    assert (got.missing, got.dropped_groups) == (1, 0)


def test_a_group_with_fewer_than_four_scores_is_dropped() -> None:
    got = group_advantages([[1, 2, 3, nan, nan], [1, 2, 3, 4, nan]])
    assert not got.mask[0].any()
    assert np.isnan(got.values[0]).all()
    assert got.mask[1].sum() == 4
    assert (got.dropped_groups, got.missing) == (1, 3)
    assert group_advantages([[1, 2, 3]], min_scored=2).mask.all()


def test_a_batch_without_scores_is_dropped_without_a_warning() -> None:
    got = group_advantages(np.full((2, 5), nan), scale="batch")
    assert not got.mask.any()
    assert got.dropped_groups == 2


def test_an_explicit_mask_may_leave_out_scored_samples_only() -> None:
    mask = np.ones((1, 5), dtype=bool)
    mask[0, 4] = False
    got = group_advantages([[1, 2, 3, 4, 99]], mask)
    np.testing.assert_allclose(got.values[0, :4], group_advantages([[1, 2, 3, 4]]).values[0])
    with pytest.raises(UsageError, match="without a finite reward"):
        group_advantages([[1, 2, 3, 4, nan]], np.ones((1, 5), dtype=bool))
    with pytest.raises(UsageError, match="the mask has shape"):
        group_advantages([[1, 2, 3, 4]], mask)
    with pytest.raises(UsageError, match="expected"):
        group_advantages([1.0, 2.0, 3.0, 4.0])


def test_the_rule_is_the_function_with_settings() -> None:
    rewards = [[0.0, 1.0, 2.0, 30.0], [1.0, 1.0, 2.0, 2.0]]
    rule = AdvantageRule(scale="batch", clip=1.0, leave_one_out=True, floor=0.1)
    expected = group_advantages(rewards, scale="batch", clip=1.0, leave_one_out=True, floor=0.1)
    np.testing.assert_array_equal(rule(rewards).values, expected.values)


REWARDS = [
    [0.5, 0.5, 0.5, 0.5],
    [0.9, 1.0, 0.95, 1.0],
    [0.1, 0.9, 0.5, 0.3],
    [0.1, nan, 0.9, 0.5],
    [1.0, 1.0, 1.0, 1.0],
]


@pytest.mark.parametrize(
    ("settings_", "keep", "counts"),
    [
        ({}, [1, 1, 1, 0, 1], (4, 1, 0, 0)),
        ({"min_std": 0.0}, [0, 1, 1, 0, 0], (2, 1, 2, 0)),
        ({"min_std": 0.05}, [0, 0, 1, 0, 0], (1, 1, 3, 0)),
        ({"max_mean": 0.9}, [1, 0, 1, 0, 0], (2, 1, 0, 2)),
        ({"min_std": 0.0, "max_mean": 0.9, "min_scored": 3}, [0, 0, 1, 1, 0], (2, 0, 2, 1)),
    ],
)
def test_the_filter_says_why_it_drops(
    settings_: dict[str, float], keep: list[int], counts: tuple[int, ...]
) -> None:
    got = GroupFilter(**settings_)(REWARDS)
    assert got.keep.tolist() == [bool(k) for k in keep]
    names = ("kept", "too_few_scores", "low_spread", "too_easy")
    assert got.counts == dict(zip(names, counts, strict=True))
    assert sum(got.counts.values()) == len(REWARDS)


def test_best_and_worst_are_rows_of_the_batch() -> None:
    assert best_worst_pairs(REWARDS).tolist() == [[5, 4], [9, 8], [14, 12]]
    assert best_worst_pairs(REWARDS, min_gap=0.5).tolist() == [[9, 8], [14, 12]]


def test_ties_and_lone_scores_make_no_pair() -> None:
    assert best_worst_pairs([[1.0, 1.0], [nan, 2.0], [nan, nan]]).shape == (0, 2)
