"""Tones keep their promise, and are refused where nobody would believe them."""

import numpy as np
import pytest

from editloop.core.errors import BadInputError, UnknownNameError
from editloop.models.editors.procedural.colours import oklab
from editloop.models.editors.procedural.looks import measure
from editloop.models.editors.procedural.scene import read_scene
from editloop.models.editors.procedural.tone import TONES, tone, tone_options


@pytest.fixture(scope="module")
def meadow():
    """Blue sky over a meadow with a grey rock."""
    rng = np.random.default_rng(0)
    image = np.empty((256, 320, 3), np.float32)
    image[:120] = (150, 195, 245)
    image[120:] = (84, 140, 52)
    image[150:220, 130:200] = (150, 120, 105)
    texture = rng.normal(0, 10, image.shape[:2])
    texture[:120] *= 0.1
    return np.clip(image + texture[..., None], 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def room():
    """A reddish wall with a dark cupboard."""
    image = np.full((256, 256, 3), (150, 110, 95), np.uint8)
    image[80:256, 40:150] = (70, 50, 40)
    noise = np.random.default_rng(1).integers(-8, 9, image.shape[:2])
    return np.clip(image + noise[..., None], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", TONES)
def test_a_tone_keeps_its_promise_and_repeats_itself(meadow, name):
    result = tone(meadow, name, 7)
    measured = measure(meadow, result.image)
    assert all(expected.holds(measured) for expected in TONES[name].expectations)
    assert result.changed.mean() > 0.3
    assert np.array_equal(result.image, tone(meadow, name, 7).image)


def test_the_scene_is_read(meadow):
    scene = read_scene(meadow)
    assert scene.sky[:110].mean() > 0.9
    assert scene.sky[130:].mean() < 0.05
    assert scene.green[130:145].mean() > 0.8
    assert scene.open_air
    assert not scene.plain_border


def test_weather_and_night_stay_outdoors(room):
    options = tone_options(room)
    assert {"night", "fog", "snowfall", "autumn"}.isdisjoint(options)
    assert {"black_and_white", "sepia", "teal_orange"} <= set(options)
    with pytest.raises(BadInputError) as refusal:
        tone(room, "night")
    assert refusal.value.reason == "not_outdoors"


def test_no_daylight_in_a_white_studio(meadow):
    studio = np.full((256, 256, 3), 250, np.uint8)
    studio[90:170, 90:170] = (190, 40, 40)
    for name in ("night", "golden_hour", "cold_winter"):
        with pytest.raises(BadInputError) as refusal:
            tone(studio, name)
        assert refusal.value.reason == "studio_background"


def test_a_grey_photograph_is_black_and_white_already(meadow):
    grey = np.repeat(meadow.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    with pytest.raises(BadInputError) as refusal:
        tone(grey, "black_and_white")
    assert refusal.value.reason == "already_there"


def test_black_and_white_has_no_colour_at_all(meadow):
    result = tone(meadow, "black_and_white").image
    assert np.array_equal(result[..., 0], result[..., 1])
    assert np.array_equal(result[..., 1], result[..., 2])


def test_mist_stays_behind_the_subject(meadow):
    matte = np.zeros(meadow.shape[:2], np.float32)
    matte[150:220, 130:200] = 1
    open_fog = tone(meadow, "fog", 1).image
    behind = tone(meadow, "fog", 1, matte=matte).image
    rock = (slice(160, 210), slice(140, 190))

    def moved(fogged):
        return np.abs(fogged[rock].astype(int) - meadow[rock]).mean()

    assert moved(behind) < moved(open_fog)


def test_autumn_turns_grass_and_leaves_the_rock(meadow):
    before, after = oklab(meadow), oklab(tone(meadow, "autumn").image)
    grass, rock = (slice(230, 250), slice(0, 300)), (slice(165, 205), slice(145, 185))
    assert (after[grass] - before[grass])[..., 1].mean() > 0.08
    assert abs((after[rock] - before[rock])[..., 1].mean()) < 0.03


def test_unknown_tones_are_named(meadow):
    with pytest.raises(UnknownNameError, match="night"):
        tone(meadow, "nigth")
