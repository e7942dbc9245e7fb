"""From sources to candidates: M tries an edit (step 1b of arXiv 2507.14119)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from pydantic import JsonValue

from editloop.core.seeds import derive_seed
from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig, StageContext
from editloop.mine.nhr.records import DrawnSource, PlannedEdit
from editloop.mine.pictures import save_png
from editloop.mine.truth import TRUTH
from editloop.models import load_model
from editloop.models.batching import edit_all
from editloop.models.roles import Editor, EditRequest, RgbImage
from editloop.records.provenance import Origin, Provenance, Step
from editloop.records.record import EditRecord, record_id

RECIPE: Final = "nhr"
RECIPE_VERSION: Final = "1"
EDIT_KEY: Final = "edit"
"""Name of the provenance parameter with the key of the planned edit: tries of one edit share it."""


class TryEditsConfig(StageConfig):
    """M tries an edit."""

    editor: str = "world:tiny-editor"
    tries: int = 5
    budget: int | None = None
    """Most tries of one source, drawn uniformly without replacement; None takes all (the paper's budget-aware scheduler)."""


class TryEdits(Stage[DrawnSource, EditRecord, TryEditsConfig]):
    """Every edit of a source, `tries` times with other seeds; the tries of one source are one batch, as in `DrawSources`."""

    name: ClassVar[str] = "try_edits"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 4
    input = DrawnSource
    output = EditRecord

    def open(self, context: StageContext) -> None:
        """Load the editor once per worker."""
        super().open(context)
        self.editor: Editor = load_model("editor", self.config.editor)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the editor."""
        return {"editor": load_model("editor", self.config.editor).identity.version}

    def run(self, records: Sequence[DrawnSource]) -> Sequence[Kept[EditRecord] | Dropped]:
        """All tries of each source."""
        return [self._one(source) for source in records]

    def _one(self, source: DrawnSource) -> Kept[EditRecord]:
        jobs = self._jobs(source)
        image = self.context.load(source.image)
        results = edit_all(
            self.editor, [EditRequest(image, edit.instruction, seed) for edit, seed in jobs]
        )
        return Kept(
            tuple(
                self._candidate(source, edit, seed, result.image)
                for (edit, seed), result in zip(jobs, results, strict=True)
            )
        )

    def _jobs(self, source: DrawnSource) -> list[tuple[PlannedEdit, int]]:
        seed = self.context.run_seed
        jobs = [
            (edit, derive_seed(seed, source.id, edit.key, self.name, number))
            for edit in source.prompt.edits
            for number in range(self.config.tries)
        ]
        if self.config.budget is None or self.config.budget >= len(jobs):
            return jobs
        rng = np.random.default_rng(derive_seed(seed, source.id, "budget"))
        chosen = sorted(rng.permutation(len(jobs))[: self.config.budget].tolist())
        return [jobs[place] for place in chosen]

    def _candidate(
        self, source: DrawnSource, edit: PlannedEdit, seed: int, image: RgbImage
    ) -> EditRecord:
        identity = self.editor.identity
        parameters: dict[str, JsonValue] = {EDIT_KEY: edit.key}
        if edit.truth is not None:
            parameters[TRUTH] = edit.truth
        step = Step(
            stage=self.name,
            version=self.version,
            model=identity.name,
            model_version=identity.version,
            seed=seed,
            parameters=parameters,
        )
        provenance = Provenance(
            recipe=RECIPE,
            recipe_version=RECIPE_VERSION,
            run_seed=self.context.run_seed,
            origin=Origin(name=source.id, collection="drawn", licence=source.licence),
            steps=(*source.steps, step),
        )
        return EditRecord(
            id=record_id(source.image.sha256, RECIPE, edit.key, seed),
            source=source.image,
            instruction=edit.instruction,
            edit_type=edit.edit_type,
            target=save_png(self.context, image),
            provenance=provenance,
        )


def edit_key(record: EditRecord) -> str:
    """Which planned edit of its source a candidate tries."""
    for step in reversed(record.provenance.steps):
        if EDIT_KEY in step.parameters:
            return str(step.parameters[EDIT_KEY])
    return record.instruction
