"""The rules at their boundaries (areas are the paper's, similarity and score thresholds ours)."""

from __future__ import annotations

import pytest
from tests.mine.scenes import region

from editloop.mine.plan.candidates import is_donor, is_object, is_removable, pairs
from editloop.records.record import Box


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"box_frac": 0.01}, False),
        ({"box_frac": 0.0101}, True),
        ({"box_frac": 0.6}, True),
        ({"box_frac": 0.61}, False),
        ({"similarity": 0.44, "score": 0.0, "box_frac": 0.07}, False),
        ({"similarity": 0.45, "score": 0.0, "box_frac": 0.07}, True),
        ({"similarity": 0.1, "score": 0.55, "box_frac": 0.08}, True),
        ({"similarity": 0.1, "score": 0.55, "box_frac": 0.079}, False),
        ({"label": ""}, False),
        ({"crispness": 0.5}, False),
    ],
)
def test_is_object(changes: dict[str, float], expected: bool) -> None:
    assert is_object(region(**changes)) is expected


def test_removable_objects_are_small_and_not_cut_twice() -> None:
    assert is_removable(region(touches=("bottom",)))
    assert not is_removable(region(touches=("bottom", "left")))
    assert not is_removable(region(mask_frac=0.4, box_frac=0.5))


def test_donors_are_complete() -> None:
    assert is_donor(region())
    assert not is_donor(region(touches=("left",)))
    assert not is_donor(region(cutout_problem="soft_matte"))
    assert not is_donor(region(label="person"))


def test_pairs_are_of_different_class_and_apart() -> None:
    near = region("r0", "car", box=Box(left=0, top=0, right=300, bottom=300))
    far = region("r1", "dog", box=Box(left=400, top=0, right=600, bottom=300))
    touching = region("r2", "cat", box=Box(left=310, top=0, right=390, bottom=300))
    same = region("r3", "car", box=Box(left=800, top=0, right=990, bottom=300))
    found = {(p.first.key, p.second.key) for p in pairs([near, far, touching, same], 800)}
    assert found == {("r0", "r1"), ("r1", "r3"), ("r2", "r3")}
