import numpy as np
import pytest

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.cutout import make_cutout
from editloop.models.editors.procedural.placement import (
    Anchor,
    known_noun,
    may_stand,
    nouns,
    pixels_per_cm,
    placement_for_add,
    placement_for_replace,
)


@pytest.fixture
def cutout(scene):
    return make_cutout(scene.image, scene.matte, scene.box)


def test_the_table_is_plausible():
    assert len(nouns()) >= 120
    assert all(0 < noun.height_cm < 600 and 0 < noun.length_cm < 1300 for noun in nouns().values())
    assert known_noun("horse").height_cm > known_noun("dog").height_cm > known_noun("cat").height_cm
    assert may_stand("cow", "grass")
    assert not may_stand("cow", "table")
    with pytest.raises(BadInputError, match="unknown_noun"):
        known_noun("flumph")


def test_a_lying_dog_and_a_standing_dog_set_the_same_scale():
    standing = pixels_per_cm("dog", 85, 65)
    lying = pixels_per_cm("dog", 85, 30)
    assert standing == pytest.approx(lying)


def test_a_replacement_stands_on_the_same_line_at_true_size(scene, cutout):
    place = placement_for_replace(scene.matte, "cat", cutout, "rabbit")
    assert abs(place.baseline - scene.box.bottom) <= 2
    assert abs(place.x - 192) <= 2
    expected = pixels_per_cm("cat", 120, 140) / pixels_per_cm("rabbit", cutout.width, cutout.height)
    assert place.height_px == pytest.approx(expected * cutout.height, rel=0.03)


@pytest.mark.parametrize(
    ("removed", "noun", "reason"),
    [("bus", "cat", "size_mismatch"), ("cat", "bus", "size_mismatch")],
)
def test_unlike_sizes_are_refused(scene, cutout, removed, noun, reason):
    with pytest.raises(BadInputError) as caught:
        placement_for_replace(scene.matte, removed, cutout, noun)
    assert caught.value.reason == reason


def test_an_object_that_runs_out_of_the_frame_cannot_be_replaced(build_scene, cutout):
    cut = build_scene(centre=(192, 350))
    with pytest.raises(BadInputError, match="removed_cut_by_frame"):
        placement_for_replace(cut.matte, "cat", cutout, "rabbit")


def test_an_added_object_finds_free_ground_beside_the_anchor(scene, cutout):
    place = placement_for_add(
        scene.image, Anchor("cat", scene.box), cutout, "rabbit", rng=np.random.default_rng(0)
    )
    half = place.height_px * cutout.width / cutout.height / 2
    assert place.x + half < scene.box.left or place.x - half > scene.box.right
    assert half < place.x < 384 - half
    assert abs(place.baseline - scene.box.bottom) < 60


def test_further_down_means_larger(scene, cutout):
    places = [
        placement_for_add(
            scene.image, Anchor("cat", scene.box), cutout, "rabbit", rng=np.random.default_rng(seed)
        )
        for seed in range(20)
    ]
    places.sort(key=lambda place: place.baseline)
    heights = [place.height_px for place in places]
    assert heights == sorted(heights)
    assert heights[-1] > heights[0]


def test_other_ground_and_taken_ground_are_refused(scene, cutout):
    anchor = Anchor("cat", scene.box)
    lake = scene.image.copy()
    lake[:, :120], lake[:, 264:] = (30, 60, 160), (30, 60, 160)
    with pytest.raises(BadInputError, match="no_free_ground"):
        placement_for_add(lake, anchor, cutout, "rabbit", rng=np.random.default_rng(0))
    everywhere = scene.box.model_copy(update={"left": 0, "right": 384})
    with pytest.raises(BadInputError, match="no_free_ground"):
        placement_for_add(
            scene.image,
            anchor,
            cutout,
            "rabbit",
            rng=np.random.default_rng(0),
            occupied=(everywhere,),
        )


def test_an_anchor_that_runs_out_of_the_frame_gives_no_scale(scene, cutout):
    low = scene.box.model_copy(update={"bottom": 384})
    with pytest.raises(BadInputError, match="anchor_cut_by_frame"):
        placement_for_add(
            scene.image, Anchor("cat", low), cutout, "rabbit", rng=np.random.default_rng(0)
        )
