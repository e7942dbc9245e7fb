import numpy as np
import pytest

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural import harmonise, shadow
from editloop.models.editors.procedural.cutout import make_cutout
from editloop.models.editors.procedural.edges import dilate
from editloop.models.editors.procedural.paste import paste
from editloop.models.editors.procedural.pixels import blur
from editloop.models.editors.procedural.placement import Placement


@pytest.fixture
def cutout(scene):
    return make_cutout(scene.image, scene.matte, scene.box)


@pytest.fixture
def ground(build_ground):
    return build_ground((384, 384), (120, 118, 112), 7)


def test_the_object_stands_where_it_was_put(cutout, ground):
    result = paste(ground, cutout, Placement(150, 300, 100), seed=1)
    difference = result.image.astype(int)[..., 0] - result.image.astype(int)[..., 1]
    rows, columns = np.nonzero(difference > 60)
    assert abs(rows.max() - 300) <= 3
    assert abs(rows.min() - 200) <= 4
    assert abs(columns.mean() - 150) <= 3
    assert (result.image[~result.changed] == ground[~result.changed]).all()
    assert not result.changed[:150].any()


def test_the_same_seed_gives_the_same_bytes(cutout, ground):
    place = Placement(150, 300, 100)
    assert (
        paste(ground, cutout, place, seed=1).image == paste(ground, cutout, place, seed=1).image
    ).all()


def test_a_mirrored_object_is_mirrored(cutout, ground):
    left_red = cutout.rgb.copy()
    left_red[:, : cutout.width // 2] = (250, 250, 250)
    half = type(cutout)(left_red, cutout.alpha, cutout.facts)
    plain = paste(ground, half, Placement(190, 300, 100), seed=0).image
    turned = paste(ground, half, Placement(190, 300, 100, mirrored=True), seed=0).image
    assert plain[250, 160, 1] > plain[250, 220, 1] + 80
    assert turned[250, 220, 1] > turned[250, 160, 1] + 80


def test_the_ground_darkens_at_the_contact(cutout, ground):
    result = paste(ground, cutout, Placement(190, 300, 100), seed=1).image.astype(int)
    under = (slice(300, 304), slice(180, 200))
    away = (slice(300, 304), slice(20, 60))
    assert result[under].mean() < ground[under].mean() - 10
    assert (result[away] == ground[away]).all()


@pytest.mark.parametrize(
    ("placement", "reason"),
    [
        (Placement(150, 300, 250), "upscaled"),
        (Placement(20, 300, 100), "outside_frame"),
        (Placement(150, 384, 100), "no_ground"),
    ],
)
def test_impossible_placements_are_refused(cutout, ground, placement, reason):
    with pytest.raises(BadInputError) as caught:
        paste(ground, cutout, placement, seed=0)
    assert caught.value.reason == reason


def test_an_edge_below_the_foot_is_no_ground(cutout, ground):
    ground[:, 170:210] = (240, 180, 140)
    with pytest.raises(BadInputError, match="no_ground"):
        paste(ground, cutout, Placement(190, 300, 110), seed=0)


def test_a_nearly_black_place_is_refused(cutout, ground):
    with pytest.raises(BadInputError, match="too_dark"):
        paste(ground // 8, cutout, Placement(190, 300, 110), seed=0)


def test_a_camouflaged_object_is_refused(scene, build_ground):
    ground = build_ground((384, 384), (176, 36, 36), 3, 4.0)
    with pytest.raises(BadInputError, match="camouflaged"):
        paste(ground, make_cutout(scene.image, scene.matte), Placement(190, 300, 100), seed=0)


def test_grass_covers_the_foot_only_on_grass(scene, build_ground):
    lawn = build_ground((384, 384), (90, 140, 50), 5, 22.0)
    sunk = shadow.sunk_in_grass(scene.matte, lawn)
    assert sunk[285:290].sum() < 0.7 * scene.matte[285:290].sum()
    assert (sunk[:250] == scene.matte[:250]).all()
    assert shadow.sunk_in_grass(scene.matte, scene.clean) is scene.matte


def test_contact_shadow_stays_near_the_foot(scene):
    factor = shadow.contact_shadow(scene.matte, 0.5)
    assert factor[:240].min() > 0.97
    assert factor[288:294, 180:204].max() < 0.85
    assert factor.min() > 0.149


def test_harmonise_moves_part_of_the_way(scene):
    dark = np.full_like(scene.clean, 30)
    moved = harmonise.harmonise(scene.image, scene.matte, dark, scene.matte == 0)
    inside = scene.matte > 0.9
    before, after = scene.image[inside].mean(), moved[inside].mean()
    assert 30 < after < before - 3


def test_a_warm_light_warms_and_a_lawn_does_not_dye(scene):
    grey = np.full_like(scene.image, 128)
    warm = np.full_like(scene.image, 0) + np.array((150, 128, 110), np.uint8)
    lawn = np.full_like(scene.image, 0) + np.array((70, 140, 40), np.uint8)
    around, inside = scene.matte == 0, scene.matte > 0.9

    def blueness(scenery):
        moved = harmonise.harmonise(grey, scene.matte, scenery, around)[inside].astype(int)
        return (moved[:, 2] - moved[:, 0]).mean(), (moved[:, 1] - moved[:, 0]).mean()

    assert blueness(warm)[0] < -5
    assert abs(blueness(lawn)[1]) < 3


def test_sharpness_falls_with_blur_and_is_matched(build_ground):
    sharp = build_ground((200, 200), (120, 120, 120), 0, 20.0)
    soft = np.rint(blur(sharp.astype(np.float32), 2.0)).astype(np.uint8)
    everywhere = np.ones((200, 200), bool)
    target = harmonise.sharpness(soft, everywhere)
    assert target < 0.6 * harmonise.sharpness(sharp, everywhere)
    matte = np.zeros((200, 200), np.float32)
    matte[40:160, 40:160] = 1
    matched, _, sigma = harmonise.match_sharpness(sharp, matte, target)
    assert 0.8 < sigma < 2.5
    assert harmonise.sharpness(matched, dilate(matte > 0.5, 1)) < 1.5 * target


def test_grain_is_added_up_to_the_target():
    flat = np.full((200, 200, 3), 120, np.uint8)
    matte = np.ones((200, 200), np.float32)
    grainy = harmonise.match_grain(flat, matte, 1.5, np.random.default_rng(0))
    assert 0.8 < harmonise.grain(grainy, matte > 0) <= 1.6
    assert (harmonise.match_grain(grainy, matte, 0.7, np.random.default_rng(0)) == grainy).all()
