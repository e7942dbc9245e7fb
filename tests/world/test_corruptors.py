"""Every flaw that a case can show is there, is visible, and is the flaw it is called by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from editloop.core.errors import UnknownNameError, UsageError
from editloop.core.seeds import generator
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes
from editloop.world.corruptors import FLAWS, applicable_flaws, corrupt, visibly_different
from editloop.world.misedits import (
    on_wrong_objects,
    over_edits,
    untouched_objects,
    with_wrong_attributes,
)
from editloop.world.render import object_mask, render
from editloop.world.scenes import Scene, SceneObject

CAR = SceneObject("car", "red", "left")
TREE = SceneObject("tree", "green", "middle", "big")
CUP = SceneObject("cup", "yellow", "right", "small")
STREET = Scene("meadow", (CAR, TREE, CUP))
POND = Scene("beach", (SceneObject("fish", "blue", "middle"),))


def asked(source, *changes):
    return Case(
        "case", source, "do it", changes, (apply_changes(source, changes),), changes[0].edit_type
    )


CASES = {
    "recolour": asked(STREET, Change(EditType.ADJUST, 0, "colour", "blue")),
    "remove": asked(STREET, Change(EditType.REMOVE, 2)),
    "replace": asked(
        STREET, Change(EditType.REPLACE, 1, new_object=SceneObject("bell", "orange", "middle"))
    ),
    "jump": asked(STREET, Change(EditType.ACTION, 0, "jumping", "true")),
    "add": asked(POND, Change(EditType.ADD, new_object=SceneObject("star", "purple", "left"))),
    "visual": asked(
        POND, Change(EditType.VISUAL, 0, new_object=SceneObject("kite", "red", "middle"))
    ),
    "extract": asked(STREET, Change(EditType.EXTRACT, 1)),
    "background": asked(STREET, Change(EditType.BACKGROUND, None, "background", "city")),
    "style": asked(STREET, Change(EditType.STYLE, None, "style", "black and white")),
    "tone": asked(STREET, Change(EditType.TONE, None, "tone", "midnight")),
    "relight": asked(STREET, Change(EditType.RELIGHT, None, "light", "left")),
    "bokeh": asked(STREET, Change(EditType.BOKEH, 1, "focus")),
    "restore": asked(replace(STREET, wear="noise"), Change(EditType.RESTORE, None, "wear", None)),
    "compose": asked(
        STREET, Change(EditType.REMOVE, 0), Change(EditType.ADJUST, 1, "pattern", "dotted")
    ),
}
WHOLE_PICTURE = {"background", "style", "tone", "relight", "restore"}
each_case = pytest.mark.parametrize("name", CASES)


@each_case
def test_only_an_edit_of_the_whole_picture_has_no_wrong_object(name):
    possible = applicable_flaws(CASES[name])
    missing = {"wrong_object"} if name in WHOLE_PICTURE else set()
    assert set(FLAWS) - set(possible) == missing


@each_case
def test_a_flaw_is_visible_and_a_function_of_the_generator(name):
    case = CASES[name]
    target = render(case.target)
    for flaw in applicable_flaws(case):
        pictures = [corrupt(case, flaw, generator(seed, flaw)) for seed in (1, 1, 2, 3, 4)]
        assert all(visibly_different(picture, target) for picture in pictures), flaw
        np.testing.assert_array_equal(pictures[0], pictures[1])
        assert pictures[0].shape == (32, 32, 3)
        assert pictures[0].dtype == np.uint8


@each_case
def test_no_op_is_the_source(name):
    case = CASES[name]
    np.testing.assert_array_equal(corrupt(case, "no_op", generator(0)), render(case.source))


def test_only_one_of_several_right_results_is_enough_to_clear_a_picture():
    """Two balls stand there and "remove the ball" was said: removing either is right, so neither is a wrong object."""
    twins = Scene("sea", (SceneObject("ball", "red", "left"), SceneObject("ball", "red", "right")))
    changes = [(Change(EditType.REMOVE, index),) for index in (0, 1)]
    targets = tuple(apply_changes(twins, change) for change in changes)
    case = Case("twins", twins, "remove the ball", changes[0], targets, EditType.REMOVE)
    assert "wrong_object" not in applicable_flaws(case)
    assert "wrong_object" in applicable_flaws(replace(case, targets=targets[:1]))
    for seed in range(10):
        picture = corrupt(case, "over_edit", generator(seed))
        assert all(visibly_different(picture, render(target)) for target in targets)


def test_the_wrong_object_is_edited_and_the_right_one_is_not():
    for wrong in on_wrong_objects(CASES["recolour"], generator(0)):
        result = wrong.result()
        assert result.objects[0] == CAR
        assert sum(thing.colour == "blue" for thing in result.objects) == 1


def test_a_lone_object_stays_and_a_stray_one_takes_the_edit():
    case = asked(POND, Change(EditType.ADJUST, 0, "colour", "pink"))
    results = [wrong.result() for wrong in on_wrong_objects(case, generator(0))]
    assert {scene.objects[0] for scene in results} == {POND.objects[0]}
    assert {(scene.objects[1].kind, scene.objects[1].colour) for scene in results} == {
        ("fish", "pink")
    }


def test_a_wrong_attribute_is_neither_the_asked_nor_the_old_one():
    colours = {
        wrong.result().objects[0].colour
        for wrong in with_wrong_attributes(CASES["recolour"], generator(0))
    }
    assert not colours & {"red", "blue"}
    assert len(colours) == 8
    for wrong in with_wrong_attributes(CASES["recolour"], generator(0)):
        assert wrong.result().objects[1:] == (TREE, CUP)


def test_an_over_edit_holds_the_right_edit_and_more():
    case = CASES["recolour"]
    for wrong in over_edits(case, case.target, generator(0)):
        result = wrong.result()
        assert result != case.target
        assert replace(CAR, colour="blue") in result.objects


def test_drift_moves_bystanders_and_spares_the_edited_object():
    case = CASES["jump"]
    assert untouched_objects(case, case.target) == [1, 2]
    target = render(case.target).astype(int)
    jumper = object_mask(case.target, 0)
    for seed in range(5):
        drifted = corrupt(case, "identity_drift", generator(seed)).astype(int)
        np.testing.assert_array_equal(drifted[jumper], target[jumper])


def test_artefacts_are_local_and_blur_and_cast_are_everywhere():
    case = CASES["recolour"]
    target = render(case.target).astype(int)
    for seed in range(5):
        marred = corrupt(case, "artefacts", generator(seed)).astype(int)
        assert np.mean((marred != target).any(axis=-1)) < 0.6
    soft = corrupt(case, "blur", generator(0)).astype(int)
    assert np.abs(np.diff(soft, axis=1)).mean() < 0.7 * np.abs(np.diff(target, axis=1)).mean()
    cast = corrupt(case, "colour_shift", generator(0)).astype(int)
    assert np.mean((cast != target).any(axis=-1)) > 0.95


def test_a_flaw_that_makes_no_sense_is_refused_with_those_that_do():
    with pytest.raises(UsageError, match="cannot show the flaw 'wrong_object'; it can show: no_op"):
        corrupt(CASES["tone"], "wrong_object", generator(0))
    with pytest.raises(UnknownNameError, match="did you mean 'artefacts'"):
        corrupt(CASES["tone"], "artifacts", generator(0))
    hidden = Scene("city", (SceneObject("ball", "red", "left", "small"), replace(CAR, kind="box")))
    case = asked(hidden, Change(EditType.ADJUST, 0, "colour", "blue"))
    assert "no_op" not in applicable_flaws(case)


def test_a_larger_picture_shows_the_flaw_too():
    picture = corrupt(CASES["extract"], "wrong_attribute", generator(0), 64)
    assert picture.shape == (64, 64, 3)
    assert visibly_different(picture, render(CASES["extract"].target, 64))
