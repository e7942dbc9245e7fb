"""Objects change material and keep their form."""

import numpy as np
import pytest

from editloop.core.errors import BadInputError, UnknownNameError
from editloop.models.editors.procedural.colours import oklab
from editloop.models.editors.procedural.retexture import MATERIALS, material_options, retexture


@pytest.fixture
def shaded(build_scene):
    """The egg with a light from the upper left."""
    scene = build_scene()
    rows, columns = np.mgrid[0:384, 0:384]
    light = np.clip(1.45 - (0.6 * (rows - 150) + 0.8 * (columns - 130)) / 160, 0.25, 1.6)
    lit = np.clip(scene.image * light[..., None], 0, 255)
    image = scene.image + scene.matte[..., None] * (lit - scene.image)
    return np.rint(image).astype(np.uint8), scene.matte


@pytest.mark.parametrize("material", MATERIALS)
def test_only_the_object_changes_and_equal_seeds_agree(shaded, material):
    image, matte = shaded
    result = retexture(image, matte, material, seed=3)
    assert np.array_equal(result.image[matte == 0], image[matte == 0])
    assert result.changed[matte > 0.9].mean() > 0.9
    assert np.array_equal(result.image, retexture(image, matte, material, seed=3).image)


@pytest.mark.parametrize("material", MATERIALS)
def test_the_lit_side_stays_the_lit_side(shaded, material):
    image, matte = shaded
    lightness = oklab(retexture(image, matte, material).image)[..., 0]
    assert lightness[170:200, 150:180].mean() > lightness[250:270, 210:235].mean() + 0.05


def test_gold_is_warm_and_silver_is_neutral(shaded):
    image, matte = shaded
    gold = oklab(retexture(image, matte, "gold").image)[matte > 0.9].mean(axis=0)
    silver = oklab(retexture(image, matte, "silver").image)[matte > 0.9].mean(axis=0)
    assert gold[2] > 0.06
    assert abs(silver[1]) + abs(silver[2]) < 0.02


def test_another_seed_gives_other_veins(shaded):
    image, matte = shaded
    first, second = (retexture(image, matte, "marble", seed=seed).image for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_a_flat_object_carries_no_material(build_scene):
    scene = build_scene()
    flat = scene.image.copy()
    flat[scene.matte > 0] = (150, 150, 150)
    assert material_options(flat, scene.matte) == []
    with pytest.raises(BadInputError) as refusal:
        retexture(flat, scene.matte, "wood")
    assert refusal.value.reason == "no_shading"


def test_options_and_unknown_names(shaded):
    image, matte = shaded
    assert material_options(image, matte) == list(MATERIALS)
    with pytest.raises(UnknownNameError, match="marble"):
        retexture(image, matte, "marbel")
