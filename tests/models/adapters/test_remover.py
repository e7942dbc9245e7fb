"""PatchMatch: only the hole changes, the same seed gives the same pixels, and the object is gone."""

from __future__ import annotations

import numpy as np
import pytest

from editloop.core.errors import BadInputError
from editloop.models import load_model
from editloop.models.roles import Mask, RgbImage


def stripes(height: int = 120, width: int = 160) -> RgbImage:
    rows = np.arange(height) // 8 % 2
    noise = np.random.default_rng(0).integers(0, 20, (height, width, 3))
    return (np.where(rows[:, None, None], [180, 150, 90], [60, 90, 120]) + noise).astype(np.uint8)


def hole(image: RgbImage, top: int, left: int, size: int) -> Mask:
    mask = np.zeros(image.shape[:2], bool)
    mask[top : top + size, left : left + size] = True
    return mask


@pytest.mark.parametrize("size", [6, 40])
def test_a_patch_on_stripes_is_continued_and_nothing_else_changes(size: int) -> None:
    clean = stripes()
    mask = hole(clean, 40, 60, size)
    spoilt = np.where(mask[..., None], np.uint8(255), clean)
    filled = load_model("remover", "embedded:patchmatch").remove(spoilt, mask, seed=3)
    np.testing.assert_array_equal(filled[~mask], clean[~mask])
    assert np.abs(filled[mask].astype(int) - clean[mask]).mean() < 30
    assert np.abs(spoilt[mask].astype(int) - clean[mask]).mean() > 100


def test_the_seed_decides() -> None:
    image = stripes()
    mask = hole(image, 30, 50, 50)
    remover = load_model("remover", "embedded:patchmatch")
    first = remover.remove(image, mask, seed=2**62 + 1)
    remover.remove(image, mask, seed=5)
    np.testing.assert_array_equal(first, remover.remove(image, mask, seed=2**62 + 1))
    assert (first != remover.remove(image, mask, seed=5)).any()


def test_two_holes_far_apart_are_both_filled() -> None:
    clean = stripes(200, 300)
    mask = hole(clean, 5, 5, 30) | hole(clean, 160, 260, 30)
    spoilt = np.where(mask[..., None], np.uint8(255), clean)
    filled = load_model("remover", "embedded:patchmatch").remove(spoilt, mask, seed=0)
    assert (filled[mask] < 230).all()


def test_the_input_is_left_alone_and_an_empty_hole_changes_nothing() -> None:
    image = stripes()
    before = image.copy()
    remover = load_model("remover", "embedded:patchmatch")
    same = remover.remove(image, np.zeros(image.shape[:2], bool), seed=0)
    same[:] = 0
    remover.remove(image, hole(image, 30, 50, 50), seed=0)
    np.testing.assert_array_equal(image, before)


def test_masks_that_cannot_be_are_refused() -> None:
    image = stripes()
    remover = load_model("remover", "embedded:patchmatch")
    with pytest.raises(BadInputError, match="mask-size"):
        remover.remove(image, np.ones((2, 2), bool), seed=0)
    with pytest.raises(BadInputError, match="mask-covers-all"):
        remover.remove(image, np.ones(image.shape[:2], bool), seed=0)
