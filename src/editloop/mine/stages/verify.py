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


class Verify(Stage[EditRecord, EditRecord, VerifyConfig]):
    """Rejects keep their verdict and images: they are the negatives of preference data."""

    name: ClassVar[str] = "verify"
    version: ClassVar[str] = "1"
    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 2
    input = EditRecord
    output = EditRecord
    reasons: ClassVar[tuple[str, ...]] = ("rejected", "unscored")

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
        if verdict.accepted:
            return Kept((judged,))
        reason = "unscored" if verdict.accepted is None else "rejected"
        return Dropped(reason, "; ".join(verdict.reasons), _evidence(verdict), judged)

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
        )


def _evidence(verdict: Verdict) -> dict[str, float]:
    return {**verdict.evidence, **verdict.axes}
