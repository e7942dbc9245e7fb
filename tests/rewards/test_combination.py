from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from editloop.core.errors import UsageError
from editloop.rewards.combination import AnyMultiReward, Gated, Gdpo, MultiReward, WeightedSum
from editloop.rewards.groups import AdvantageRule
from editloop.rewards.maps import Affine

nan = math.nan
RULE = AdvantageRule()
INSTRUCTION = [[0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5]]
PRESERVATION = [[100.0, 0.0, 100.0, 0.0], [10.0, 20.0, 30.0, 40.0]]
REWARDS = {"instruction": INSTRUCTION, "preservation": PRESERVATION}
EQUAL = {"instruction": 1.0, "preservation": 1.0}


def test_the_widest_reward_takes_a_sum_but_not_gdpo() -> None:
    """Sample 2 follows the instruction and spoils the picture nowhere; 0 only preserves, 3 only follows.

    In the sum the wide reward decides alone: not following costs a hundredth of not preserving. With GDPO both count alike.
    """
    summed = WeightedSum(weights=EQUAL).advantages(REWARDS, RULE).values[0]
    decoupled = Gdpo(weights=EQUAL).advantages(REWARDS, RULE).values[0]
    assert summed[0] - summed[3] > 1.9
    assert decoupled[0] == pytest.approx(decoupled[3], abs=1e-3)
    assert decoupled[2] == pytest.approx(1, abs=1e-3)
    assert decoupled[1] == pytest.approx(-1, abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 100), st.integers(0, 99))
def test_gdpo_does_not_see_the_spread_of_a_reward(factor: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, 3, 8)) * 10
    rule, gdpo = AdvantageRule(floor=1e-9), Gdpo(weights={"a": 2.0, "b": 1.0})
    first = gdpo.advantages({"a": a, "b": b}, rule).values
    second = gdpo.advantages({"a": a, "b": b * factor}, rule).values
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_a_reward_that_is_equal_for_all_adds_nothing() -> None:
    got = Gdpo(weights=EQUAL).advantages(REWARDS, RULE)
    alone = RULE(PRESERVATION).values[1]
    np.testing.assert_allclose(got.values[1], alone / 2)
    assert got.flat_groups == 0
    assert Gdpo(weights={"instruction": 1.0}).advantages(REWARDS, RULE).flat_groups == 1


def test_rewards_that_cancel_are_not_called_flat() -> None:
    opposite = {"a": [[0.0, 0.0, 1.0, 1.0]], "b": [[1.0, 1.0, 0.0, 0.0]]}
    got = Gdpo(weights={"a": 1.0, "b": 1.0}).advantages(opposite, RULE)
    np.testing.assert_allclose(got.values, 0)
    assert got.flat_groups == 0


@pytest.mark.parametrize(
    "rule",
    [WeightedSum(weights=EQUAL), Gdpo(weights=EQUAL), Gated(names=("instruction", "preservation"))],
    ids=lambda r: r.kind,
)
def test_a_sample_that_misses_one_reward_is_left_out(rule: MultiReward) -> None:
    instruction = np.array([[0.0, 0.2, 0.4, 0.6, nan], [0.1, 0.2, 0.3, nan, nan]])
    preservation = np.array([[0.5, 0.1, 0.9, 0.3, 0.2], [0.5, 0.1, 0.9, 0.3, 0.2]])
    rewards = {"instruction": instruction, "preservation": preservation}
    got = rule.advantages(rewards, RULE)
    assert np.isnan(rule.combined(rewards)[0, 4])
    assert got.mask.tolist() == [[True] * 4 + [False], [False] * 5]
    assert (got.missing, got.dropped_groups) == (3, 1)
    complete = {name: np.asarray(values)[:1, :4] for name, values in rewards.items()}
    np.testing.assert_allclose(got.values[0, :4], rule.advantages(complete, RULE).values[0])
    assert np.isnan(got.values[~got.mask]).all()


def test_the_gate_is_high_only_where_all_are() -> None:
    rewards = {"a": [[1.0, 1.0, 0.25, 0.0]], "b": [[1.0, 0.25, 0.25, 1.0]]}
    names = ("a", "b")
    np.testing.assert_allclose(Gated(names=names).combined(rewards), [[1, 0.25, 0.25, 0]])
    np.testing.assert_allclose(
        Gated(names=names, how="geometric").combined(rewards), [[1, 0.5, 0.25, 0]]
    )
    with pytest.raises(UsageError, match=r"must lie in \[0, 1\]"):
        Gated(names=("preservation",)).combined(REWARDS)


def test_weights_are_shares() -> None:
    combined = WeightedSum(weights={"instruction": 3.0, "preservation": 1.0}).combined(REWARDS)
    assert combined[0].tolist() == [25.0, 0.0, 25.75, 0.75]
    with pytest.raises(ValidationError):
        WeightedSum(weights={"instruction": -1.0})


def test_unknown_rewards_and_shapes_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'instruction'"):
        WeightedSum(weights={"instructions": 1.0}).combined(REWARDS)
    with pytest.raises(UsageError, match="differ in shape"):
        Gdpo(weights={"a": 1.0, "b": 1.0}).combined({"a": [[1.0, 2.0]], "b": [[1.0]]})


def test_combinations_are_chosen_by_kind() -> None:
    chosen = TypeAdapter[object](AnyMultiReward).validate_python(
        {"kind": "gdpo", "weights": {"instruction": 2}}
    )
    assert chosen == Gdpo(weights={"instruction": 2.0})


def test_an_edit_left_undone_wins_by_the_mean_of_the_axes_and_loses_behind_a_gate() -> None:
    """The untouched picture is well kept and clean; the other sample is a fair edit with a flaw on every axis."""
    untouched, fair = (1.0, 5.0, 5.0), (3.4, 3.4, 3.4)
    names = ("instruction", "preservation", "quality")
    rewards = {
        name: Affine()([pair], (1.0, 5.0))
        for name, *pair in zip(names, untouched, fair, strict=True)
    }
    by_mean = WeightedSum(weights=dict.fromkeys(names, 1.0)).combined(rewards)[0]
    assert by_mean[0] > by_mean[1]
    for how in ("min", "geometric"):
        gated = Gated(names=names, how=how).combined(rewards)[0]
        assert gated[0] == 0 < gated[1]
