"""Planners of single-turn edits: one function an edit type, each `(scene, context) -> tasks, best first`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from editloop.mine.plan.candidates import (
    alone,
    is_object,
    is_recolourable,
    is_subject,
    removable,
)
from editloop.mine.plan.context import PlanContext
from editloop.mine.plan.tasks import noun, subject_of, task
from editloop.mine.scene import Donor, EditTask, PlannedOperation, PlannedTurn, Region, Scene, Slots
from editloop.records.taxonomy import EditType

Planner: TypeAlias = Callable[[Scene, PlanContext], list[EditTask]]


_METALS = frozenset({"gold", "silver", "bronze"})
MATERIALS_BY_CATEGORY: dict[str, frozenset[str]] = {
    "household": _METALS | {"wood", "marble"},
    "furniture": _METALS | {"wood", "marble"},
    "toy": _METALS | {"wood", "marble", "denim"},
    "instrument": _METALS | {"wood"},
    "vehicle": _METALS | {"wood"},
    "bag": frozenset({"denim"}) | _METALS,
    "clothing": frozenset({"denim"}) | _METALS,
    "street": _METALS | {"wood"},
}
"""What things of a category may plausibly, or at least pleasingly, be made of; other categories keep their material."""


GOES_WITH: dict[str, set[str]] = {
    "animal": {"animal", "person", "vehicle", "furniture"},
    "person": {"animal", "person", "vehicle", "furniture"},
    "vehicle": {"vehicle", "person", "building", "street"},
    "toy": {"toy", "furniture", "bag", "clothing", "household"},
    "household": {"household", "food", "furniture"},
    "food": {"household", "food"},
    "bag": {"bag", "clothing", "furniture", "person", "toy"},
    "clothing": {"clothing", "bag", "furniture", "toy"},
}
"""What an added thing may plausibly stand beside."""


_SMALL_THINGS = {"toy", "bag", "clothing", "household"}
REPLACEABLE_BY: dict[str, set[str]] = dict.fromkeys(_SMALL_THINGS, _SMALL_THINGS)
"""What may stand where a thing of a category stood; other categories keep to themselves."""


def single(
    scene: Scene, region: Region | None, slots: Slots, operation: PlannedOperation
) -> EditTask:
    """A task of one turn with one operation."""
    turn = PlannedTurn(
        edit_type=slots.edit_type,
        slots=(slots,),
        operations=(operation,),
        subjects=(subject_of(region),) if region else (),
    )
    return task(scene, slots.edit_type, (turn,))


def _nameable(scene: Scene, regions: Sequence[Region]) -> list[Region]:
    return [r for r in regions if is_object(r) and alone(r, scene)]


def plan_remove(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Remove an object; the reverse triplet is an `add` with a perfectly real target."""
    tasks = []
    for region in removable(scene):
        turn = PlannedTurn(
            edit_type=EditType.REMOVE,
            slots=(Slots(edit_type=EditType.REMOVE, object=noun(region)),),
            operations=(PlannedOperation(name="remove", region=region.key),),
            subjects=(subject_of(region),),
        )
        tasks.append(task(scene, EditType.REMOVE, (turn,), with_inverse=True))
    return tasks


def plan_replace(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Replace an object by a cut-out of another kind from another photograph."""
    tasks = []
    for region in removable(scene):
        for donor in fitting_donors(scene, region, context)[:2]:
            slots = Slots(edit_type=EditType.REPLACE, object=noun(region), new_object=donor.label)
            operation = PlannedOperation(name="replace", region=region.key, donor=donor)
            tasks.append(single(scene, region, slots, operation))
    return tasks


def fitting_donors(scene: Scene, region: Region, context: PlanContext) -> list[Donor]:
    """Cut-outs that may stand where `region` stands: of a kindred category, about the same size, never the same noun."""
    from editloop.mine.plan.sizes import fits_in_place_of

    return [
        donor
        for donor in context.others(scene, "donor", region.key)
        if donor.label != region.label
        and donor.category in REPLACEABLE_BY.get(region.category, {region.category})
        and fits_in_place_of(donor, region, scene)
    ]


def plan_add(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Add a cut-out beside what is there; where it stands is decided on the pixels."""
    from editloop.mine.plan.sizes import fits_beside

    present = {r.label for r in scene.regions}
    tasks = []
    for anchor in (r for r in scene.regions if is_object(r) and r.mask_frac <= 0.35):
        for donor in context.others(scene, "add", anchor.key):
            if donor.label in present or not GOES_WITH.get(donor.category, set()) & {
                anchor.category
            }:
                continue
            if fits_beside(donor, anchor, scene):
                slots = Slots(edit_type=EditType.ADD, new_object=donor.label)
                operation = PlannedOperation(name="add", region=anchor.key, donor=donor)
                tasks.append(single(scene, None, slots, operation))
    return tasks


def plan_recolour(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Change the colour of an object whose colour people do change."""
    tasks = []
    for region in (r for r in scene.regions if is_recolourable(r)):
        for option in context.ranked(region.recolours, scene.id, region.key, key="colour")[:2]:
            slots = Slots(edit_type=EditType.ADJUST, object=noun(region), colour=option.colour)
            operation = PlannedOperation(
                name="recolour", region=region.key, parameters={"colour": option.colour}
            )
            tasks.append(single(scene, region, slots, operation))
    return tasks


def plan_retexture(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Change what an object is made of."""
    tasks = []
    for region in _nameable(scene, scene.regions):
        fitting = MATERIALS_BY_CATEGORY.get(region.category, frozenset())
        for material in context.ranked(fitting & set(region.materials), scene.id, region.key)[:1]:
            slots = Slots(edit_type=EditType.ADJUST, object=noun(region), material=material)
            operation = PlannedOperation(
                name="retexture", region=region.key, parameters={"material": material}
            )
            tasks.append(single(scene, region, slots, operation))
    return tasks


def plan_extract(scene: Scene, context: PlanContext) -> list[EditTask]:
    """The object alone on white."""
    regions = [r for r in scene.regions if is_subject(r) and len(r.touches) <= 1]
    return [
        single(
            scene,
            region,
            Slots(edit_type=EditType.EXTRACT, object=noun(region)),
            PlannedOperation(name="extract", region=region.key),
        )
        for region in regions[:1]
    ]


def plan_bokeh(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Blur everything behind the main subject."""
    regions = [r for r in scene.regions if is_subject(r)]
    return [
        single(
            scene,
            region,
            Slots(edit_type=EditType.BOKEH, object=noun(region)),
            PlannedOperation(name="bokeh", region=region.key),
        )
        for region in regions[:1]
    ]


def plan_relight(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Light the scene anew around its main subject."""
    from editloop.models.editors.procedural.relight import LIGHTS

    tasks = []
    for region in [r for r in scene.regions if is_subject(r)][:1]:
        for light in context.ranked(LIGHTS.keys() & set(region.lights), scene.id, "light")[:2]:
            look = LIGHTS[light]
            slots = Slots(
                edit_type=EditType.RELIGHT,
                object=noun(region),
                look=look.phrase,
                detail=look.description,
            )
            operation = PlannedOperation(
                name="relight", region=region.key, parameters={"light": light}
            )
            tasks.append(single(scene, region, slots, operation))
    return tasks


def plan_style(scene: Scene, context: PlanContext) -> list[EditTask]:
    """The whole picture in another medium."""
    from editloop.models.editors.procedural.style import STYLES

    tasks = []
    for style in context.ranked(STYLES.keys() & set(scene.styles), scene.id, "style")[:2]:
        look = STYLES[style]
        slots = Slots(edit_type=EditType.STYLE, look=look.phrase, detail=look.description)
        tasks.append(
            single(scene, None, slots, PlannedOperation(name="style", parameters={"style": style}))
        )
    return tasks


def plan_tone(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Another light, weather or grading."""
    from editloop.models.editors.procedural.tone import TONES

    tasks = []
    for tone in context.ranked(TONES.keys() & set(scene.tones), scene.id, "tone")[:2]:
        look = TONES[tone]
        slots = Slots(edit_type=EditType.TONE, look=look.phrase, detail=look.description)
        tasks.append(
            single(scene, None, slots, PlannedOperation(name="tone", parameters={"tone": tone}))
        )
    return tasks


def plan_background(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Put the main subject before another view or a studio backdrop."""
    from editloop.mine.plan.sizes import stands_in_landscapes
    from editloop.models.editors.procedural.backdrops import BACKDROPS

    tasks = []
    for region in [r for r in scene.regions if is_subject(r)][:1]:
        views = context.ranked(
            ((view, donor) for view, donor in context.views if donor.photo_id != scene.id),
            scene.id,
            "view",
        )
        for view, donor in views[: int(stands_in_landscapes(region.label))]:
            slots = Slots(edit_type=EditType.BACKGROUND, object=noun(region), look=view)
            operation = PlannedOperation(name="background", region=region.key, donor=donor)
            tasks.append(single(scene, region, slots, operation))
        for backdrop in context.ranked(BACKDROPS, scene.id, "backdrop")[:1]:
            look = BACKDROPS[backdrop]
            slots = Slots(
                edit_type=EditType.BACKGROUND,
                object=noun(region),
                look=look.phrase,
                detail=look.description,
            )
            operation = PlannedOperation(
                name="background", region=region.key, parameters={"backdrop": backdrop}
            )
            tasks.append(single(scene, region, slots, operation))
    return tasks


def plan_visual(scene: Scene, context: PlanContext) -> list[EditTask]:
    """Replace an object by the very one shown in a reference image."""
    tasks = []
    for plain in plan_replace(scene, context):
        turn = plain.turns[0]
        slots = turn.slots[0].model_copy(update={"edit_type": EditType.VISUAL})
        visual = turn.model_copy(
            update={"edit_type": EditType.VISUAL, "slots": (slots,), "with_reference": True}
        )
        tasks.append(task(scene, EditType.VISUAL, (visual,)))
    return tasks
