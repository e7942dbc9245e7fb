from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes, changes_between, edit_mask, inverse_changes
from editloop.world.render import render
from editloop.world.scenes import Scene, SceneObject

BALL = SceneObject("ball", "red", "left", dx=0.02)
CUP = SceneObject("cup", "blue", "middle", "small", "striped")
STAR = SceneObject("star", "green", "left", "small", dx=0.1, dy=0.09)
TREE = SceneObject("tree", "brown", "right")
SCENE = Scene("meadow", (BALL, CUP, STAR), wear_seed=7)


def case_of(source: Scene, *targets: Scene) -> Case:
    return Case("c", source, "words", (), targets, EditType.REMOVE)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(EditType.ADD, new_object=TREE), replace(SCENE, objects=(BALL, CUP, STAR, TREE))),
        (Change(EditType.REMOVE, 1), replace(SCENE, objects=(BALL, STAR))),
        (Change(EditType.REPLACE, 0, new_object=TREE), replace(SCENE, objects=(TREE, CUP, STAR))),
        (Change(EditType.VISUAL, 2, new_object=TREE), replace(SCENE, objects=(BALL, CUP, TREE))),
        (Change(EditType.VISUAL, new_object=TREE), replace(SCENE, objects=(BALL, CUP, STAR, TREE))),
        (
            Change(EditType.ADJUST, 0, "colour", "pink"),
            replace(SCENE, objects=(replace(BALL, colour="pink"), CUP, STAR)),
        ),
        (
            Change(EditType.ADJUST, 1, "pattern", "plain"),
            replace(SCENE, objects=(BALL, replace(CUP, pattern="plain"), STAR)),
        ),
        (
            Change(EditType.ADJUST, 1, "size", "big"),
            replace(SCENE, objects=(BALL, replace(CUP, size="big"), STAR)),
        ),
        (
            Change(EditType.ACTION, 0, "place", "right"),
            replace(SCENE, objects=(replace(BALL, place="right"), CUP, STAR)),
        ),
        (
            Change(EditType.ACTION, 2, "jumping", "true"),
            replace(SCENE, objects=(BALL, CUP, replace(STAR, jumping=True))),
        ),
        (Change(EditType.BACKGROUND, None, "background", "sea"), replace(SCENE, background="sea")),
        (Change(EditType.STYLE, None, "style", "sepia"), replace(SCENE, style="sepia")),
        (Change(EditType.TONE, None, "tone", "fog"), replace(SCENE, tone="fog")),
        (Change(EditType.RELIGHT, None, "light", "above"), replace(SCENE, light="above")),
        (Change(EditType.RESTORE, None, "wear", "noise"), replace(SCENE, wear="noise")),
        (Change(EditType.BOKEH, 1, "focus"), replace(SCENE, focus=1)),
    ],
    ids=lambda value: f"{value.edit_type}-{value.attribute}" if isinstance(value, Change) else None,
)
def test_a_change_does_what_it_says_and_nothing_else(change: Change, expected: Scene) -> None:
    assert apply_changes(SCENE, (change,)) == expected
    assert apply_changes(expected, inverse_changes(SCENE, (change,))) == SCENE


def test_extracting_leaves_the_object_alone_on_clean_paper() -> None:
    worn = replace(SCENE, tone="dusk", wear="noise", style="poster", light="left")
    extracted = apply_changes(worn, (Change(EditType.EXTRACT, 1),))
    assert extracted == Scene("paper", (CUP,), wear_seed=7)
    assert apply_changes(extracted, inverse_changes(worn, (Change(EditType.EXTRACT, 1),))) == worn


def test_indices_count_the_objects_of_the_source_whatever_went_before() -> None:
    changes = (Change(EditType.REMOVE, 0), Change(EditType.ADJUST, 2, "colour", "white"))
    assert apply_changes(SCENE, changes).objects == (CUP, replace(STAR, colour="white"))


def test_a_removed_object_returns_between_the_others() -> None:
    changes = (Change(EditType.REMOVE, 1), Change(EditType.REMOVE, 0))
    inverse = inverse_changes(SCENE, changes)
    assert [change.attribute for change in inverse] == ["depth", "depth"]
    assert apply_changes(apply_changes(SCENE, changes), inverse) == SCENE


def test_focus_follows_its_object() -> None:
    focused = replace(SCENE, focus=2)
    assert apply_changes(focused, (Change(EditType.REMOVE, 0),)).focus == 1
    assert apply_changes(focused, (Change(EditType.REMOVE, 2),)).focus is None


def test_no_change_focuses_on_an_object_that_is_gone() -> None:
    with pytest.raises(UsageError, match="focus"):
        inverse_changes(replace(SCENE, focus=2), (Change(EditType.REMOVE, 2),))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change(EditType.REMOVE, 3), "object 3"),
        (Change(EditType.ADD), "new_object"),
        (Change(EditType.ADJUST, 0, "colour", "mauve"), "mauve"),
        (Change(EditType.ADJUST, 0, "colour"), "new value"),
        (Change(EditType.ADJUST, 0, "place", "right"), "cannot change 'place'"),
        (Change(EditType.STYLE, None, "tone", "fog"), "cannot change 'tone'"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(change: Change, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        apply_changes(SCENE, (change,))


def test_every_sampled_case_is_undone_exactly(every_type: tuple[Case, ...]) -> None:
    for case in every_type:
        assert apply_changes(case.source, case.changes) == case.target
        inverse = inverse_changes(case.source, case.changes)
        assert apply_changes(case.target, inverse) == case.source


def test_two_versions_of_one_scene_lead_to_each_other(every_type: tuple[Case, ...]) -> None:
    second = (Change(EditType.ADD, new_object=TREE), Change(EditType.TONE, None, "tone", "fog"))
    for case in every_type:
        between = changes_between(case.source, case.changes, second)
        assert apply_changes(case.target, between) == apply_changes(case.source, second)


def test_nothing_moves_outside_the_mask(every_type: tuple[Case, ...]) -> None:
    local = [case for case in every_type if case.edit_type.is_local][::4]
    for case in local:
        mask = edit_mask(case)
        differs = (render(case.source) != render(case.target)).any(axis=-1)
        assert not (differs & ~mask).any(), case
        assert differs.any(), case
        assert mask.mean() < 0.75, case


@pytest.mark.parametrize("size", [32, 96])
def test_the_mask_covers_old_and_new_footprint_at_any_size(size: int) -> None:
    moved = apply_changes(SCENE, (Change(EditType.ACTION, 1, "place", "right"),))
    mask = edit_mask(case_of(SCENE, moved), size)
    assert mask.shape == (size, size)
    row = round(0.62 * size)
    assert mask[row, round(0.5 * size)]
    assert mask[row, round(0.8 * size)]
    assert not mask[row, round(0.05 * size)]
    assert not mask[: size // 4].any()


def test_the_mask_of_an_ambiguous_case_covers_every_meaning() -> None:
    twins = Scene("sea", (BALL, replace(BALL, place="right", colour="blue")))
    both = edit_mask(
        case_of(*[twins, *(apply_changes(twins, (Change(EditType.REMOVE, i),)) for i in (0, 1))])
    )
    alone = edit_mask(case_of(twins, apply_changes(twins, (Change(EditType.REMOVE, 0),))))
    assert alone.sum() < both.sum()
    assert (both | alone == both).all()


def test_a_whole_picture_edit_may_change_every_pixel() -> None:
    assert edit_mask(case_of(SCENE, replace(SCENE, style="sepia"))).all()
    assert edit_mask(case_of(SCENE, replace(SCENE, background="sea"))).all()
    assert edit_mask(case_of(SCENE, replace(SCENE, focus=0))).all()
    assert not np.any(edit_mask(case_of(SCENE, SCENE)))
