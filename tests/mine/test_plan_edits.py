from __future__ import annotations

from collections import Counter

import pytest
from tests.mine.scenes import region, scene

from editloop.engine.stage import Dropped, Kept
from editloop.mine.plan.context import PlanContext
from editloop.mine.plan.multiple import (
    plan_compose,
    plan_content_memory,
    plan_content_understanding,
    plan_version_backtracking,
)
from editloop.mine.plan.single import plan_add, plan_replace, plan_visual
from editloop.mine.scene import EditTask, Scene
from editloop.mine.stages.plan_edits import PLANNERS, PlanConfig, PlanEdits
from editloop.records.record import Box
from editloop.records.taxonomy import EditType


class Seeded:
    """Just enough of a context for a stage that looks at no pixels."""

    run_seed = 7


def plan(*scenes: Scene, **config: object) -> list[Kept[EditTask] | Dropped]:
    stage = PlanEdits(PlanConfig.model_validate(config))
    stage.open(Seeded())  # type: ignore[arg-type]
    return list(stage.run(scenes))


def kinds(outcome: Kept[EditTask] | Dropped) -> Counter[EditType]:
    assert isinstance(outcome, Kept)
    return Counter(task.kind for task in outcome.records)


@pytest.fixture
def corpus() -> list[Scene]:
    bike = region("r0", "motorcycle")
    cat = region("r0", "cat", recolours=())
    dog = region("r0", "dog", recolours=(), box=Box(left=600, top=300, right=900, bottom=700))
    return [
        scene("a", region("r0", "car")),
        scene("b", bike),
        scene("c", cat),
        scene("d", dog),
        scene("e", view="beach"),
    ]


def test_every_type_has_planners_and_every_planner_gives_its_type(corpus: list[Scene]) -> None:
    context = PlanContext.of(corpus, 7)
    for kind, planners in PLANNERS.items():
        for planner in planners:
            for item in corpus:
                for task in planner(item, context):
                    assert task.kind == EditType(kind)


def test_a_scene_with_a_car_gets_local_global_and_dialogue_edits(corpus: list[Scene]) -> None:
    found = kinds(plan(*corpus)[0])
    assert {EditType.REMOVE, EditType.REPLACE, EditType.ADJUST, EditType.TONE} <= set(found)
    assert {EditType.CONTENT_UNDERSTANDING, EditType.VERSION_BACKTRACKING} <= set(found)


def test_replacements_come_from_other_photographs_of_the_same_category(corpus: list[Scene]) -> None:
    context = PlanContext.of(corpus, 7)
    donors = [t.turns[0].operations[0].donor for t in plan_replace(corpus[0], context)]
    assert [d.label for d in donors if d] == ["motorcycle"]
    assert all(d and d.photo_id != "a" for d in donors)


def test_nothing_is_added_that_is_already_there(corpus: list[Scene]) -> None:
    two = scene("f", region("r0", "cat", recolours=()), region("r1", "dog", recolours=()))
    assert plan_add(two, PlanContext.of([*corpus, two], 7)) == []


def test_visual_edits_carry_their_reference(corpus: list[Scene]) -> None:
    tasks = plan_visual(corpus[2], PlanContext.of(corpus, 7))
    assert tasks
    assert all(t.turns[0].with_reference and t.kind is EditType.VISUAL for t in tasks)


def test_compose_takes_two_objects_apart_or_an_object_and_the_scene(corpus: list[Scene]) -> None:
    far = region("r1", "dog", recolours=(), box=Box(left=700, top=300, right=950, bottom=600))
    both = scene("g", region("r0", "car"), far)
    for item in (both, corpus[0]):
        for task in plan_compose(item, PlanContext.of([*corpus, item], 7)):
            assert len(task.turns[0].slots) == 2
            assert len({o.name for o in task.turns[0].operations}) == 2


def test_backtracking_returns_to_the_turn_before_the_replacement(corpus: list[Scene]) -> None:
    (task,) = plan_version_backtracking(corpus[0], PlanContext.of(corpus, 7))
    assert [t.base_turn for t in task.turns] == [0, 1, 1]
    assert [t.edit_type for t in task.turns] == [EditType.ADD, EditType.REPLACE, EditType.ADJUST]


def test_understanding_goes_on_from_the_turn_before(corpus: list[Scene]) -> None:
    (task,) = plan_content_understanding(corpus[0], PlanContext.of(corpus, 7))
    assert [t.base_turn for t in task.turns] == [0, 1, 2]
    assert task.opening[0].name == "remove"


def test_a_colourless_premise_is_never_followed_by_a_recolouring(corpus: list[Scene]) -> None:
    grey = corpus[0].model_copy(update={"tones": ("sepia",)})
    for task in plan_content_memory(grey, PlanContext.of(corpus, 7)):
        assert EditType.ADJUST not in {t.edit_type for t in task.turns}


def test_one_more_photograph_leaves_most_tasks_as_they_were(corpus: list[Scene]) -> None:
    before = {t.id for o in plan(*corpus) if isinstance(o, Kept) for t in o.records}
    more = [*corpus, scene("z", region("r0", "horse", recolours=()))]
    after = {t.id for o in plan(*more) if isinstance(o, Kept) for t in o.records}
    assert len(before & after) >= 0.7 * len(before)


def test_a_scene_without_anything_is_a_counted_drop() -> None:
    (outcome,) = plan(scene("empty", tones=(), styles=()))
    assert isinstance(outcome, Dropped)
    assert outcome.reason == "nothing_to_edit"


def test_types_can_be_chosen(corpus: list[Scene]) -> None:
    assert set(kinds(plan(*corpus, types=("tone",))[0])) == {EditType.TONE}
