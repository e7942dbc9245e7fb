"""Records from data sets that know less than ours: a source, an instruction, a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from editloop.core.ids import content_id
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Provenance
from editloop.records.record import (
    EditRecord,
    Operation,
    Phrasing,
    Subject,
    Turn,
    record_id,
)
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict

IMPORT_VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a foreign sample says about one triplet."""

    collection: str
    name: str
    instruction: str
    edit_type: EditType
    source: ImageRef
    target: ImageRef
    references: tuple[ImageRef, ...] = ()
    mask: ImageRef | None = None
    other_wordings: Sequence[str] = ()
    subjects: tuple[Subject, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    operation: Operation = Operation.ORIGINAL
    turn: Turn | None = None


def record_of(found: Found) -> EditRecord:
    """The record of a foreign sample; its id follows from the images and the instruction, never from file names."""
    recipe = f"import:{found.collection}"
    candidate = content_id(
        found.instruction,
        found.target.sha256,
        [found.turn.dialogue_id, found.turn.turn] if found.turn else None,
    )
    return EditRecord(
        id=record_id(found.source.sha256, recipe, candidate, 0),
        source=found.source,
        instruction=found.instruction,
        edit_type=found.edit_type,
        phrasings=tuple(
            Phrasing(style="plain", text=text) for text in found.other_wordings if text
        ),
        target=found.target,
        mask=found.mask,
        references=found.references,
        subjects=found.subjects,
        turn=found.turn,
        operation=found.operation,
        provenance=Provenance(
            recipe=recipe,
            recipe_version=IMPORT_VERSION,
            run_seed=0,
            origin=Origin(name=found.name, collection=found.collection),
        ),
        verdicts=found.verdicts,
    )
