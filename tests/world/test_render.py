"""A picture is a function of its scene, looks the same at every size, and tells everything in the vocabularies apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from editloop.core.errors import UsageError
from editloop.world.render import object_alpha, object_mask, render
from editloop.world.render.palette import COLOUR_RGB
from editloop.world.scenes import (
    PLACE_X,
    Background,
    Colour,
    Kind,
    Light,
    Pattern,
    Scene,
    SceneObject,
    Size,
    Style,
    Tone,
    Wear,
)

CAR = SceneObject("car", "red", "left")
TREE = SceneObject("tree", "green", "middle", "big")
CUP = SceneObject("cup", "yellow", "right", "small")
STREET = Scene("meadow", (CAR, TREE, CUP))
LOOKS = {
    **{f"style {style}": replace(STREET, style=style) for style in get_args(Style)},
    **{f"tone {tone}": replace(STREET, tone=tone) for tone in get_args(Tone)},
    **{f"light {light}": replace(STREET, light=light) for light in get_args(Light)},
    **{f"wear {wear}": replace(STREET, wear=wear) for wear in get_args(Wear)},
    "focus": replace(STREET, focus=1),
}


def alone(kind, colour="red", background="paper", **fields):
    return Scene(background, (SceneObject(kind, colour, "middle", **fields),))


def distance(first, second, size=32):
    return float(np.abs(render(first, size).astype(float) - render(second, size)).mean())


def reduced(pixels, factor):
    return np.asarray(Image.fromarray(pixels).reduce(factor)).astype(float)


@pytest.mark.parametrize("scene", [STREET, *LOOKS.values()], ids=["plain", *LOOKS])
def test_a_picture_is_a_function_of_its_scene(scene):
    first = render(scene)
    assert first.shape == (32, 32, 3)
    assert first.dtype == np.uint8
    first[:] = 0  # what a caller does to its picture stays there
    assert render(scene).any()
    np.testing.assert_array_equal(render(scene), render(scene))


@pytest.mark.parametrize("scene", [STREET, *LOOKS.values()], ids=["plain", *LOOKS])
def test_a_picture_of_twice_the_size_shrinks_to_the_small_one(scene):
    difference = np.abs(reduced(render(scene, 64), 2) - render(scene, 32))
    # Tracing an outline at another resolution moves single pixels; the picture stays the same.
    assert difference.mean() < (6 if scene.style == "poster" else 3)


@pytest.mark.parametrize("size_name", get_args(Size))
def test_every_two_kinds_can_be_told_apart(size_name):
    scenes = [alone(kind, size=size_name) for kind in get_args(Kind)]
    area = np.mean([object_mask(scene, 0).sum() for scene in scenes])
    for first, second in combinations(scenes, 2):
        step = np.abs(render(first).astype(int) - render(second)).max(axis=-1)
        differing = int((step > 40).sum())
        assert differing > 0.2 * area, (first.objects[0].kind, second.objects[0].kind)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_two_colours_and_patterns_can_be_told_apart_on_every_kind(kind):
    visible = object_mask(alone(kind), 0)
    for colours in combinations(get_args(Colour), 2):
        first, second = (render(alone(kind, colour)).astype(float) for colour in colours)
        assert np.abs(first - second)[visible].max(axis=-1).mean() > 20, colours
    for patterns in combinations(get_args(Pattern), 2):
        first, second = (render(alone(kind, pattern=p)).astype(float) for p in patterns)
        assert np.abs(first - second)[visible].mean() > 8, patterns


def test_every_object_stands_out_from_every_background():
    for background in get_args(Background):
        for colour in get_args(Colour):
            scene = alone("house", colour, background)
            bare = render(replace(scene, objects=())).astype(int)
            step = np.abs(render(scene) - bare).max(axis=-1)[object_alpha(scene, 0) > 0.3]
            assert np.mean(step > 24) > 0.6, (background, colour)


def test_every_two_backgrounds_are_far_apart_and_paper_is_white():
    for first, second in combinations(get_args(Background), 2):
        assert distance(Scene(first, ()), Scene(second, ())) > 25, (first, second)
    assert (render(Scene("paper", ())) == 255).all()


def test_every_two_looks_can_be_told_apart():
    for (name, first), (other_name, second) in combinations(LOOKS.items(), 2):
        assert distance(first, second) > 4, (name, other_name)
    for name, scene in LOOKS.items():
        assert distance(STREET, scene) > 4, name


@pytest.mark.parametrize("colour", get_args(Colour))
def test_the_middle_of_a_ball_has_its_colour(colour):
    pixels = render(alone("ball", colour, size="big"))
    assert np.abs(pixels[20, 17].astype(int) - COLOUR_RGB[colour]).max() <= 2


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_object_is_where_and_as_large_as_its_scene_says(kind):
    areas = []
    for size_name in get_args(Size):
        scene = Scene("sea", (SceneObject(kind, "pink", "right", size_name),))
        mask = object_mask(scene, 0, 64)
        rows, columns = np.nonzero(mask)
        radius = scene.objects[0].radius * 64
        assert abs(columns.mean() - PLACE_X["right"] * 64) < 0.35 * radius
        assert np.ptp(columns) + 1 < 2.5 * radius
        assert 1.2 * radius < np.ptp(rows) + 1 < 2.8 * radius
        areas.append(mask.sum())
    assert all(larger > 1.3 * smaller for smaller, larger in pairwise(areas))


def test_later_objects_hide_earlier_ones():
    box, ball = SceneObject("box", "blue", "middle"), SceneObject("ball", "red", "middle", "small")
    behind, before = Scene("city", (box, ball)), Scene("city", (ball, box))
    hole = object_mask(behind, 0)
    assert not (hole & object_mask(behind, 1)).any()
    assert hole.sum() < object_mask(Scene("city", (box,)), 0).sum()
    assert object_mask(before, 0).sum() == 0
    np.testing.assert_array_equal(object_mask(before, 1), object_mask(Scene("city", (box,)), 0))


def test_alpha_is_exactly_where_the_object_changes_pixels():
    bare = render(replace(STREET, objects=(TREE, CUP)))
    touched = (render(STREET) != bare).any(axis=-1)
    alpha = object_alpha(STREET, 0)
    assert alpha.min() >= 0
    assert alpha.max() == 1
    assert not touched[alpha == 0].any()
    assert touched[alpha > 0.3].all()


def test_an_object_half_outside_the_picture_is_cut_and_one_far_outside_is_gone():
    edge = Scene("beach", (replace(CAR, dx=-0.2),))
    whole = object_mask(Scene("beach", (CAR,)), 0).sum()
    assert 0 < object_mask(edge, 0).sum() < 0.7 * whole
    far = Scene("beach", (replace(CAR, dx=-3.0, dy=2.0),))
    assert not object_mask(far, 0).any()
    np.testing.assert_array_equal(render(far), render(Scene("beach", ())))


def test_bokeh_leaves_the_object_as_it_was_and_blurs_the_rest():
    sharp, bokeh = render(STREET).astype(int), render(replace(STREET, focus=1)).astype(int)
    inside = object_alpha(STREET, 1) == 1
    np.testing.assert_array_equal(sharp[inside], bokeh[inside])
    others = object_mask(STREET, 0) | object_mask(STREET, 2)
    assert np.abs(sharp - bokeh)[others].mean() > 30


def test_a_lamp_leaves_the_far_side_in_shade():
    for light, near, far in (
        ("left", np.s_[:, :8], np.s_[:, -8:]),
        ("right", np.s_[:, -8:], np.s_[:, :8]),
        ("above", np.s_[:8], np.s_[-8:]),
    ):
        gain = render(replace(STREET, light=light)).mean(-1) / (render(STREET).mean(-1) + 1)
        assert gain[near].mean() > 2 * gain[far].mean()


def test_looks_fall_on_the_picture_in_the_order_of_the_scene():
    both = render(replace(STREET, tone="dusk", style="negative")).astype(int)
    dusk = render(replace(STREET, tone="dusk")).astype(int)
    np.testing.assert_allclose(both, 255 - dusk, atol=1)
    grey = render(replace(STREET, light="left", style="black and white"))
    assert np.ptp(grey, axis=-1).max() == 0
    noisy = render(replace(STREET, style="black and white", wear="noise"))
    assert np.ptp(noisy, axis=-1).max() > 0


def test_grain_follows_its_seed():
    first, second = (replace(STREET, wear="noise", wear_seed=seed) for seed in (1, 2))
    assert distance(first, second) > 15
    plain = replace(STREET, wear_seed=2)
    np.testing.assert_array_equal(render(plain), render(STREET))


@pytest.mark.parametrize("size", [16, 33, 100, 256])
def test_any_size_can_be_drawn(size):
    scene = replace(STREET, focus=0, light="above", tone="fog", wear="blocks")
    assert render(scene, size).shape == (size, size, 3)
    share = object_mask(STREET, 1, size).mean()
    assert share == pytest.approx(object_mask(STREET, 1, 256).mean(), rel=0.25)


def test_mistakes_are_named():
    with pytest.raises(UsageError, match="at least 16"):
        render(STREET, 8)
    with pytest.raises(UsageError, match="object 3 of a scene that holds 3"):
        object_mask(STREET, 3)
    with pytest.raises(UsageError, match="object 5 of a scene that holds 3"):
        render(replace(STREET, focus=5))
