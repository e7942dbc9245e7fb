"""Colours have the names people give them."""

import numpy as np
import pytest

from editloop.core.errors import UnknownNameError
from editloop.models.editors.procedural.colours import (
    COLOURS,
    colour_distance,
    colour_name,
    dominant_colours,
    linear_from_oklab,
    named,
    oklab,
)


def lab_of(red, green, blue):
    return tuple(oklab(np.array([[[red, green, blue]]], np.uint8))[0, 0].tolist())


@pytest.mark.parametrize("name", COLOURS)
def test_the_typical_shade_of_a_colour_has_its_name(name):
    assert colour_name(COLOURS[name].lab) == name


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 128), "blue"),
        ((128, 0, 0), "red"),
        ((135, 206, 235), "blue"),
        ((160, 82, 45), "brown"),
        ((210, 180, 140), "beige"),
        ((255, 105, 180), "pink"),
        ((0, 128, 0), "green"),
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((192, 192, 192), "grey"),
        ((225, 173, 1), "yellow"),
        ((138, 43, 226), "purple"),
    ],
)
def test_well_known_shades(rgb, name):
    assert colour_name(lab_of(*rgb)) == name


def test_oklab_of_white_and_grey_axis():
    lightness, a, b = lab_of(255, 255, 255)
    assert lightness == pytest.approx(1, abs=1e-3)
    assert abs(a) < 1e-3
    assert abs(b) < 1e-3


def test_oklab_goes_back_to_linear_light():
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    scaled = image / 255
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    assert linear_from_oklab(oklab(image)) == pytest.approx(linear, abs=1e-3)


def test_shares_of_a_two_coloured_region():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:30] = COLOURS["red"].rgb
    image[30:] = COLOURS["blue"].rgb
    first, second = dominant_colours(image)
    assert (first.name, first.share) == ("red", pytest.approx(0.75))
    assert (second.name, second.share) == ("blue", pytest.approx(0.25))
    assert colour_distance(first.lab, COLOURS["red"].lab) < 1


def test_only_the_masked_region_counts():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:30], image[30:] = COLOURS["red"].rgb, COLOURS["green"].rgb
    mask = np.zeros((40, 40), bool)
    mask[32:] = True
    assert [colour.name for colour in dominant_colours(image, mask)] == ["green"]
    assert dominant_colours(image, np.zeros((40, 40), bool)) == []


def test_small_shares_are_left_out():
    image = np.full((50, 50, 3), 240, np.uint8)
    image[0, :10] = COLOURS["red"].rgb
    assert [colour.name for colour in dominant_colours(image)] == ["white"]


def test_an_unknown_colour_names_the_nearest():
    with pytest.raises(UnknownNameError, match="purple"):
        named("pruple")
