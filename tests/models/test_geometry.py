"""Boxes: growth, overlap, duplicates and parts."""

from __future__ import annotations

import numpy as np
import pytest

from editloop.models.geometry import box_overlaps, drop_parts, grow_box, suppress_duplicates
from editloop.records.record import Box


def test_a_box_grows_by_a_fraction_of_its_sides_within_the_frame() -> None:
    box = Box(left=10, top=10, right=30, bottom=50)
    assert grow_box(box, 0.1, 100, 52) == Box(left=8, top=6, right=32, bottom=52)
    assert grow_box(box, 5, 100, 100) == Box(left=0, top=0, right=100, bottom=100)


@pytest.mark.parametrize(
    ("box", "overlap"),
    [
        ([0, 0, 10, 10], 1.0),
        ([5, 0, 15, 10], 1 / 3),
        ([0, 0, 5, 5], 0.25),
        ([10, 0, 20, 10], 0.0),
        ([30, 30, 40, 40], 0.0),
    ],
)
def test_overlap_is_intersection_over_union(box: list[float], overlap: float) -> None:
    found = box_overlaps(np.array([box], float), np.array([0, 0, 10, 10], float))
    np.testing.assert_allclose(found, [overlap])


def test_duplicates_go_and_the_best_stays_first() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 10, 11]], float)
    scores = np.array([0.6, 0.9, 0.7, 0.5])
    one_class = np.zeros(4, int)
    kept = suppress_duplicates(boxes, scores, one_class, same_class=0.5, any_class=0.8)
    assert kept == [1, 2]
    other_class = np.array([0, 0, 0, 1])
    kept = suppress_duplicates(boxes, scores, other_class, same_class=0.5, any_class=0.8)
    assert kept == [1, 2, 3]


def test_no_boxes_keep_no_boxes() -> None:
    nothing = np.zeros((0, 4)), np.zeros(0), np.zeros(0, int)
    assert suppress_duplicates(*nothing, same_class=0.5, any_class=0.8) == []
    assert drop_parts(*nothing, [], contained=0.85, weaker=0.7) == []


def test_a_weak_part_goes_but_an_equal_or_another_class_stays() -> None:
    boxes = np.array(
        [[0, 0, 100, 100], [60, 0, 100, 100], [0, 0, 30, 30], [70, 70, 170, 170]], float
    )
    classes = np.array([0, 0, 1, 0])
    order = [0, 1, 2, 3]
    weak = drop_parts(
        boxes, np.array([0.8, 0.4, 0.4, 0.4]), classes, order, contained=0.85, weaker=0.7
    )
    assert weak == [0, 2, 3]
    strong = drop_parts(
        boxes, np.array([0.8, 0.7, 0.4, 0.4]), classes, order, contained=0.85, weaker=0.7
    )
    assert strong == order
