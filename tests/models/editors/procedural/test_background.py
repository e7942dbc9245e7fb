import numpy as np
import pytest

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.background import (
    cover,
    studio_backdrop,
    swap_background,
    swap_for_colour,
    swap_for_studio,
)
from editloop.models.editors.procedural.edges import blur, dilate


@pytest.fixture
def standing(build_scene):
    """The egg with its foot low in the frame."""
    return build_scene(centre=(192, 260), axes=(70, 80))


@pytest.fixture
def field(build_ground):
    return build_ground((500, 700), (140, 128, 100), 9)


def test_the_subject_stays_and_the_rest_is_new(standing, field):
    result = swap_background(standing.image, standing.matte, field, seed=1, noun="dog")
    outside = ~dilate(standing.matte > 0.01, 3)
    assert result.changed[outside].mean() > 0.95
    inside = standing.matte > 0.99
    change = np.abs(result.image[inside].astype(int) - standing.image[inside].astype(int))
    assert change.mean() < 15


@pytest.mark.parametrize("noun", [None, "mug", "house"])
def test_only_people_and_animals_stand_in_landscapes(standing, field, noun):
    with pytest.raises(BadInputError, match="scale_mismatch"):
        swap_background(standing.image, standing.matte, field, seed=1, noun=noun)


def test_a_portrait_needs_no_ground(build_scene, field):
    portrait = build_scene(centre=(192, 330), axes=(90, 110))
    result = swap_background(portrait.image, portrait.matte, field, seed=1)
    assert result.facts["area_frac"] > 0.1


def test_a_foot_half_in_the_picture_is_refused(standing, field):
    matte = standing.matte.copy()
    matte[330:, 188:196] = 1
    with pytest.raises(BadInputError, match="cut_by_frame"):
        swap_background(standing.image, matte, field, seed=1, noun="dog")


def test_light_and_ground_must_fit(standing, field):
    night = (field * 0.15).astype(np.uint8)
    with pytest.raises(BadInputError, match="light_mismatch"):
        swap_background(standing.image, standing.matte, night, seed=1, noun="dog")
    cliff = field.copy()
    cliff[:, :350] = (60, 70, 140)
    with pytest.raises(BadInputError, match="no_ground_at_foot"):
        swap_background(standing.image, standing.matte, cliff, seed=1, noun="dog")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"axes": (25, 30)}, "subject_size"),
        ({"centre": (60, 200), "axes": (90, 100)}, "cut_by_frame"),
    ],
)
def test_subjects_out_of_range_are_refused(build_scene, field, changes, reason):
    scene = build_scene(**changes)
    with pytest.raises(BadInputError) as caught:
        swap_background(scene.image, scene.matte, field, seed=1, noun="dog")
    assert caught.value.reason == reason


def test_soft_mattes_are_refused(standing):
    with pytest.raises(BadInputError, match="soft_matte"):
        swap_for_colour(standing.image, blur(standing.matte, 8), (200, 200, 200))


def test_a_studio_has_a_shadow_and_keeps_the_subject(standing):
    result = swap_for_studio(standing.image, standing.matte, (178, 196, 214), seed=4)
    foot = result.image[342:347, 180:204].mean()
    assert foot < result.image[342:347, 10:40].mean() - 8
    again = swap_for_studio(standing.image, standing.matte, (178, 196, 214), seed=4)
    assert (again.image == result.image).all()


def test_an_underexposed_subject_is_not_set_before_bright_paper(standing):
    night = (standing.image * 0.3).astype(np.uint8)
    with pytest.raises(BadInputError, match="underexposed"):
        swap_for_studio(night, standing.matte, (240, 238, 230), seed=4)


def test_the_backdrop_is_smooth_and_of_its_colour():
    paper = studio_backdrop((300, 400), (178, 196, 214), 240, np.random.default_rng(0)).astype(int)
    assert np.abs(np.diff(paper, axis=0)).max() <= 3
    assert np.abs(np.diff(paper, axis=1)).max() <= 3
    assert paper[..., 2].mean() > paper[..., 0].mean() + 20


def test_plain_colour_is_exact_outside(standing):
    result = swap_for_colour(standing.image, standing.matte, (12, 200, 77))
    assert (result.image[standing.matte == 0] == (12, 200, 77)).all()
    assert result.facts["background_purity"] == 1


def test_cover_fills_the_frame_and_refuses_thumbnails(field):
    assert cover(field, (384, 384)).shape == (384, 384, 3)
    with pytest.raises(BadInputError, match="background_too_small"):
        cover(field[:100, :100], (384, 384))
