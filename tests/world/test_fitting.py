"""Finding described scenes in pictures: where the objects stand, and whether they are what was said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from editloop.records.taxonomy import EditType
from editloop.world.cases import Case
from editloop.world.changes import apply_changes
from editloop.world.fitting import HOPELESS_ERROR, case_on, fit_scene
from editloop.world.oracle import score_edit
from editloop.world.render import render
from editloop.world.sampling import random_scene, sample_case, sample_scene
from editloop.world.scenes import Scene, SceneObject


def unplaced(scene: Scene) -> Scene:
    """The scene as words tell it."""
    return replace(scene, objects=tuple(replace(o, dx=0.0, dy=0.0) for o in scene.objects))


def occluded_scene() -> Scene:
    rng = np.random.default_rng(5)
    return next(s for s in iter(lambda: random_scene(rng), None) if len(s.objects) == 4)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_objects_are_found_where_they_stand(seed: int) -> None:
    scene = sample_scene(np.random.default_rng(seed))
    fitted = fit_scene(unplaced(scene), render(scene))
    assert fitted.depicts()
    for found, real in zip(fitted.scene.objects, scene.objects, strict=True):
        assert found.dx == pytest.approx(real.dx, abs=0.03)
        assert found.dy == pytest.approx(real.dy, abs=0.03)


def test_an_object_before_another_is_found_beside_it() -> None:
    scene = occluded_scene()
    fitted = fit_scene(unplaced(scene), render(scene))
    assert fitted.depicts()
    assert fitted.scene.objects[3].dx == pytest.approx(scene.objects[3].dx, abs=0.03)


def test_blur_and_grain_of_a_generator_are_forgiven() -> None:
    scene = sample_scene(np.random.default_rng(4))
    grain = np.random.default_rng(0).normal(0, 8, (32, 32, 3))
    noisy = np.clip(render(scene) + grain, 0, 255).astype(np.uint8)
    assert fit_scene(unplaced(scene), noisy).depicts()


def two_things() -> Scene:
    return Scene(
        "meadow", (SceneObject("ball", "red", "left"), SceneObject("house", "blue", "right"))
    )


@pytest.mark.parametrize(
    "wrong",
    [
        replace(two_things(), objects=two_things().objects[:1]),
        replace(
            two_things(),
            objects=(SceneObject("ball", "green", "left"), two_things().objects[1]),
        ),
        replace(
            two_things(),
            objects=(SceneObject("fish", "red", "left"), two_things().objects[1]),
        ),
        replace(two_things(), background="desert"),
    ],
    ids=["missing object", "other colour", "other kind", "other background"],
)
def test_what_is_not_as_described_is_seen(wrong: Scene) -> None:
    assert not fit_scene(two_things(), render(wrong)).depicts()


def test_a_grey_picture_is_hopeless_at_once() -> None:
    fitted = fit_scene(two_things(), np.full((32, 32, 3), 127, np.uint8))
    assert fitted.worst > HOPELESS_ERROR


def moved_case() -> tuple[Case, Scene]:
    rng = np.random.default_rng(9)
    case = sample_case(rng, EditType.REPLACE)
    thing = case.source.objects[0]
    shifted = replace(thing, dx=thing.dx + 0.02, dy=thing.dy - 0.03)
    return case, replace(case.source, objects=(shifted, *case.source.objects[1:]))


def test_a_moved_case_is_right_about_the_picture_it_was_moved_to() -> None:
    case, scene = moved_case()
    moved = case_on(case, scene)
    assert moved.source == scene
    assert moved.target == apply_changes(scene, moved.changes)
    assert moved.instruction == case.instruction
    assert moved.id != case.id
    assert score_edit(moved, render(moved.target), source=render(scene)).right


def test_a_replacement_stands_where_the_object_stood() -> None:
    case, scene = moved_case()
    index = case.changes[0].object_index or 0
    new = case_on(case, scene).changes[0].new_object
    assert new is not None
    assert (new.dx, new.dy) == (scene.objects[index].dx, scene.objects[index].dy)
