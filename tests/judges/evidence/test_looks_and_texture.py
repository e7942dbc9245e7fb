"""Colours, tone, light, blur, white backdrops, media and sharpness against closed forms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.judges.pictures import disc_mask, with_thing

from editloop.judges.evidence import looks, texture
from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.pixels import make_pair

CONFIG = EvidenceConfig()
CENTRE = (200, 150)


def _pair(source, edited, mask=None):
    return make_pair(source, edited, mask, CONFIG)


def _scaled(image, factors):
    return np.clip(image * np.asarray(factors), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("rgb", "colour"),
    [
        ((200, 30, 35), "red"),
        ((40, 90, 205), "blue"),
        ((45, 140, 60), "green"),
        ((20, 20, 22), "black"),
        ((235, 235, 232), "white"),
        ((128, 128, 130), "gray"),
        ((245, 205, 40), "golden"),
        ((115, 70, 40), "brown"),
    ],
)
def test_a_painted_region_has_its_colour_and_no_opposite_one(rgb, colour):
    image = np.full((40, 40, 3), rgb, np.uint8)
    mask = np.ones((40, 40), bool)
    assert looks.colour_share(image, mask, colour) == 1.0
    opposite = {"red": "teal", "blue": "orange", "green": "pink"}.get(colour, "purple")
    assert looks.colour_share(image, mask, opposite) == 0.0


def test_shading_does_not_change_the_colour(meadow):
    image = with_thing(meadow, "apple", CENTRE)
    assert looks.colour_share(image, disc_mask(CENTRE, 30), "red") > 0.95


def test_unknown_colours_and_empty_regions_have_no_share(meadow):
    nothing = np.zeros(meadow.shape[:2], bool)
    assert looks.colour_share(meadow, nothing, "green") == 0.0
    assert looks.colour_share(meadow, ~nothing, "rainbow") == 0.0


def test_tone_moves_in_the_measured_direction(meadow):
    warm = looks.tone_evidence(_pair(meadow, _scaled(meadow, [1.1, 1.0, 0.7])))
    dark = looks.tone_evidence(_pair(meadow, _scaled(meadow, [0.5, 0.5, 0.5])))
    grey = looks.tone_evidence(
        _pair(meadow, np.repeat(meadow.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8))
    )
    assert warm["warmth_shift"] > 5
    assert dark["lightness_shift"] < -10
    assert grey["chroma_after"] < 1 < grey["chroma_before"]


@pytest.mark.parametrize(
    ("axis", "flip", "name", "sign"),
    [
        (1, False, "light_left", 1),
        (1, True, "light_left", -1),
        (0, False, "light_top", 1),
        (0, True, "light_top", -1),
    ],
)
def test_light_is_found_on_its_side(meadow, axis, flip, name, sign):
    ramp = np.linspace(1.4, 0.6, meadow.shape[axis])
    ramp = ramp[::-1] if flip else ramp
    factor = ramp[None, :, None] if axis else ramp[:, None, None]
    assert sign * looks.light_evidence(_pair(meadow, _scaled(meadow, factor)))[name] > 0.3


def test_blur_behind_a_subject_splits_the_frame(meadow):
    image = with_thing(meadow, "car", CENTRE, radius=80)
    blurred = cv2.GaussianBlur(image, (0, 0), 5)
    subject = disc_mask(CENTRE, 80)
    bokeh = np.where(subject[..., None], image, blurred)
    found = looks.blur_evidence(_pair(image, bokeh))
    assert found["soft_detail"] < 0.45
    assert found["sharp_detail"] > 0.75
    declared = looks.blur_evidence(_pair(image, bokeh, ~subject))
    assert declared["soft_detail"] < 0.45 < 0.75 < declared["sharp_detail"]
    everywhere = looks.blur_evidence(_pair(image, blurred))
    assert everywhere["sharp_detail"] < 0.5


def test_white_backdrops(meadow):
    image = with_thing(meadow, "apple", CENTRE)
    cutout = np.where(disc_mask(CENTRE, 36)[..., None], image, np.uint8(255))
    found = looks.white_evidence(_pair(image, cutout))
    assert found["white_border"] == 1.0
    assert found["white_before"] == 0.0
    assert found["object_frac"] == pytest.approx(np.pi * 36**2 / 120_000, rel=0.1)


def test_grading_keeps_fine_detail_and_repainting_does_not(meadow):
    graded = looks.style_evidence(_pair(meadow, _scaled(meadow, [1.1, 0.9, 0.6])))
    painted = looks.style_evidence(_pair(meadow, cv2.stylization(meadow, sigma_s=60, sigma_r=0.6)))
    assert graded["detail_rewritten"] < CONFIG.detail_rewritten[0]
    assert painted["detail_rewritten"] > CONFIG.detail_rewritten[1]


def test_sharpness_noise_and_blocks(meadow):
    everything = np.ones(meadow.shape[:2], bool)
    blurred = cv2.GaussianBlur(meadow, (0, 0), 3)
    assert texture.detail_ratio(_pair(meadow, meadow), everything) == pytest.approx(1.0)
    assert texture.detail_ratio(_pair(meadow, blurred), everything) < 0.4
    assert (
        texture.focus_ratio(_pair(meadow, blurred))
        < texture.focus_ratio(_pair(meadow, meadow))
        == 1.0
    )
    noisy = np.clip(meadow + np.random.default_rng(0).normal(0, 12, meadow.shape), 0, 255).astype(
        np.uint8
    )
    pair = _pair(meadow, noisy)
    assert texture.noise_level(pair, everything, edited=True) > 2 * texture.noise_level(
        pair, everything, edited=False
    )
    coded = cv2.imdecode(
        cv2.imencode(".jpg", meadow, [cv2.IMWRITE_JPEG_QUALITY, 5])[1], cv2.IMREAD_COLOR
    )
    assert texture.blockiness(coded) > texture.blockiness(meadow) + 0.3
