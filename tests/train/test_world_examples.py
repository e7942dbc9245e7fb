"""Storybook triplets as examples: repeatable, flawed as real data are, and told what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from editloop.train.examples import Reward
from editloop.train.world_examples import WorldExamples, oracle_reward
from editloop.world.oracle import OracleScore


def test_a_place_gives_the_same_triplet_whatever_was_drawn_before() -> None:
    there = WorldExamples(6, seed=4)
    back = WorldExamples(6, seed=4)
    for place in reversed(range(6)):
        assert np.array_equal(back[place].target, there[place].target)
        assert back[place].reward == there[place].reward
    assert [e.id for e in there[1:3]] == ["world-4-1", "world-4-2"]
    assert len({e.instruction for e in there}) > 1
    with pytest.raises(IndexError):
        there[6]


def test_flawed_triplets_are_there_and_are_told_apart_by_their_reward() -> None:
    rewards = [example.reward for example in WorldExamples(40)]
    perfect = [reward for reward in rewards if reward == Reward((5.0, 5.0, 5.0))]
    assert 15 < len(perfect) < 36
    for reward in rewards:
        assert reward is not None
        faults = [text for text in reward.texts if text != "None"]
        assert bool(faults) == (reward not in perfect)


def test_the_oracles_words_stand_at_its_worst_axis() -> None:
    score = OracleScore(5.0, 2.0, 4.0, 2.8, False, "over_edit", "the tree also changed")
    assert oracle_reward(score) == Reward(
        (5.0, 1.25, 3.75), ("None", "the tree also changed", "None")
    )
