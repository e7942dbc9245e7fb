"""Which samples a step sees, and what happens to them on the way."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.train.sft.pictures import square_example

from editloop.core.errors import UsageError
from editloop.train.sft import DropoutSettings, SftConfig, ShuffledExamples
from editloop.train.sft.source import prepared

EXAMPLES = [square_example(number) for number in range(5)]


def test_each_pass_shows_every_example_once_in_an_order_of_its_own() -> None:
    source = ShuffledExamples(EXAMPLES, seed=3)
    shown = [example.id for step in range(10) for example in source.batch(step, 2)]
    passes = [tuple(shown[start : start + 5]) for start in range(0, 20, 5)]
    assert all(sorted(ids) == [e.id for e in EXAMPLES] for ids in passes)
    assert len(set(passes)) > 1


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    forward, backward = ShuffledExamples(EXAMPLES, seed=1), ShuffledExamples(EXAMPLES, seed=1)
    there = [[e.id for e in forward.batch(step, 3)] for step in range(6)]
    back = [[e.id for e in backward.batch(step, 3)] for step in reversed(range(6))]
    assert there == back[::-1]
    assert ShuffledExamples(EXAMPLES, seed=2).identity != forward.identity
    with pytest.raises(UsageError, match="no triplets"):
        ShuffledExamples([])


def test_parts_of_the_question_are_dropped_at_the_asked_rates() -> None:
    config = SftConfig(dropout=DropoutSettings(words=0.1, both=0.2, pictures=0.3))
    counts: Counter[tuple[bool, bool]] = Counter()
    for step in range(40):
        for example in prepared(EXAMPLES * 20, config, step):
            counts[(example.instruction == "", bool((example.source == 127).all()))] += 1
    total = sum(counts.values())
    assert counts[(True, False)] / total == pytest.approx(0.1, abs=0.015)
    assert counts[(True, True)] / total == pytest.approx(0.2, abs=0.02)
    assert counts[(False, True)] / total == pytest.approx(0.3, abs=0.02)


def test_flips_mirror_the_whole_triplet() -> None:
    changed = 0
    for example in prepared(EXAMPLES * 8, SftConfig(flip=True), step=0):
        original = square_example(int(example.id.split("-")[1]))
        flipped = not np.array_equal(example.source, original.source)
        changed += flipped
        expected = original.target[:, ::-1] if flipped else original.target
        assert np.array_equal(example.target, expected)
    assert 8 < changed < 32


def test_resizing_brings_all_pictures_to_one_size() -> None:
    (ready,) = prepared([square_example(0, side=20)], SftConfig(resize_px=8), step=0)
    assert ready.source.shape == ready.target.shape == (8, 8, 3)
