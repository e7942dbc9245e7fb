"""Lights fall from where they are said to come."""

import numpy as np
import pytest

from editloop.core.errors import BadInputError, UnknownNameError
from editloop.models.editors.procedural.relight import (
    LIGHTS,
    light_options,
    relight,
    side_balance,
)


@pytest.fixture
def indoors(build_scene):
    return build_scene(ground=(120, 100, 90))


@pytest.mark.parametrize("light", LIGHTS)
def test_every_light_changes_the_picture_the_same_way_twice(indoors, light):
    result = relight(indoors.image, indoors.matte, light)
    assert result.changed.mean() > 0.5
    assert np.array_equal(result.image, relight(indoors.image, indoors.matte, light).image)


def test_left_and_right_are_left_and_right(indoors):
    before = side_balance(indoors.image, indoors.matte)
    left = relight(indoors.image, indoors.matte, "left")
    right = relight(indoors.image, indoors.matte, "right")
    assert side_balance(left.image, indoors.matte) > before + 0.05
    assert side_balance(right.image, indoors.matte) < before - 0.05
    assert left.facts["left_minus_right_change"] > 0 > right.facts["left_minus_right_change"]


def test_a_spotlight_darkens_the_corners_and_not_the_subject(indoors):
    result = relight(indoors.image, indoors.matte, "spotlight").image.astype(int)
    assert result[:40, :40].mean() < 0.6 * indoors.image[:40, :40].mean()
    inside = indoors.matte > 0.9
    assert result[inside].mean() > 0.6 * indoors.image[inside].mean()


def test_a_sunset_is_warm(indoors):
    result = relight(indoors.image, indoors.matte, "sunset").image.astype(int)
    ratio = result[..., 0].mean() / result[..., 2].mean()
    assert ratio > 1.15 * indoors.image[..., 0].mean() / indoors.image[..., 2].mean()


def test_room_lights_are_refused_outdoors(build_scene):
    scene = build_scene(ground=(84, 140, 52))
    options = light_options(scene.image, scene.matte)
    assert "left" in options
    assert {"spotlight", "blinds", "neon"}.isdisjoint(options)
    with pytest.raises(BadInputError) as refusal:
        relight(scene.image, scene.matte, "neon")
    assert refusal.value.reason == "outdoors"


def test_a_dark_photograph_is_refused(indoors):
    with pytest.raises(BadInputError) as refusal:
        relight(indoors.image // 6, indoors.matte, "left")
    assert refusal.value.reason == "too_dark"
    assert light_options(indoors.image // 6, indoors.matte) == []


def test_unknown_lights_are_named(indoors):
    with pytest.raises(UnknownNameError, match="spotlight"):
        relight(indoors.image, indoors.matte, "spotlit")
