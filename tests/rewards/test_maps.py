from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from editloop.core.errors import UsageError
from editloop.rewards.maps import Affine, AnyRewardMap, Rank, RewardMap, Sigmoid

nan = math.nan


@pytest.mark.parametrize(
    ("score", "reward"),
    [(0, 0.0067), (1, 0.0474), (2, 0.2689), (3, 0.7311), (4, 0.9526), (4.5, 0.982), (5, 0.9933)],
)
def test_the_sigmoid_of_hp_edit(score: float, reward: float) -> None:
    assert Sigmoid()(score, (0, 5)) == pytest.approx(reward, abs=5e-5)


def test_the_sigmoid_is_flat_where_edits_succeed() -> None:
    """From 4 to 5 it gains a twelfth of what it gains from 2 to 3: integer scores of good edits carry almost no signal."""
    low, mid, high, top = Sigmoid()([2, 3, 4, 5], (0, 5))
    assert (mid - low) / (top - high) > 11


def test_other_scales_are_stretched_first() -> None:
    np.testing.assert_allclose(Sigmoid()([1, 3, 5], (1, 5)), Sigmoid()([0, 2.5, 5], (0, 5)))
    np.testing.assert_allclose(Affine()([1, 3, 5], (1, 5)), [0, 0.5, 1])


def test_ranks_by_hand() -> None:
    np.testing.assert_allclose(
        Rank()([[3, 1, 2, 2], [5, nan, nan, 5], [nan, 4, nan, nan]], (0, 5)),
        [[1, 0, 0.5, 0.5], [0.5, nan, nan, 0.5], [nan, 0.5, nan, nan]],
    )


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 50), min_size=2, max_size=8),
    st.sampled_from([Affine(), Sigmoid(), Rank()]),
)
def test_maps_are_monotone_and_stay_in_the_unit_interval(
    tenths: list[int], reward_map: RewardMap
) -> None:
    scores = np.array(tenths) / 10
    rewards = reward_map(scores, (0, 5))
    order = np.argsort(scores, kind="stable")
    assert (np.diff(rewards[order]) >= 0).all()
    assert (np.diff(rewards[order])[np.diff(scores[order]) > 0] > 0).all()
    assert 0 <= rewards.min() <= rewards.max() <= 1


@pytest.mark.parametrize("reward_map", [Affine(), Sigmoid(), Rank()], ids=lambda m: m.kind)
def test_a_missing_score_stays_missing_and_a_wrong_one_is_refused(reward_map: RewardMap) -> None:
    assert np.isnan(reward_map([nan, 3.0], (1, 5))).tolist() == [True, False]
    with pytest.raises(UsageError, match=r"0\.5 lies outside"):
        reward_map([0.5, 3.0], (1, 5))
    with pytest.raises(UsageError, match="no extent"):
        reward_map([1.0], (5, 5))


def test_maps_are_chosen_by_kind() -> None:
    chosen = TypeAdapter[object](AnyRewardMap).validate_python({"kind": "sigmoid", "slope": 3})
    assert chosen == Sigmoid(slope=3)
