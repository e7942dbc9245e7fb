"""The judge looks at every triplet: kept or rejected, with the verdict either way (ImgEdit's post-filter)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from editloop.engine.stage import Dropped, Kept, Lane, Stage, StageConfig, StageContext
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.registry import load_judge
from editloop.records.record import EditRecord
from editloop.records.verdict import Verdict


class VerifyConfig(StageConfig):
    """Which judge."""

    judge: str = "embedded:evidence"
    min_overall: float = 4.0
    """Least overall score, on the judge's own scale (1 to 5 for the evidence judge), beside its own acceptance."""


class Verify(Stage[EditRecord, EditRecord, VerifyConfig]):
    """Rejects keep their verdict and images: they are the negatives of preference data."""

    name: ClassVar[str] = "verify"
    version: ClassVar[str] = "2"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 2
    input = EditRecord
    output = EditRecord

    def __init__(self, config: VerifyConfig) -> None:
        super().__init__(config)
        judge = load_judge(config.judge)
        self.reasons = ("rejected", "below_threshold", "unscored", *judge.reject_reasons)

    def open(self, context: StageContext) -> None:
        """Load the judge once per worker."""
        super().open(context)
        self.judge: Judge = load_judge(self.config.judge)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the judge."""
        return {"judge": load_judge(self.config.judge).identity.version}

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """The records with a verdict added."""
        return [self._one(record) for record in records]

    def _one(self, record: EditRecord) -> Kept[EditRecord] | Dropped:
        verdict = self.judge.judge(self._request(record))
        judged = record.model_copy(update={"verdicts": (*record.verdicts, verdict)})
        reason = self._objection(verdict)
        if reason is None:
            return Kept((judged,))
        return Dropped(reason, " ".join(verdict.reasons), _evidence(verdict), judged)

    def _objection(self, verdict: Verdict) -> str | None:
        if verdict.overall is None:
            return "unscored"
        if (
            verdict.accepted is False
        ):  # None: a judge that scores and leaves the decision to the threshold
            return verdict.reject_reason or "rejected"
        return "below_threshold" if verdict.overall < self.config.min_overall else None

    def _request(self, record: EditRecord) -> JudgeRequest:
        load = self.context.load
        if record.target is None:
            raise ValueError(f"record {record.id} has no edited image to judge")
        mask = self.context.load_mask(record.mask) > 127 if record.mask else None
        return JudgeRequest(
            source=load(record.source),
            instruction=record.instruction,
            edited=load(record.target),
            mask=mask,
            references=tuple(load(reference) for reference in record.references),
            context=record.turn.history if record.turn else (),
            edit_type=record.edit_type,
        )


def _evidence(verdict: Verdict) -> dict[str, float]:
    return {**verdict.evidence, **verdict.axes}
