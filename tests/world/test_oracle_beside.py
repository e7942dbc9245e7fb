"""What is wrong beside the edit itself: bystanders, backdrops, casts, blur and damage; and pictures drawn from words."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes
from editloop.world.corruptors import FLAWS, corrupt
from editloop.world.oracle import (
    FAILURE_WORDS,
    FAILURES,
    OracleScore,
    depiction_score,
    depicts,
    score_edit,
)
from editloop.world.render import render
from editloop.world.scenes import Scene, SceneObject

SCENE = Scene(
    "beach",
    (
        SceneObject("ball", "red", "left"),
        SceneObject("cup", "blue", "middle"),
        SceneObject("house", "yellow", "right"),
    ),
)
GREEN_BALL = Change(EditType.ADJUST, 0, "colour", "green")
TARGET = apply_changes(SCENE, (GREEN_BALL,))
CASE = Case("case", SCENE, "make the ball green", (GREEN_BALL,), (TARGET,), EditType.ADJUST)


def scored(pixels: NDArray[np.floating]) -> OracleScore:
    return score_edit(CASE, np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def with_cup(**fields: object) -> Scene:
    ball, cup, house = TARGET.objects
    return replace(TARGET, objects=(ball, replace(cup, **fields), house))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scene", "failure", "text"),
    [
        (with_cup(kind="star"), "over_edit", "the cup also changed"),
        (with_cup(colour="orange"), "over_edit", "the cup also changed"),
        (
            apply_changes(TARGET, (Change(EditType.REMOVE, 2),)),
            "over_edit",
            "the house is gone too",
        ),
        (replace(TARGET, background="forest"), "over_edit", "the background also changed"),
        (with_cup(dx=0.045), "identity_drift", "the cup is not quite the same"),
        (with_cup(size="big"), "identity_drift", "the cup is not quite the same"),
    ],
)
def test_what_else_changed_is_named(scene: Scene, failure: str, text: str) -> None:
    score = score_edit(CASE, render(scene))
    assert (score.failure, score.text) == (failure, text)
    assert score.instruction > 4.5
    assert score.preservation <= 3.6
    assert score.overall < 4.3


def test_an_object_that_nobody_wanted_is_named() -> None:
    source = replace(SCENE, objects=SCENE.objects[:2])
    target = apply_changes(source, (GREEN_BALL,))
    case = replace(CASE, source=source, targets=(target,))
    stray = SceneObject("star", "pink", "right")
    score = score_edit(case, render(replace(target, objects=(*target.objects, stray))))
    assert (score.failure, score.text) == ("over_edit", "a pink star came that nobody wanted")


def test_the_edited_object_may_drift_too() -> None:
    ball = replace(TARGET.objects[0], dx=0.04)
    score = score_edit(CASE, render(replace(TARGET, objects=(ball, *TARGET.objects[1:]))))
    assert score.failure == "identity_drift"
    assert score.instruction > 3.5


def test_a_new_object_may_stand_a_little_aside() -> None:
    empty = replace(SCENE, objects=SCENE.objects[:2])
    added = Change(EditType.ADD, new_object=SceneObject("bell", "pink", "right"))
    target = apply_changes(empty, (added,))
    case = Case("add", empty, "add a pink bell", (added,), (target,), EditType.ADD)
    aside = replace(target.objects[2], dx=0.04)
    score = score_edit(case, render(replace(target, objects=(*target.objects[:2], aside))))
    assert score.right
    assert score.overall > 4.0


def test_a_cast_spoils_the_colours_but_not_the_edit() -> None:
    score = scored(render(TARGET) * np.array([1.2, 1.0, 0.75]) + np.array([5, 0, -6]))
    assert (score.failure, score.text) == ("colour_shift", "the colours of the picture are off")
    assert score.instruction > 4.0
    assert score.preservation < 3.5


def test_blur_costs_quality_and_leaves_the_edit_done() -> None:
    soft = Image.fromarray(render(TARGET)).filter(ImageFilter.GaussianBlur(1.0))
    score = scored(np.asarray(soft, float))
    assert score.failure == "blurred"
    assert score.instruction > 4.0
    assert score.quality < 2.0


def test_quality_falls_with_noise_and_a_little_of_it_is_forgiven() -> None:
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 1, (32, 32, 3))
    scores = [scored(render(TARGET) + strength * grain) for strength in (3, 8, 16, 32)]
    assert [score.right for score in scores] == [True, True, False, False]
    assert all(a.quality > b.quality for a, b in pairwise(scores))
    assert scores[2].failure == "artefacts"


def test_a_smeared_patch_is_an_artefact() -> None:
    picture = render(TARGET).astype(float)
    picture[14:26, 10:22] = picture[14:26, 10:22].mean(axis=0, keepdims=True)
    score = scored(picture)
    assert score.failure == "artefacts"
    assert score.quality < 4.0


@pytest.mark.parametrize("flaw", FLAWS)
def test_planted_flaws_cost_points_and_are_named_in_known_words(flaw: str) -> None:
    score = score_edit(CASE, corrupt(CASE, flaw, np.random.default_rng(1)))
    known = {*FAILURE_WORDS, "ball", "cup", "house", "red", "green", "blue", "yellow"}
    assert not score.right
    assert score.overall < 4.2
    assert score.failure in FAILURES
    assert set(score.text.split()) - known <= {"orange", "pink", "purple", "brown", "black"}


def test_a_picture_of_the_scene_depicts_it_wherever_in_their_places_things_stand() -> None:
    nudged = tuple(replace(thing, dx=0.025, dy=-0.05) for thing in SCENE.objects)
    assert depiction_score(SCENE, render(SCENE)) == pytest.approx(1.0)
    assert depicts(SCENE, render(replace(SCENE, objects=nudged)))


@pytest.mark.parametrize(
    "other",
    [
        replace(SCENE, background="city"),
        replace(SCENE, objects=SCENE.objects[1:]),
        replace(TARGET, objects=TARGET.objects),
        replace(SCENE, objects=(SceneObject("fish", "red", "left"), *SCENE.objects[1:])),
    ],
    ids=["background", "missing", "colour", "kind"],
)
def test_another_scene_is_not_depicted(other: Scene) -> None:
    assert not depicts(SCENE, render(other))
