"""Storybook cases as inputs of a recipe, and the triplets that are made of them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from editloop.engine.stage import StageContext
from editloop.mine.pictures import save_png
from editloop.mine.truth import TRUTH
from editloop.models.roles import ModelIdentity, RgbImage
from editloop.records.provenance import Origin, Provenance, Step
from editloop.records.record import EditRecord, record_id
from editloop.world.cases import Case
from editloop.world.render import render
from editloop.world.sampling import case_to_json

PICTURE_SIZE = 32
GROUP_SIZE = 32
LICENCE = "CC0-1.0"


class CaseGroup(BaseModel):
    """Some cases that a stage draws and works on together; which ones follows from the run's seed and `number`.

    A group is one batch for the models whatever else is in flight: networks round differently in batches of another size,
    and a run must not depend on its timing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    number: int = Field(ge=0)
    size: int = Field(ge=1)


def case_groups(count: int, limit: int | None) -> list[CaseGroup]:
    """Groups of `GROUP_SIZE` for `count` cases, the last one smaller; the first `limit` of them."""
    starts = range(0, count, GROUP_SIZE)[:limit]
    return [
        CaseGroup(id=f"group-{number:06}", number=number, size=min(GROUP_SIZE, count - start))
        for number, start in enumerate(starts)
    ]


def case_record(
    case: Case,
    target: RgbImage,
    context: StageContext,
    *,
    recipe: str,
    step: Step,
    model: ModelIdentity | None = None,
    parameters: Mapping[str, JsonValue] | None = None,
) -> EditRecord:
    """The triplet of a case: its source and references drawn, `target` as the edited picture.

    Args:
        case: A single-turn case.
        target: What an editor or a corruptor made of it.
        context: Where pictures are kept.
        recipe: Name of the recipe.
        step: Stage, version and seed; model, parameters and the case itself are added.
        model: Who made `target`.
        parameters: What else belongs in the history.
    """
    size = target.shape[0]
    source = save_png(context, render(case.source, size))
    extra = {**(parameters or {}), TRUTH: case_to_json(case)}
    made_by = {"model": model.name, "model_version": model.version} if model else {}
    step = step.model_copy(update={**made_by, "parameters": extra})
    return EditRecord(
        id=record_id(source.sha256, recipe, case.id, context.run_seed),
        source=source,
        instruction=case.instruction,
        edit_type=case.edit_type,
        target=save_png(context, target),
        references=tuple(save_png(context, render(scene, size)) for scene in case.references),
        provenance=Provenance(
            recipe=recipe,
            recipe_version=step.version,
            run_seed=context.run_seed,
            origin=Origin(name=case.id, collection="storybook", licence=LICENCE),
            steps=(step,),
        ),
    )
