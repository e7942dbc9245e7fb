from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes
from editloop.world.oracle import overall_score, score_edit
from editloop.world.render import render
from editloop.world.scenes import Scene, SceneObject

SCENE = Scene(
    "meadow",
    (
        SceneObject("ball", "red", "left"),
        SceneObject("cup", "blue", "middle"),
        SceneObject("box", "yellow", "right"),
    ),
)
GREEN_BALL = Change(EditType.ADJUST, 0, "colour", "green")


def case_of(*changes: Change, source: Scene = SCENE) -> Case:
    target = apply_changes(source, changes)
    return Case("case", source, "words", changes, (target,), changes[0].edit_type)


def shown(*changes: Change, source: Scene = SCENE) -> np.ndarray:
    return render(apply_changes(source, changes))


CHANGES = {
    "colour": GREEN_BALL,
    "pattern": Change(EditType.ADJUST, 0, "pattern", "striped"),
    "size": Change(EditType.ADJUST, 2, "size", "big"),
    "remove": Change(EditType.REMOVE, 1),
    "replace": Change(EditType.REPLACE, 1, new_object=SceneObject("fish", "pink", "middle")),
    "jump": Change(EditType.ACTION, 1, "jumping", "true"),
    "background": Change(EditType.BACKGROUND, None, "background", "sea"),
    "style": Change(EditType.STYLE, None, "style", "sepia"),
    "tone": Change(EditType.TONE, None, "tone", "fog"),
    "light": Change(EditType.RELIGHT, None, "light", "left"),
    "focus": Change(EditType.BOKEH, 0, "focus"),
    "grain": Change(EditType.RESTORE, None, "wear", "noise"),
    "extract": Change(EditType.EXTRACT, 2),
}


@pytest.mark.parametrize(
    ("name", "size"), [*((name, 32) for name in CHANGES), ("colour", 80), ("tone", 48)]
)
def test_the_target_is_right_and_the_untouched_source_is_not(name: str, size: int) -> None:
    case = case_of(CHANGES[name])
    perfect = score_edit(case, render(case.target, size))
    assert perfect.right
    assert (perfect.instruction, perfect.quality) == (5.0, 5.0)
    assert perfect.overall >= 4.8
    assert perfect.text == "none"
    untouched = score_edit(case, render(case.source, size))
    assert (untouched.instruction, untouched.overall) == (1.0, 1.0)
    assert (untouched.preservation, untouched.failure) == (5.0, "no_op")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_instruction_axis_rises_all_the_way_from_source_to_target(change: Change) -> None:
    case = case_of(change)
    start, end = (render(scene).astype(float) for scene in (case.source, case.target))
    marks = [
        score_edit(case, np.rint(start + share * (end - start)).astype(np.uint8)).instruction
        for share in np.linspace(0, 1, 9)
    ]
    assert all(later >= earlier - 0.02 for earlier, later in pairwise(marks))
    assert marks[4] - marks[0] > 0.8
    assert max(np.diff(marks)) < 1.2


@pytest.mark.parametrize(
    ("asked", "made", "failure", "text"),
    [
        (GREEN_BALL, Change(EditType.ADJUST, 0, "colour", "pink"), "wrong_colour", "pink"),
        (GREEN_BALL, Change(EditType.ADJUST, 1, "colour", "green"), "wrong_object", "the cup"),
        (
            CHANGES["remove"],
            Change(EditType.REMOVE, 2),
            "wrong_object",
            "the box is gone and not the cup",
        ),
        (
            CHANGES["background"],
            Change(EditType.BACKGROUND, None, "background", "desert"),
            "wrong_background",
            "the background is desert and not sea",
        ),
        (
            CHANGES["style"],
            Change(EditType.STYLE, None, "style", "negative"),
            "wrong_style",
            "negative",
        ),
        (
            CHANGES["replace"],
            Change(EditType.REPLACE, 1, new_object=SceneObject("star", "pink", "middle")),
            "wrong_kind",
            "there is a star and not a pink fish",
        ),
        (
            GREEN_BALL,
            Change(EditType.REPLACE, 0, new_object=SceneObject("house", "green", "left")),
            "wrong_kind",
            "the ball turned into a house",
        ),
        (CHANGES["replace"], Change(EditType.REMOVE, 1), "not_added", "the cup is gone"),
        (CHANGES["extract"], Change(EditType.EXTRACT, 0), "wrong_object", "the ball was cut out"),
    ],
)
def test_what_was_done_instead_is_named(
    asked: Change, made: Change, failure: str, text: str
) -> None:
    score = score_edit(case_of(asked), shown(made))
    assert score.failure == failure
    assert text in score.text
    assert 1.0 < score.overall <= 2.1
    assert not score.right


def test_one_of_two_steps_is_half_done() -> None:
    case = case_of(GREEN_BALL, Change(EditType.REMOVE, 2))
    score = score_edit(case, shown(GREEN_BALL))
    assert (score.failure, score.text) == ("half_done", "the box is still there")
    assert 1.5 < score.overall < 3.0


def test_another_object_that_changed_too_is_an_over_edit() -> None:
    score = score_edit(
        case_of(GREEN_BALL), shown(GREEN_BALL, Change(EditType.ADJUST, 1, "colour", "green"))
    )
    assert (score.failure, score.text) == ("over_edit", "the cup also changed")
    assert score.instruction == 5.0
    assert score.overall <= 3.5


def test_any_accepted_result_is_right() -> None:
    twins = Scene("sea", (SceneObject("ball", "red", "left"), SceneObject("ball", "red", "right")))
    removals = [Change(EditType.REMOVE, index) for index in (0, 1)]
    targets = tuple(apply_changes(twins, (removal,)) for removal in removals)
    case = Case("twins", twins, "remove the ball", (removals[0],), targets, EditType.REMOVE)
    for target in targets:
        assert score_edit(case, render(target)).right
    assert score_edit(case, render(twins)).failure == "no_op"


def test_a_drawn_source_is_the_measure_of_preservation() -> None:
    case = case_of(GREEN_BALL)
    drawn = np.clip(render(case.source).astype(int) + np.array([14, -10, 8]), 0, 255)
    source = drawn.astype(np.uint8)
    edited = source.copy()
    changed = np.abs(render(case.target).astype(int) - render(case.source)).max(axis=-1) > 0
    edited[changed] = render(case.target)[changed]
    assert score_edit(case, edited, source).right
    assert score_edit(case, source, source).failure == "no_op"


@pytest.mark.parametrize(
    "picture",
    [np.zeros((16, 16, 3), np.uint8), np.zeros((32, 32, 3)), np.zeros((32, 32), np.uint8)],
)
def test_what_is_no_picture_is_refused(picture: np.ndarray) -> None:
    with pytest.raises(UsageError, match="picture"):
        score_edit(case_of(GREEN_BALL), picture)


def test_the_overall_score_is_capped_by_the_instruction_and_pulled_to_the_worst_axis() -> None:
    assert overall_score(1.0, 5.0, 5.0) == 1.0
    assert overall_score(5.0, 2.0, 5.0) == 3.0
    assert overall_score(5.0, 5.0, 5.0) == 5.0
