from dataclasses import replace

import numpy as np
import pytest

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.edges import dilate
from editloop.models.editors.procedural.fill_checks import (
    ghost_frac,
    layering,
    seam_strength,
    strangeness,
    texture_kept,
)
from editloop.models.editors.procedural.remove import RemoveLimits, grown_hole, remove_object
from editloop.models.removers.patchmatch import PatchMatch

LENIENT = RemoveLimits(
    max_hole_frac=1, max_border_frac=2, max_strange_area=99, min_fine_texture=0, min_coarse_texture=0,
    max_seam=99, max_ghost=1,
)  # fmt: skip


class Flat:
    """Fills with one grey: a remover that destroys texture."""

    identity = None

    def remove(self, image, mask, *, seed):
        return np.where(mask[..., None], np.uint8(118), image)


def test_the_object_goes_and_nothing_else_changes(scene):
    result = remove_object(scene.image, scene.matte, PatchMatch(), seed=3, box=scene.box)
    untouched = ~dilate(scene.matte > 0.01, 40)
    assert (result.image[untouched] == scene.image[untouched]).all()
    assert (result.image[~result.changed] == scene.image[~result.changed]).all()
    inside = scene.matte > 0.5
    assert abs(result.image[inside].mean(0) - scene.clean[inside].mean(0)).max() < 10
    assert result.facts["ghost"] < 0.02


def test_the_same_seed_gives_the_same_bytes(scene):
    first = remove_object(scene.image, scene.matte, PatchMatch(), seed=3, limits=LENIENT)
    second = remove_object(scene.image, scene.matte, PatchMatch(), seed=3, limits=LENIENT)
    assert (first.image == second.image).all()


def test_a_flat_fill_is_refused(scene):
    with pytest.raises(BadInputError) as caught:
        remove_object(scene.image, scene.matte, Flat(), seed=0)
    assert caught.value.reason == "flat_fill"


def test_a_blotchy_fill_is_refused(scene):
    class Noise(Flat):
        def remove(self, image, mask, *, seed):
            noise = np.random.default_rng(seed).integers(60, 180, image.shape, np.uint8)
            return np.where(mask[..., None], noise, image)

    smooth = np.where(scene.matte[..., None] > 0.1, scene.image, np.uint8(118))
    with pytest.raises(BadInputError, match="blotchy_fill"):
        remove_object(smooth, scene.matte, Noise(), seed=0, limits=RemoveLimits(max_seam=99))


def test_large_and_border_holes_are_refused(build_scene):
    huge = build_scene(axes=(150, 150), centre=(192, 192))
    with pytest.raises(BadInputError, match="hole_too_large"):
        remove_object(huge.image, huge.matte, PatchMatch(), seed=0)
    cut = build_scene(centre=(0, 200))
    with pytest.raises(BadInputError, match="hole_at_border"):
        remove_object(cut.image, cut.matte, PatchMatch(), seed=0)


def test_something_unique_beside_the_object_is_refused(scene):
    image = scene.image.copy()
    image[150:300, 262:290] = (250, 225, 40)
    with pytest.raises(BadInputError, match="structured_background"):
        remove_object(
            image, scene.matte, PatchMatch(), seed=0, limits=replace(LENIENT, max_strange_area=0.9)
        )


def test_layers_that_end_at_the_hole_count(scene, build_matte):
    hole = build_matte(scene.matte.shape, (192, 220), (70, 80)) > 0.5
    bands = scene.clean.copy()
    for row, colour in (
        (0, (200, 220, 240)),
        (170, (60, 90, 60)),
        (220, (70, 120, 190)),
        (270, (210, 190, 150)),
    ):
        bands[row:] = colour
    assert layering(bands, hole) > 2.5
    assert layering(scene.clean, hole) < 2


def test_the_hole_takes_in_a_soft_shadow(scene, build_matte):
    shade = 1 - 0.45 * build_matte(scene.matte.shape, (240, 285), (45, 14))[..., None]
    shaded = (scene.image * np.where(scene.matte[..., None] > 0.1, 1, shade)).astype(np.uint8)
    plain, without = grown_hole(scene.image, scene.matte > 0.15)
    hole, with_shadow = grown_hole(shaded, scene.matte > 0.15)
    assert with_shadow > without
    assert hole[285, 272]
    assert not plain[285, 272]


def test_measures_tell_a_perfect_fill_from_a_poor_one(scene):
    hole = dilate(scene.matte > 0.1, 6)
    blurred = np.where(hole[..., None], np.uint8(118), scene.image)
    assert min(texture_kept(scene.clean, hole)) > 0.8
    assert max(texture_kept(blurred, hole)) < 0.2
    patched = np.where(hole[..., None], np.uint8(200), scene.image)
    assert seam_strength(patched, hole) > 1.5 > seam_strength(scene.clean, hole)
    assert ghost_frac(scene.image, scene.image, hole, scene.matte > 0.5) > 0.5
    assert ghost_frac(scene.image, scene.clean, hole, scene.matte > 0.5) < 0.02
    assert strangeness(scene.image, hole).area < 0.9
