"""From planned slots and the finished edit to sentences: place and size come from where the edit really happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from editloop.core.errors import BadInputError
from editloop.core.seeds import derive_seed
from editloop.mine.instructions import (
    NOWHERE,
    PlaceWords,
    Round,
    Written,
    WrittenDialogue,
    describe_place,
    write_compose,
    write_dialogue,
    write_instruction,
)
from editloop.mine.instructions import Slots as WordSlots
from editloop.mine.plan.tasks import noun
from editloop.mine.scene import EditTask, PlannedTurn, Region, Slots
from editloop.records.record import Box
from editloop.records.taxonomy import EditType

VIEW_PHRASES: Mapping[str, str] = {
    "mountain": "a mountain landscape",
    "valley": "a green valley",
    "beach": "a sandy beach",
    "lake shore": "the shore of a lake",
    "coast": "a rocky coast",
}
"""How the landscapes of `stages.objects.VIEWS` are called in an instruction."""

PLACED = frozenset(
    {
        EditType.REMOVE,
        EditType.REPLACE,
        EditType.ADJUST,
        EditType.ADD,
        EditType.VISUAL,
        EditType.EXTRACT,
    }
)


def write_task(task: EditTask, boxes: Sequence[Box | None], run_seed: int) -> WrittenDialogue:
    """The instructions of all turns.

    Args:
        task: What was done.
        boxes: For each turn, where something new stands (pasted objects), else None.
        run_seed: With the task's id it draws the wordings.

    Raises:
        BadInputError: ``ambiguous_object``: no words tell the object from others of its kind.
    """
    seed = derive_seed(run_seed, "wording", task.id)
    turns = [
        [_round(task, turn, slots, box) for slots in turn.slots]
        for turn, box in zip(task.turns, boxes, strict=True)
    ]
    if task.kind.is_dialogue:
        return _dialogue(task, [rounds[0] for rounds in turns], seed)
    return WrittenDialogue("", tuple(_single(rounds, seed) for rounds in turns))


def write_inverse(task: EditTask, run_seed: int) -> Written:
    """The instruction of the reverse of a removal."""
    region = _region_of(task, task.turns[0])
    slots = WordSlots(object=region.label, place=_place(task, region.label, region.box))
    return write_instruction(EditType.ADD, slots, derive_seed(run_seed, "inverse wording", task.id))


def _single(rounds: Sequence[Round], seed: int) -> Written:
    if len(rounds) == 1:
        return write_instruction(rounds[0].edit_type, rounds[0].slots, seed)
    return write_compose(rounds[0], rounds[1], seed)


def _dialogue(task: EditTask, rounds: list[Round], seed: int) -> WrittenDialogue:
    if task.kind is EditType.CONTENT_MEMORY:
        from dataclasses import replace

        from editloop.models.editors.procedural.tone import TONES

        first = rounds[0]
        rounds[0] = Round(first.edit_type, replace(first.slots, style=TONES[task.premise].phrase))
    return write_dialogue(task.kind, rounds, seed)


def _round(task: EditTask, turn: PlannedTurn, slots: Slots, box: Box | None) -> Round:
    kind = slots.edit_type
    if kind is EditType.ADD:
        where = box or _region_of(task, turn).box
        words = WordSlots(object=slots.new_object, place=_place(task, slots.new_object, where))
        return Round(kind, words)
    place = NOWHERE
    if kind in PLACED:
        region = next(r for r in task.regions if noun(r) == slots.object and _uses(turn, r))
        place = _place(task, slots.object, region.box)
    look = VIEW_PHRASES.get(slots.look, slots.look)
    words = WordSlots(
        object=slots.object,
        place=place,
        new_object=slots.new_object,
        colour=slots.colour,
        material=slots.material,
        style=look if kind is EditType.STYLE else "",
        tone=look if kind is EditType.TONE else "",
        light=look if kind is EditType.RELIGHT else "",
        background=look if kind is EditType.BACKGROUND else "",
        detail=slots.detail,
    )
    return Round(kind, words)


def _uses(turn: PlannedTurn, region: Region) -> bool:
    return any(operation.region == region.key for operation in turn.operations)


def _region_of(task: EditTask, turn: PlannedTurn) -> Region:
    return next(r for r in task.regions if _uses(turn, r))


def _place(task: EditTask, label: str, box: Box) -> PlaceWords:
    others = [r.box for r in task.regions if r.label == label and r.box != box]
    place = describe_place(box, task.photo.image.width, task.photo.image.height, others)
    if not place.certain:
        raise BadInputError(
            "ambiguous_object", f"no words tell this {label} from {len(others)} others"
        )
    return place
