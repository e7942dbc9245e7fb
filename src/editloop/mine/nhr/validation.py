"""The strict validator (step 1c of arXiv 2507.14119), with thresholds that are given or read off its scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from editloop.engine.stage import Dropped, Kept, Scope, Stage, StageConfig
from editloop.judges.calibrate.thresholds import PickedThreshold, pick_threshold
from editloop.mine.judging import JudgingStage, adherence, aesthetic
from editloop.records.provenance import Step
from editloop.records.record import EditRecord
from editloop.records.verdict import Verdict

REASONS = ("unscored", "low_adherence", "low_aesthetic")
MIN_ADHERENCE, MIN_AESTHETIC = "min_adherence", "min_aesthetic"


class ValidateConfig(StageConfig):
    """The validator and the scores it must give, on its own scale (4.7 of 5 twice in the paper).

    A score of None is picked from the survival curve of this run's candidates (`judges.calibrate.thresholds`).
    """

    judge: str = "world:tiny-judge"
    min_adherence: float | None = None
    min_aesthetic: float | None = None

    @property
    def is_picked(self) -> bool:
        """Whether a threshold is left to the scores."""
        return self.min_adherence is None or self.min_aesthetic is None


class Minimums(NamedTuple):
    """Least scores of an accepted triplet."""

    adherence: float
    aesthetic: float

    def objection(self, verdict: Verdict) -> str | None:
        """What a verdict falls short of, one of `REASONS`."""
        adherent, beautiful = adherence(verdict), aesthetic(verdict)
        if adherent is None or beautiful is None:
            return "unscored"
        if adherent < self.adherence:
            return "low_adherence"
        return "low_aesthetic" if beautiful < self.aesthetic else None

    def step(self, stage: str, version: str) -> Step:
        """The step that tells in a record's history what it was measured by."""
        values = {MIN_ADHERENCE: self.adherence, MIN_AESTHETIC: self.aesthetic}
        return Step(stage=stage, version=version, parameters=dict(values))

    def decide(self, record: EditRecord, step: Step) -> Kept[EditRecord] | Dropped:
        """Keep a judged record with `step` in its history, or drop it with its scores."""
        verdict = record.verdicts[-1]
        reason = self.objection(verdict)
        if reason is None:
            provenance = record.provenance.with_step(step)
            return Kept((record.model_copy(update={"provenance": provenance}),))
        evidence = {**verdict.axes, MIN_ADHERENCE: self.adherence, MIN_AESTHETIC: self.aesthetic}
        return Dropped(reason, verdict.text, evidence, record)


def minimums_of(record: EditRecord) -> Minimums | None:
    """What the record, or the one it was made from, was measured by."""
    for step in reversed(record.provenance.steps):
        values = [step.parameters.get(name) for name in (MIN_ADHERENCE, MIN_AESTHETIC)]
        if all(isinstance(value, int | float) for value in values):
            return Minimums(*(float(value) for value in values if isinstance(value, int | float)))
    return None


class Validate(JudgingStage[ValidateConfig]):
    """Scores every candidate (63 % fell here in the paper); with picked thresholds `PickThresholds` drops in its place."""

    name: ClassVar[str] = "validate"
    version: ClassVar[str] = "1"
    reasons: tuple[str, ...] = REASONS

    @property
    def judge_spec(self) -> str:
        """As configured."""
        return self.config.judge

    def decide(self, record: EditRecord) -> Kept[EditRecord] | Dropped:
        """By the given thresholds; without them only what has no scores goes."""
        least = self.config.min_adherence, self.config.min_aesthetic
        if least[0] is not None and least[1] is not None:
            minimums = Minimums(least[0], least[1])
            return minimums.decide(record, minimums.step(self.name, self.version))
        verdict = record.verdicts[-1]
        if adherence(verdict) is None or aesthetic(verdict) is None:
            return Dropped("unscored", verdict.text, record=record)
        return Kept((record,))


class PickThresholds(Stage[EditRecord, EditRecord, ValidateConfig]):
    """Reads the thresholds off the scores of all candidates, and drops what lies below."""

    name: ClassVar[str] = "pick_thresholds"
    version: ClassVar[str] = "1"
    scope: ClassVar[Scope] = Scope.ALL
    input = EditRecord
    output = EditRecord
    reasons: tuple[str, ...] = REASONS

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """Candidates with the thresholds in their history, or dropped with them as evidence."""
        picked = picked_threshold([record.verdicts[-1] for record in records], self.config)
        given = (self.config.min_adherence, self.config.min_aesthetic)
        minimums = Minimums(*(picked.threshold if least is None else least for least in given))
        step = minimums.step(self.name, self.version)
        return [minimums.decide(record, step) for record in records]


def picked_threshold(verdicts: Sequence[Verdict], config: ValidateConfig) -> PickedThreshold:
    """The threshold of the scores that `config` leaves open: the lower of the two where both are.

    Raises:
        UsageError: without a scored verdict.
    """
    scores: list[float] = []
    for verdict in verdicts:
        pairs = (
            (adherence(verdict), config.min_adherence),
            (aesthetic(verdict), config.min_aesthetic),
        )
        values = [score for score, least in pairs if least is None or not config.is_picked]
        if None not in values:
            scores.append(min(value for value in values if value is not None))
    return pick_threshold(scores, verdicts[0].scale if verdicts else (0.0, 1.0))
