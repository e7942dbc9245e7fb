"""Styles keep what their catalogue promises."""

import numpy as np
import pytest

from editloop.core.errors import BadInputError, UnknownNameError
from editloop.models.editors.procedural.looks import measure
from editloop.models.editors.procedural.style import STYLES, style, style_options


@pytest.fixture(scope="module")
def picture():
    """A landscape: blue sky, hills, grass, a red house, a little noise."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:160, 0:200].astype(np.float32)
    image = np.empty((160, 200, 3), np.float32)
    image[:] = np.array([120, 170, 235]) + (rows * 0.4)[..., None]
    hills = rows > 80 + 14 * np.sin(columns / 23)
    image[hills] = (70, 130, 50)
    image[95:135, 80:130] = (190, 50, 40)
    image[110:135, 98:110] = (40, 30, 28)
    noise = rng.normal(0, 6, image.shape[:2])
    return np.clip(image + noise[..., None], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", STYLES)
def test_a_style_keeps_its_promise_and_repeats_itself(picture, name):
    result = style(picture, name, 5)
    assert result.image.shape == picture.shape
    assert result.image.dtype == np.uint8
    assert result.changed.mean() > 0.3
    measured = measure(picture, result.image)
    assert all(expected.holds(measured) for expected in STYLES[name].expectations)
    assert np.array_equal(result.image, style(picture, name, 5).image)


@pytest.mark.parametrize("name", ["watercolour", "oil_painting", "pencil_sketch"])
def test_the_seed_moves_the_strokes(picture, name):
    assert not np.array_equal(style(picture, name, 1).image, style(picture, name, 2).image)


def test_the_input_is_not_touched(picture):
    before = picture.copy()
    style(picture, "oil_painting", 0)
    assert np.array_equal(before, picture)


def test_pixel_art_is_made_of_squares(picture):
    large = np.repeat(np.repeat(picture, 3, axis=0), 3, axis=1)
    result = style(large, "pixel_art").image
    moves = (np.diff(result.astype(int), axis=1) != 0).any(axis=(0, 2))
    assert moves.mean() < 0.4


def test_drawings_have_no_colour(picture):
    for name in ("pencil_sketch", "charcoal", "engraving"):
        result = style(picture, name).image.astype(int)
        assert (result.max(axis=2) - result.min(axis=2)).mean() < 16


def test_nothing_to_draw_is_refused():
    fog = np.full((128, 128, 3), 200, np.uint8)
    assert style_options(fog) == []
    with pytest.raises(BadInputError) as refusal:
        style(fog, "comic")
    assert refusal.value.reason == "featureless"


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((20, 20, 3), np.uint8), "too_small"),
        (np.zeros((128, 128), np.uint8), "not_rgb"),
        (np.zeros((128, 128, 3), np.float32), "not_rgb"),
    ],
)
def test_unusable_images(image, reason):
    with pytest.raises(BadInputError) as refusal:
        style(image, "comic")
    assert refusal.value.reason == reason


def test_unknown_styles_are_named(picture):
    with pytest.raises(UnknownNameError, match="comic"):
        style(picture, "comics")


def test_phrases_read_well_in_a_sentence():
    for look in STYLES.values():
        assert look.phrase.split()[0] in {"a", "an"} or look.phrase == "pixel art"
        assert not look.description.endswith(".")
