"""Objects change colour; everything else stays."""

import numpy as np
import pytest

from editloop.core.errors import BadInputError, UnknownNameError
from editloop.models.editors.procedural.colours import dominant_colours
from editloop.models.editors.procedural.recolour import (
    ODD_TO_RECOLOUR,
    RECOLOURABLE,
    REFUSALS,
    recolour,
    recolour_options,
)


@pytest.mark.parametrize("colour", ["blue", "green", "purple", "pink", "teal"])
def test_the_object_gets_the_named_colour(scene, colour):
    result = recolour(scene.image, scene.matte, colour)
    names = dominant_colours(result.image, scene.matte > 0.9)
    assert names[0].name == colour
    assert names[0].share > 0.6


def test_every_option_can_be_carried_out_and_named(scene):
    options = recolour_options(scene.image, scene.matte)
    assert {"blue", "green", "purple"} <= {option.colour for option in options}
    assert "red" not in {option.colour for option in options}
    for option in options:
        result = recolour(scene.image, scene.matte, option.colour)
        assert option.part_share == pytest.approx(result.facts["part_share"])
        assert option.colour in {
            colour.name for colour in dominant_colours(result.image, scene.matte > 0.9)
        }


def test_outside_the_matte_every_byte_stays(scene):
    result = recolour(scene.image, scene.matte, "blue")
    outside = scene.matte == 0
    assert np.array_equal(result.image[outside], scene.image[outside])
    assert not result.changed[outside].any()
    assert result.changed[scene.matte > 0.95].mean() > 0.95


def test_light_and_shade_stay(scene):
    result = recolour(scene.image, scene.matte, "blue")
    inside = scene.matte > 0.95
    before, after = scene.image[inside].mean(axis=1), result.image[inside].mean(axis=1)
    assert np.corrcoef(before, after)[0, 1] > 0.8


def test_a_part_of_another_colour_stays(scene):
    image = scene.image.copy()
    image[200:240, 170:210] = (235, 235, 230)
    result = recolour(image, scene.matte, "blue")
    patch = result.image[206:234, 176:204].astype(int) - image[206:234, 176:204]
    assert np.abs(patch).max() < 12


def test_the_same_colour_is_refused(scene):
    with pytest.raises(BadInputError) as refusal:
        recolour(scene.image, scene.matte, "red")
    assert refusal.value.reason == "same_colour"


def test_a_black_object_takes_no_colour(build_scene):
    scene = build_scene()
    dark = (scene.image * (1 - 0.94 * scene.matte[..., None])).astype(np.uint8)
    with pytest.raises(BadInputError) as refusal:
        recolour(dark, scene.matte, "yellow")
    assert refusal.value.reason in REFUSALS


def test_an_object_of_many_colours_is_refused(scene):
    image = scene.image.copy()
    bands = np.array([(200, 30, 30), (30, 160, 40), (40, 60, 200), (230, 200, 30)], np.uint8)
    for row in range(image.shape[0]):
        image[row] = bands[row // 12 % 4]
    with pytest.raises(BadInputError) as refusal:
        recolour(image, scene.matte, "purple")
    assert refusal.value.reason == "no_dominant_colour"
    assert recolour_options(image, scene.matte) == []


@pytest.mark.parametrize(
    ("matte", "reason"),
    [
        (np.zeros((384, 384), np.float32), "object_too_small"),
        (np.ones((384, 384), np.float32), "object_too_large"),
        (np.ones((100, 384), np.float32), "matte_mismatch"),
    ],
)
def test_unusable_mattes(scene, matte, reason):
    with pytest.raises(BadInputError) as refusal:
        recolour(scene.image, matte, "blue")
    assert refusal.value.reason == reason
    assert recolour_options(scene.image, matte) == []


def test_an_undecided_outline_is_refused(scene):
    with pytest.raises(BadInputError) as refusal:
        recolour(scene.image, scene.matte * 0.6, "blue")
    assert refusal.value.reason in {"uncertain_matte", "object_too_small"}


def test_unknown_colours_are_named(scene):
    with pytest.raises(UnknownNameError, match="blue"):
        recolour(scene.image, scene.matte, "bleu")


def test_the_noun_tables_do_not_contradict_each_other():
    assert {"car", "mug", "vase"} <= RECOLOURABLE
    assert "cat" in ODD_TO_RECOLOUR
    assert not RECOLOURABLE & ODD_TO_RECOLOUR
