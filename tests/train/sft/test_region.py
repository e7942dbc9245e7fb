"""Which pixels count as changed, and what they weigh."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from editloop.core.errors import UsageError
from editloop.models.roles import RgbImage
from editloop.train.sft.config import RegionSettings
from editloop.train.sft.region import changed_pixels, connected_parts, region_weights

GREY: RgbImage = np.full((32, 32, 3), 100, np.uint8)


def _with_square(value: int, top: int, left: int, side: int) -> RgbImage:
    picture = GREY.copy()
    picture[top : top + side, left : left + side, 1] = value
    return picture


def test_a_quarter_of_the_cells_weighs_log2_of_four_plus_one() -> None:
    edited = _with_square(200, 0, 0, 16)
    weights, kept = region_weights([GREY], [edited], (12, 16, 16), RegionSettings())
    assert weights.shape == (1, 1, 16, 16)
    assert torch.equal(weights[0, 0, :8, :8], torch.full((8, 8), 3.0))
    assert weights.sum() == 64 * 3 + 192
    assert kept.tolist() == [True]


def test_the_root_form_and_a_token_grid() -> None:
    edited = _with_square(200, 0, 0, 16)
    weights, _ = region_weights([GREY], [edited], (64, 16), RegionSettings(growth="root"))
    assert weights.shape == (1, 64, 1)
    assert weights[0, :4, 0].tolist() == [2.0] * 4
    assert weights[0, 4:8, 0].tolist() == [1.0] * 4


def test_normalised_weights_have_mean_one_and_keep_their_ratio() -> None:
    edited = _with_square(200, 0, 0, 16)
    settings = RegionSettings(normalised=True)
    weights, _ = region_weights([GREY], [edited], (12, 16, 16), settings)
    assert weights.mean() == pytest.approx(1)
    assert weights.max() / weights.min() == pytest.approx(3)


def test_small_differences_and_small_parts_do_not_count() -> None:
    edited = _with_square(200, 4, 4, 12)
    edited[30, 30] = 255
    edited[:, 28] = 110
    mask = changed_pixels(GREY, edited, RegionSettings())
    assert mask.sum() == 144
    assert mask[4:16, 4:16].all()


def test_holes_are_closed() -> None:
    edited = _with_square(200, 8, 8, 12)
    edited[13:15, 13:15] = GREY[0, 0]
    mask = changed_pixels(GREY, edited, RegionSettings())
    assert mask[8:20, 8:20].all()
    assert not changed_pixels(GREY, edited, RegionSettings(closing_radius=0))[13, 13]


def test_an_unchanged_pair_weighs_one_and_is_rejected() -> None:
    weights, kept = region_weights([GREY], [GREY], (12, 16, 16), RegionSettings())
    assert kept.tolist() == [False]
    assert torch.equal(weights, torch.ones(1, 1, 16, 16))


def test_pairs_of_two_sizes_and_odd_token_counts_are_refused() -> None:
    with pytest.raises(UsageError, match="resize_px"):
        changed_pixels(GREY, GREY[:16], RegionSettings())
    with pytest.raises(UsageError, match="63 latent tokens"):
        region_weights([GREY], [GREY], (63, 16), RegionSettings())


@settings(max_examples=60, deadline=None)
@given(arrays(np.bool_, (7, 9)))
def test_parts_are_the_classes_of_touching_pixels(mask: np.ndarray) -> None:
    labels = connected_parts(mask)
    assert np.array_equal(labels > 0, mask)
    assert np.array_equal(labels, _flooded(mask, labels))


def _flooded(mask: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The same parts by flood fill, numbered by the labels' own numbers."""
    result = np.zeros_like(labels)
    for start in zip(*np.nonzero(mask), strict=True):
        if result[start]:
            continue
        todo = [start]
        while todo:
            row, column = todo.pop()
            inside = 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
            if inside and mask[row, column] and not result[row, column]:
                result[row, column] = labels[start]
                todo += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return result
