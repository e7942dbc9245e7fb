import numpy as np
import pytest

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.cutout import make_cutout
from editloop.models.editors.procedural.edges import blur
from editloop.models.editors.procedural.extract import extract


def test_a_cutout_is_tight_and_free_of_background(scene):
    cutout = make_cutout(scene.image, scene.matte, scene.box)
    assert abs(cutout.width - scene.box.width) <= 6
    assert abs(cutout.height - scene.box.height) <= 6
    rim = (cutout.alpha > 0.2) & (cutout.alpha < 0.8)
    assert cutout.rgb[rim][:, 0].mean() > cutout.rgb[rim][:, 1].mean() + 90


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"centre": (192, 380)}, "cut_by_frame"),
        ({"axes": (20, 24)}, "too_small"),
    ],
)
def test_incomplete_and_tiny_objects_are_refused(build_scene, changes, reason):
    scene = build_scene(**changes)
    with pytest.raises(BadInputError) as caught:
        make_cutout(scene.image, scene.matte)
    assert caught.value.reason == reason


def test_soft_and_fragmented_mattes_are_refused(scene, build_matte):
    with pytest.raises(BadInputError, match="soft_matte"):
        make_cutout(scene.image, blur(scene.matte, 8))
    two = np.maximum(scene.matte, build_matte(scene.matte.shape, (60, 60), (40, 40)))
    with pytest.raises(BadInputError, match="fragmented"):
        make_cutout(scene.image, two)
    assert make_cutout(scene.image, two, scene.box).height < 160


def test_a_foot_behind_grass_is_refused(scene):
    matte = scene.matte.copy()
    matte[255:300, ::7] = 0
    matte[255:300, 1::7] = 0
    matte[255:300, 2::7] = 0
    with pytest.raises(BadInputError, match="foot_hidden"):
        make_cutout(scene.image, matte, scene.box)


def test_extract_is_pure_white_around_an_unmoved_object(scene):
    result = extract(scene.image, scene.matte, scene.box)
    assert (result.image[scene.matte == 0] == 255).all()
    assert result.facts["background_purity"] == 1
    solid = scene.matte >= 0.999
    assert (result.image[solid] == scene.image[solid]).all()


def test_extract_can_recentre(build_scene):
    scene = build_scene(centre=(120, 150))
    moved = extract(scene.image, scene.matte, recentre=True).image
    rows, columns = np.nonzero((moved < 250).any(2))
    assert abs(rows.mean() - 192) < 4
    assert abs(columns.mean() - 192) < 4


def test_white_on_white_is_refused(scene):
    image = np.full_like(scene.image, 90)
    image[scene.matte > 0.1] = 250
    with pytest.raises(BadInputError, match="white_on_white"):
        extract(image, scene.matte)
