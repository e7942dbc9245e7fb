"""Tasks become triplets: the edit is made, then put into words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from editloop.core.errors import BadInputError
from editloop.core.ids import content_id
from editloop.core.seeds import derive_seed
from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig, StageContext
from editloop.mine.editing import TaskEditor, TurnResult
from editloop.mine.instructions import Written, WrittenDialogue, templates_hash
from editloop.mine.scene import EditTask
from editloop.mine.wording import write_inverse, write_task
from editloop.models import load_model
from editloop.models.editors.procedural.refusals import REFUSAL_REASONS
from editloop.models.roles import Editor, Mask
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Provenance, Step
from editloop.records.record import Box, EditRecord, Operation, Turn, record_id
from editloop.records.taxonomy import EditType

WHOLE_IMAGE = frozenset({EditType.STYLE, EditType.TONE, EditType.RELIGHT, EditType.BOKEH})
"""Edits that may change every pixel: they carry no mask."""


class EditConfig(StageConfig):
    """Who edits, and what the records say about the recipe."""

    editor: str = "embedded:procedural"
    recipe: str = "photos"
    recipe_version: str = "1"
    mask_margin_px: int = 3
    """The mask is grown by this much: JPEG ringing spreads a change a little."""


class Edit(Stage[EditTask, EditRecord, EditConfig]):
    """Carries out tasks; an operation that would not look right drops the task with the operation's own reason."""

    name: ClassVar[str] = "edit"
    version: ClassVar[str] = "3"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 1
    input = EditTask
    output = EditRecord
    reasons: tuple[str, ...] = (
        *REFUSAL_REASONS,
        "ambiguous_object",
        "no_cutout",
        "no_donor",
    )

    def open(self, context: StageContext) -> None:
        """Load the editor once per worker."""
        super().open(context)
        self.editor: Editor = load_model("editor", self.config.editor)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the editor."""
        return {"editor": load_model("editor", self.config.editor).identity.version}

    def run(self, records: Sequence[EditTask]) -> Sequence[Kept[EditRecord] | Dropped]:
        """The triplets of every task."""
        return [self._one(task) for task in records]

    def _one(self, task: EditTask) -> Kept[EditRecord] | Dropped:
        try:
            runner = TaskEditor(task, self.editor, self.context, self.context.run_seed)
            results = runner.run()
            boxes = [_new_box(task, index, result) for index, result in enumerate(results)]
            words = write_task(task, boxes, self.context.run_seed)
        except BadInputError as error:
            return Dropped(error.reason, f"{task.kind} in {task.photo.origin.name}: {error.detail}")
        return Kept(self._records(task, results, words))

    def _records(
        self, task: EditTask, results: list[TurnResult], words: WrittenDialogue
    ) -> tuple[EditRecord, ...]:
        shown = [task.photo.image if not task.opening else self.context.save(results[0].source)]
        records: list[EditRecord] = []
        said: list[str] = [words.premise] if words.premise else []
        for index, (result, written) in enumerate(zip(results, words.turns, strict=True)):
            shown.append(self.context.save(result.target))
            source = shown[task.turns[index].base_turn]
            records.append(
                self._record(task, index, source, shown[-1], result, written, tuple(said))
            )
            said.append(written.main)
        if task.with_inverse:
            records.append(self._inverse(task, records[0]))
        return tuple(records)

    def _record(
        self,
        task: EditTask,
        index: int,
        source: ImageRef,
        target: ImageRef,
        result: TurnResult,
        written: Written,
        said: tuple[str, ...],
    ) -> EditRecord:
        turn = task.turns[index]
        has_mask = turn.edit_type not in WHOLE_IMAGE and not task.premise
        return EditRecord(
            id=record_id(
                source.sha256, self.config.recipe, f"{task.id}/{index}", self.context.run_seed
            ),
            source=source,
            instruction=written.main,
            phrasings=written.phrasings,
            edit_type=turn.edit_type,
            target=target,
            mask=self._mask(result.changed) if has_mask else None,
            references=(self.context.save(result.reference),)
            if result.reference is not None
            else (),
            subjects=turn.subjects,
            turn=self._place_in_dialogue(task, index, said),
            provenance=self._provenance(task, index, result.facts),
        )

    def _inverse(self, task: EditTask, forward: EditRecord) -> EditRecord:
        written = write_inverse(task, self.context.run_seed)
        if forward.target is None:
            raise ValueError(f"record {forward.id} has no target to start from")
        candidate = f"{task.id}/inverse"
        return forward.model_copy(
            update={
                "id": record_id(
                    forward.target.sha256, self.config.recipe, candidate, self.context.run_seed
                ),
                "source": forward.target,
                "target": forward.source,
                "instruction": written.main,
                "phrasings": written.phrasings,
                "edit_type": EditType.ADD,
                "operation": Operation.INVERSE,
                "parents": (forward.id,),
            }
        )

    def _mask(self, changed: Mask) -> ImageRef:
        import cv2

        size = 2 * self.config.mask_margin_px + 1
        grown = cv2.dilate(changed.astype(np.uint8), np.ones((size, size), np.uint8))
        return self.context.save_mask(grown * 255)

    def _place_in_dialogue(self, task: EditTask, index: int, said: tuple[str, ...]) -> Turn | None:
        if not task.kind.is_dialogue:
            return None
        return Turn(
            dialogue_id=content_id("dialogue", task.id, self.context.run_seed),
            kind=task.kind,
            turn=index + 1,
            turns=len(task.turns),
            base_turn=task.turns[index].base_turn,
            history=said,
        )

    def _provenance(self, task: EditTask, index: int, facts: dict[str, float]) -> Provenance:
        identity = self.editor.identity
        operations = [o.model_dump(mode="json") for o in task.turns[index].operations]
        opening = [o.model_dump(mode="json") for o in task.opening]
        step = Step(
            stage=self.name,
            version=self.version,
            model=identity.name,
            model_version=identity.version,
            seed=derive_seed(self.context.run_seed, task.photo.id),
            parameters={
                "operations": operations,
                "opening": opening,
                "premise": task.premise,
                "inverse": task.with_inverse,
                "facts": {key: round(value, 4) for key, value in facts.items()},
            },
        )
        words = Step(
            stage="wording", version=self.version, model="templates", prompt_hash=templates_hash()
        )
        return Provenance(
            recipe=self.config.recipe,
            recipe_version=self.config.recipe_version,
            run_seed=self.context.run_seed,
            origin=task.photo.origin,
            steps=(*task.steps, step, words),
        )


def _new_box(task: EditTask, index: int, result: TurnResult) -> Box | None:
    """Where a pasted object stands; None where the instruction speaks of a region that is known already."""
    if not any(operation.name == "add" for operation in task.turns[index].operations):
        return None
    rows = np.flatnonzero(result.changed.any(axis=1))
    columns = np.flatnonzero(result.changed.any(axis=0))
    return Box(
        left=int(columns[0]), top=int(rows[0]), right=int(columns[-1]) + 1, bottom=int(rows[-1]) + 1
    )
