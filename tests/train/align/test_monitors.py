from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from editloop.models.roles import EditRequest, RgbImage
from editloop.train.align.monitors import (
    HeldOutConfig,
    HeldOutMonitor,
    edge_energy,
    grid_energy,
    jpeg_bits_per_pixel,
    picture_figures,
    score_figures,
    unchanged_difference,
)


@pytest.fixture
def photo() -> RgbImage:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1)), np.uint8)


def blurred(image: RgbImage, radius: float = 2) -> RgbImage:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)), np.uint8)


def gridded(image: RgbImage, period: int) -> RgbImage:
    lines = image.copy()
    lines[::period] = np.minimum(lines[::period].astype(int) + 60, 255)
    lines[:, ::period] = np.minimum(lines[:, ::period].astype(int) + 60, 255)
    return lines


def test_blur_lowers_edges_and_file_size(photo: RgbImage) -> None:
    assert edge_energy(blurred(photo)) < 0.6 * edge_energy(photo)
    assert jpeg_bits_per_pixel(blurred(photo)) < 0.8 * jpeg_bits_per_pixel(photo)
    assert edge_energy(np.full((8, 8, 3), 90, np.uint8)) == 0


@pytest.mark.parametrize("period", [8, 16])
def test_a_grid_shows_at_its_own_period(photo: RgbImage, period: int) -> None:
    assert grid_energy(photo, period) < 0.3
    assert grid_energy(gridded(photo, period), period) > 0.8


def test_a_coarse_grid_is_no_fine_one(photo: RgbImage) -> None:
    coarse = gridded(photo, 16)
    assert grid_energy(coarse, 8) < grid_energy(coarse, 16)


def test_small_and_flat_pictures_have_no_grid() -> None:
    assert grid_energy(np.zeros((8, 8, 3), np.uint8), 8) == 0
    assert grid_energy(np.zeros((64, 64, 3), np.uint8), 8) == 0


def test_changes_outside_the_mask_are_seen_and_inside_are_not(photo: RgbImage) -> None:
    mask = np.zeros((128, 128), bool)
    mask[:64] = True
    request = EditRequest(photo, "anything", 0, mask=mask)
    inside, outside = photo.copy(), photo.copy()
    inside[:64] = 0
    outside[64:] = outside[64:] // 2
    assert unchanged_difference(request, inside) == 0
    assert unchanged_difference(request, outside) > 10
    assert unchanged_difference(EditRequest(photo, "", 0), outside) is None
    assert "unchanged_difference" not in picture_figures([EditRequest(photo, "", 0)], [outside])
    assert picture_figures([request], [inside])["unchanged_difference"] == 0


def played(config: HeldOutConfig, train: list[float], held_out: list[float]) -> list[str]:
    monitor = HeldOutMonitor(config)
    return [monitor.add(step, *pair) for step, pair in enumerate(zip(train, held_out, strict=True))]


def test_a_judge_that_falls_while_the_reward_rises_stops_training() -> None:
    config = HeldOutConfig(window=2, action="stop", tolerance=0.02)
    actions = played(config, [1, 2, 3, 4], [3, 3.2, 3.1, 2.5])
    assert actions == ["none", "none", "none", "stop"]


def test_both_rising_or_both_falling_is_no_alarm() -> None:
    config = HeldOutConfig(window=2, action="stop")
    assert set(played(config, [1, 2, 3, 4], [3, 3.1, 3.2, 3.3])) == {"none"}
    assert set(played(config, [4, 3, 2, 1], [3, 2.5, 2, 1.5])) == {"none"}


def test_a_fall_within_the_tolerance_is_noise() -> None:
    config = HeldOutConfig(window=2, action="stop", tolerance=0.1)
    assert set(played(config, [1, 2, 3, 4], [3, 2.9, 2.9, 2.9])) == {"none"}


def test_raising_the_pull_is_tried_first_and_not_for_ever() -> None:
    config = HeldOutConfig(window=1, action="raise_kl", kl_raises=1)
    actions = played(config, [1, 2, 3, 4, 5, 6], [6, 5, 5, 4, 4, 3])
    assert actions.count("raise_kl") == 1
    assert "stop" in actions
    assert actions.index("raise_kl") < actions.index("stop")


def test_the_monitor_survives_a_checkpoint() -> None:
    config = HeldOutConfig(window=2, action="stop")
    monitor = HeldOutMonitor(config)
    for step, pair in enumerate([(1.0, 3.0), (2.0, 3.0), (3.0, 2.0)]):
        monitor.add(step, *pair)
    restored = HeldOutMonitor.from_json(config, monitor.as_json())
    assert restored.add(3, 4.0, 1.0) == monitor.add(3, 4.0, 1.0)


def test_scores_have_quantiles_and_an_empty_list_has_none() -> None:
    assert score_figures([]) == {}
    figures = score_figures([float(n) for n in range(11)])
    assert (figures["q10"], figures["q50"], figures["q90"]) == (1, 5, 9)
