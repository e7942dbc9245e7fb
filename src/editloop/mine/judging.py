"""Judges over triplets: the stages that ask one, requests from records, and NHR-Edit's two scores."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from editloop.core.errors import UsageError
from editloop.engine.stage import Config, Dropped, Kept, Lane, Stage, StageContext
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.registry import load_judge
from editloop.records.record import EditRecord
from editloop.records.verdict import Verdict


class JudgingStage(Stage[EditRecord, EditRecord, Config]):
    """Base of stages that ask a judge about every triplet and then decide."""

    lane: ClassVar[Lane] = Lane.PROCESS
    batch_size: ClassVar[int] = 64
    input = EditRecord
    output = EditRecord

    @property
    @abstractmethod
    def judge_spec(self) -> str:
        """Which judge."""

    @abstractmethod
    def decide(self, record: EditRecord) -> Kept[EditRecord] | Dropped:
        """What becomes of a triplet whose latest verdict is the judge's."""

    def open(self, context: StageContext) -> None:
        """Load the judge once per worker."""
        super().open(context)
        self.judge: Judge = load_judge(self.judge_spec)

    @property
    def model_versions(self) -> dict[str, str]:
        """Version of the judge."""
        return {"judge": load_judge(self.judge_spec).identity.version}

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """Triplets with one more verdict, or dropped with it."""
        return [self.decide(record) for record in with_verdicts(self.judge, records, self.context)]


def judge_request(record: EditRecord, context: StageContext) -> JudgeRequest:
    """The triplet as a judge sees it.

    Raises:
        UsageError: when the record holds no edited image.
    """
    if record.target is None:
        raise UsageError(f"record {record.id} has no edited image to judge")
    return JudgeRequest(
        source=context.load(record.source),
        instruction=record.instruction,
        edited=context.load(record.target),
        references=tuple(context.load(reference) for reference in record.references),
        context=record.turn.history if record.turn else (),
        edit_type=record.edit_type,
    )


def with_verdicts(
    judge: Judge, records: Sequence[EditRecord], context: StageContext
) -> list[EditRecord]:
    """The records with one more verdict each; judges that are faster on many triplets at once get them so."""
    requests = [judge_request(record, context) for record in records]
    many = getattr(judge, "score_many", None)
    verdicts: list[Verdict] = (
        many(requests) if many else [judge.judge(request) for request in requests]
    )
    return [
        record.model_copy(update={"verdicts": (*record.verdicts, verdict)})
        for record, verdict in zip(records, verdicts, strict=True)
    ]


def adherence(verdict: Verdict) -> float | None:
    """NHR-Edit's instruction adherence: everything asked for is done and everything else is unchanged.

    So it is the worse of `instruction` and `preservation` where a judge tells them apart; None without such axes.
    """
    axes = verdict.axes
    if "adherence" in axes:
        return axes["adherence"]
    parts = [axes[name] for name in ("instruction", "preservation") if name in axes]
    return min(parts, default=None)


def aesthetic(verdict: Verdict) -> float | None:
    """NHR-Edit's aesthetic score, or a judge's `quality`; None without such axes."""
    axes = verdict.axes
    return axes.get("aesthetic", axes.get("quality"))


def weaker(verdict: Verdict) -> float | None:
    """The lower of the two scores: what one threshold on both is compared with."""
    scores = (adherence(verdict), aesthetic(verdict))
    return None if None in scores else min(score for score in scores if score is not None)


def rank(verdict: Verdict) -> float:
    """NHR-Edit's order among tries, sqrt(aesthetic * adherence) (arXiv 2507.14119); 0 when unscored."""
    return math.sqrt((adherence(verdict) or 0.0) * (aesthetic(verdict) or 0.0))
