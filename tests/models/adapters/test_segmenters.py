"""Mattes: a drawn disc for GrabCut, real animals for ISNet."""

from __future__ import annotations

import numpy as np
import pytest
from tests.models.photographs import photograph

from editloop.models import load_model
from editloop.models.roles import Mask
from editloop.models.segmenters.isnet import keep_inside, stretch
from editloop.records.record import Box

DISC_BOX = Box(left=60, top=40, right=140, bottom=120)


def disc() -> tuple[np.ndarray, Mask]:  # type: ignore[type-arg]
    rows, columns = np.mgrid[:160, :200]
    inside = (rows - 80) ** 2 + (columns - 100) ** 2 < 38**2
    noise = np.random.default_rng(0).normal(0, 6, (160, 200, 3))
    colours = np.where(inside[..., None], [200, 60, 50], [60, 110, 70])
    return np.clip(colours + noise, 0, 255).astype(np.uint8), inside


def overlap(matte: np.ndarray, mask: Mask) -> float:  # type: ignore[type-arg]
    found = matte > 0.5
    return float((found & mask).sum() / (found | mask).sum())


def test_grabcut_cuts_out_a_disc_and_stays_in_range() -> None:
    image, inside = disc()
    matte = load_model("segmenter", "embedded:grabcut").matte(image, DISC_BOX)
    assert matte.shape == inside.shape
    assert matte.dtype == np.float32
    assert 0 <= matte.min() <= matte.max() <= 1
    assert overlap(matte, inside) > 0.95


def test_grabcut_gives_the_same_matte_twice() -> None:
    image, _ = disc()
    segmenter = load_model("segmenter", "embedded:grabcut")
    first, second = segmenter.matte(image, DISC_BOX), segmenter.matte(image, DISC_BOX)
    np.testing.assert_array_equal(first, second)


def test_grabcut_without_a_box_looks_at_the_middle() -> None:
    image, inside = disc()
    assert overlap(load_model("segmenter", "embedded:grabcut").matte(image), inside) > 0.9


@pytest.mark.parametrize(
    "box", [Box(left=0, top=0, right=200, bottom=160), Box(left=5, top=5, right=7, bottom=9)]
)
def test_grabcut_of_everything_or_next_to_nothing_is_empty(box: Box) -> None:
    image, _ = disc()
    assert not load_model("segmenter", "embedded:grabcut").matte(image, box).any()


def test_a_meaningless_range_is_not_stretched_into_an_object() -> None:
    flat = np.linspace(0.4, 0.5, 12, dtype=np.float32).reshape(3, 4)
    assert not stretch(flat).any()
    assert stretch(flat * 5).min() == 0
    assert stretch(flat * 5).max() == pytest.approx(1)


def test_islands_mostly_outside_the_box_are_left_out() -> None:
    matte = np.zeros((20, 40), np.float32)
    matte[5:15, 10:22] = 0.9
    matte[5:15, 26:34] = 0.8
    matte[2, 2] = 0.04
    kept = keep_inside(matte, Box(left=10, top=4, right=28, bottom=16))
    np.testing.assert_array_equal(kept[:, :24], matte[:, :24])
    assert not kept[:, 24:].any()


@pytest.mark.slow
@pytest.mark.weights
def test_isnet_cuts_the_animal_out_of_the_frame_and_out_of_a_box() -> None:
    segmenter = load_model("segmenter", "embedded:isnet")
    image = photograph("duck")
    height, width = image.shape[:2]
    whole = segmenter.matte(image)
    assert whole.shape == (height, width)
    assert whole[int(0.6 * height), int(0.4 * width)] > 0.9
    assert whole[: height // 5, : width // 5].max() < 0.1
    rows, columns = np.nonzero(whole > 0.5)
    box = Box(
        left=int(columns.min()),
        top=int(rows.min()),
        right=int(columns.max()),
        bottom=int(rows.max()),
    )
    boxed = segmenter.matte(image, box)
    assert overlap(boxed, whole > 0.5) > 0.9
    margin = 0.13 * box.width
    assert not boxed[:, int(box.right + margin) :].any()
