"""Planners of instructions with two operations, and of dialogues (ImgEdit, arXiv 2505.20275, types 10 to 13)."""

from __future__ import annotations

from editloop.mine.plan.candidates import is_object, pairs
from editloop.mine.plan.context import PlanContext
from editloop.mine.plan.single import (
    plan_background,
    plan_bokeh,
    plan_recolour,
    plan_remove,
    plan_replace,
    plan_tone,
)
from editloop.mine.plan.tasks import noun, subject_of, task
from editloop.mine.scene import EditTask, PlannedOperation, PlannedTurn, Region, Scene, Slots
from editloop.records.taxonomy import EditType

PREMISE_TONES = ("black_and_white", "sepia", "golden_hour", "faded_film", "teal_orange")
"""Tones that a content-memory dialogue may set for all its answers."""
COLOURLESS = frozenset({"black_and_white", "sepia"})
"""Tones after which a new colour would not be seen."""


def plan_compose(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Two operations in one instruction: on two objects where there are two, else on an object and the whole scene."""
    local = [
        *plan_recolour(scene, context),
        *plan_remove(scene, context),
        *plan_replace(scene, context),
    ]
    short_side = min(scene.photo.image.width, scene.photo.image.height)
    apart = {
        (pair.first.key, pair.second.key)
        for pair in pairs([r for r in scene.regions if is_object(r)], short_side)
    }
    tasks = [
        _composed(scene, first, second)
        for first in local
        for second in local
        if (_region(first), _region(second)) in apart
        and first.turns[0].operations[0].name != second.turns[0].operations[0].name
    ]
    whole = [
        *plan_background(scene, context),
        *plan_bokeh(scene, context),
        *plan_tone(scene, context),
    ]
    whole = [second for second in whole if _tone_of(second) not in COLOURLESS]
    kept = [first for first in local if first.turns[0].operations[0].name == "recolour"]
    tasks += [
        _composed(scene, first, second)
        for first in kept
        for second in context.ranked(whole, scene.id, key="id")
    ]
    return tasks[:3]


def _tone_of(single: EditTask) -> str:
    return str(single.turns[0].operations[0].parameters.get("tone", ""))


def _region(single: EditTask) -> str:
    return single.turns[0].operations[0].region


def _composed(scene: Scene, first: EditTask, second: EditTask) -> EditTask:
    a, b = first.turns[0], second.turns[0]
    turn = PlannedTurn(
        edit_type=EditType.COMPOSE,
        slots=(*a.slots, *b.slots),
        operations=(*a.operations, *b.operations),
        subjects=(*a.subjects, *b.subjects),
    )
    return task(scene, EditType.COMPOSE, (turn,))


def _put_back(region: Region) -> PlannedTurn:
    """Round one of a dialogue: the photograph's own object appears (the reverse of its removal)."""
    return PlannedTurn(
        edit_type=EditType.ADD,
        slots=(Slots(edit_type=EditType.ADD, new_object=noun(region)),),
        operations=(PlannedOperation(name="restore_original", region=region.key),),
        subjects=(subject_of(region),),
    )


def _on(single: EditTask, base_turn: int) -> PlannedTurn:
    return single.turns[0].model_copy(update={"base_turn": base_turn})


def plan_content_understanding(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Add -> adjust -> remove or replace; rounds two and three speak of the object as "it"."""
    tasks = []
    removals = {_region(t): t for t in plan_remove(scene, context)}
    replacements = {_region(t): t for t in plan_replace(scene, context)}
    for adjust in plan_recolour(scene, context):
        key = _region(adjust)
        endings = [t[key] for t in (removals, replacements) if key in t]
        if key not in removals:
            continue
        region = next(r for r in scene.regions if r.key == key)
        ending = context.ranked(endings, scene.id, "ending", key="id")[0]
        turns = (_put_back(region), _on(adjust, 1), _on(ending, 2))
        opening = (PlannedOperation(name="remove", region=key),)
        tasks.append(task(scene, EditType.CONTENT_UNDERSTANDING, turns, opening=opening))
    return tasks[:1]


def plan_version_backtracking(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Add -> replace -> take the replacement back and adjust the object of round one instead."""
    tasks = []
    removable = {_region(t) for t in plan_remove(scene, context)}
    replacements = {_region(t): t for t in reversed(plan_replace(scene, context))}
    for adjust in plan_recolour(scene, context):
        key = _region(adjust)
        if key not in removable or key not in replacements:
            continue
        region = next(r for r in scene.regions if r.key == key)
        turns = (_put_back(region), _on(replacements[key], 1), _on(adjust, 1))
        opening = (PlannedOperation(name="remove", region=key),)
        tasks.append(task(scene, EditType.VERSION_BACKTRACKING, turns, opening=opening))
    return tasks[:1]


def plan_content_memory(scene: Scene, context: PlanContext) -> list[EditTask]:
    """A premise (every answer in one tone), then two rounds that must keep it."""
    tones = [t for t in PREMISE_TONES if t in scene.tones]
    rounds = [
        *plan_recolour(scene, context),
        *plan_replace(scene, context),
        *plan_remove(scene, context),
    ]
    for tone in context.ranked(tones, scene.id, "premise"):
        fit = [t for t in rounds if tone not in COLOURLESS or t.kind is not EditType.ADJUST]
        chosen = _two_rounds(fit)
        if chosen:
            first, second = chosen
            turns = (_on(first, 0), _on(second, 1))
            return [task(scene, EditType.CONTENT_MEMORY, turns, premise=tone)]
    return []


def _two_rounds(candidates: list[EditTask]) -> tuple[EditTask, EditTask] | None:
    """Two edits of different objects, or an adjustment followed by a replacement or removal of the same one."""
    for first in candidates:
        for second in candidates:
            if _region(first) != _region(second):
                return first, second
    for first in candidates:
        for second in candidates:
            if first.kind is EditType.ADJUST and second.kind in {EditType.REPLACE, EditType.REMOVE}:
                return first, second
    for first in candidates:
        for second in candidates:
            if first.kind is EditType.REPLACE and second.kind is EditType.REMOVE:
                return first, second
    return None
