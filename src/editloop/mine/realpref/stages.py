"""The editor's tries and the scorer's word on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from editloop.core.seeds import derive_seed, generator
from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig, StageContext
from editloop.mine.judging import JudgingStage
from editloop.mine.realpref.balance import TASKS, category_of, even_cases
from editloop.mine.storybook import PICTURE_SIZE, CaseGroup, case_record
from editloop.models import load_model
from editloop.models.batching import edit_all
from editloop.models.roles import Editor, EditRequest
from editloop.records.provenance import Step
from editloop.records.record import EditRecord
from editloop.world.render import render

RECIPE: Final = "realpref"
CATEGORY: Final = "category"
"""Name of the provenance parameter with the object category."""


class TryOnceConfig(StageConfig):
    """Whose tries."""

    editor: str = "world:tiny-editor"


class TryOnce(Stage[CaseGroup, EditRecord, TryOnceConfig]):
    """One try of each case by the editor that is to be trained; groups take turns at the eight tasks."""

    name: ClassVar[str] = "try_once"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 4
    input = CaseGroup
    output = EditRecord

    def open(self, context: StageContext) -> None:
        """Load the editor once per worker."""
        super().open(context)
        self.editor: Editor = load_model("editor", self.config.editor)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the editor."""
        return {"editor": load_model("editor", self.config.editor).identity.version}

    def run(self, records: Sequence[CaseGroup]) -> Sequence[Kept[EditRecord] | Dropped]:
        """One triplet a case; the cases of a group are one batch."""
        return [self._one(group) for group in records]

    def _one(self, group: CaseGroup) -> Kept[EditRecord]:
        task = TASKS[group.number % len(TASKS)]
        rng = generator(self.context.run_seed, RECIPE, group.number)
        cases = even_cases(rng, task, group.size)
        seeds = [derive_seed(self.context.run_seed, case.id, self.name) for case in cases]
        requests = [
            EditRequest(render(case.source, PICTURE_SIZE), case.instruction, seed)
            for case, seed in zip(cases, seeds, strict=True)
        ]
        results = edit_all(self.editor, requests)
        return Kept(
            tuple(
                case_record(
                    case,
                    result.image,
                    self.context,
                    recipe=RECIPE,
                    step=Step(stage=self.name, version=self.version, seed=seed),
                    model=self.editor.identity,
                    parameters={CATEGORY: category_of(case)},
                )
                for case, seed, result in zip(cases, seeds, results, strict=True)
            )
        )


class DropSolvedConfig(StageConfig):
    """The scorer, and what counts as its full score."""

    scorer: str = "world:calibrated-scorer"
    full_score: float = 4.5
    """Least score of the whole edit (`Verdict.overall`), on the scorer's own scale, that counts as solved: expectations never reach a round 5."""


class DropSolved(JudgingStage[DropSolvedConfig]):
    """What the editor solves already teaches it nothing: its reward is at the top whatever it draws."""

    name: ClassVar[str] = "drop_solved"
    version: ClassVar[str] = "2"
    reasons: tuple[str, ...] = ("full_score", "unscored")

    @property
    def judge_spec(self) -> str:
        """As configured."""
        return self.config.scorer

    def decide(self, record: EditRecord) -> Kept[EditRecord] | Dropped:
        """Drop what has the full score."""
        verdict = record.verdicts[-1]
        score = verdict.overall
        if score is None:
            return Dropped("unscored", verdict.text, record=record)
        if score >= self.config.full_score:
            return Dropped("full_score", verdict.text, {"overall": score}, record)
        return Kept((record,))
