"""Small builders shared by the planners."""

from __future__ import annotations

from editloop.core.ids import content_id
from editloop.mine.scene import EditTask, PlannedOperation, PlannedTurn, Region, Scene
from editloop.records.record import Subject
from editloop.records.taxonomy import EditType

MAIN_SUBJECT = "main subject"
"""What a region without a certain name is called, where an instruction can do without one."""


def noun(region: Region) -> str:
    """The region's name in an instruction."""
    return region.label or MAIN_SUBJECT


def subject_of(region: Region) -> Subject:
    """The record's description of a region."""
    return Subject(
        label=noun(region),
        box=region.box,
        area_frac=min(1.0, region.mask_frac),
        score=region.score,
        similarity=region.similarity,
    )


def task(
    scene: Scene,
    kind: EditType,
    turns: tuple[PlannedTurn, ...],
    *,
    opening: tuple[PlannedOperation, ...] = (),
    premise: str = "",
    with_inverse: bool = False,
) -> EditTask:
    """A task with all regions of its scene, identified by its content."""
    identity = (
        [t.model_dump(mode="json") for t in turns],
        [o.model_dump(mode="json") for o in opening],
    )
    return EditTask(
        id=content_id("task", scene.id, kind.value, identity, premise),
        kind=kind,
        photo=scene.photo,
        regions=scene.regions,
        opening=opening,
        turns=turns,
        premise=premise,
        with_inverse=with_inverse,
        steps=(*scene.photo.steps, *scene.steps),
    )
