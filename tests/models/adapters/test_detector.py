"""NanoDet: decoding in closed form, then real animals."""

from __future__ import annotations

import numpy as np
import pytest
from tests.models.photographs import photograph

from editloop.models import load_model
from editloop.models.detectors.coco import COCO_CLASSES
from editloop.models.detectors.nanodet import decode_distances


def test_distances_are_the_means_of_distributions() -> None:
    sure = np.full((1, 4, 11), -50, np.float32)
    for side, distance in enumerate((0, 3, 7, 10)):
        sure[0, side, distance] = 50
    np.testing.assert_allclose(decode_distances(sure.reshape(1, 44)), [[0, 3, 7, 10]], atol=1e-6)
    np.testing.assert_allclose(decode_distances(np.zeros((2, 44), np.float32)), np.full((2, 4), 5))
    assert decode_distances(np.zeros((0, 44), np.float32)).shape == (0, 4)


def test_there_are_eighty_classes() -> None:
    assert len(COCO_CLASSES) == len(set(COCO_CLASSES)) == 80


@pytest.mark.weights
@pytest.mark.parametrize(
    ("name", "label", "count"),
    [("cows", "cow", 3), ("giraffes", "giraffe", 2), ("sheep", "sheep", 1)],
)
def test_animals_are_found_and_counted(name: str, label: str, count: int) -> None:
    image = photograph(name)
    found = load_model("detector", "embedded:nanodet").detect(image, threshold=0.5)
    assert [detection.label for detection in found] == [label] * count
    scores = [detection.score for detection in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.5
    height, width = image.shape[:2]
    for detection in found:
        box = detection.box
        assert 0 <= box.left < box.right <= width
        assert 0 <= box.top < box.bottom <= height


@pytest.mark.weights
def test_boxes_follow_the_object_in_wide_and_tall_frames() -> None:
    """The same sheep, with empty space added on one side, stays where it is."""
    detector = load_model("detector", "embedded:nanodet")
    image = photograph("sheep")
    (before,) = detector.detect(image, threshold=0.5)
    for pads in ([(0, 0), (0, 300), (0, 0)], [(0, 300), (0, 0), (0, 0)]):
        padded = np.pad(image, pads, mode="edge")
        (after,) = detector.detect(padded, threshold=0.5)
        for side in ("left", "top", "right", "bottom"):
            assert abs(getattr(before.box, side) - getattr(after.box, side)) < 25


@pytest.mark.weights
def test_an_even_picture_holds_nothing() -> None:
    grey = np.full((300, 200, 3), 128, np.uint8)
    assert load_model("detector", "embedded:nanodet").detect(grey) == []
