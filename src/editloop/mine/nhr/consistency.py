"""Backward consistency (arXiv 2507.14119): an edit whose way back the validator does not believe goes, and takes the way back along.

It catches what the forward triplet hides, such as removing a thing that was never drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from editloop.engine.stage import Dropped, Kept, Scope, Stage, StageConfig
from editloop.mine.judging import JudgingStage
from editloop.mine.nhr.validation import Minimums, minimums_of
from editloop.records.record import EditRecord, Operation


class ConsistencyConfig(StageConfig):
    """The judge of derived triplets and the scores it must give.

    A score of None is the one that the forward triplet was measured by; the paper does not state its own.
    """

    judge: str = "world:tiny-judge"
    min_adherence: float | None = None
    min_aesthetic: float | None = None


class JudgeDerived(JudgingStage[ConsistencyConfig]):
    """Scores inverses and compositions; originals pass as they are."""

    name: ClassVar[str] = "judge_derived"
    version: ClassVar[str] = "1"

    @property
    def judge_spec(self) -> str:
        """As configured."""
        return self.config.judge

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """Derived triplets with a verdict, originals unchanged."""
        derived = [record for record in records if record.operation is not Operation.ORIGINAL]
        judged = iter(super().run(derived))
        return [
            Kept((record,)) if record.operation is Operation.ORIGINAL else next(judged)
            for record in records
        ]

    def decide(self, record: EditRecord) -> Kept[EditRecord] | Dropped:
        """Nothing falls here."""
        return Kept((record,))


class BackwardConsistency(Stage[EditRecord, EditRecord, ConsistencyConfig]):
    """Drops both directions where the inverse scores low, and every composition that scores low or lost a parent."""

    name: ClassVar[str] = "backward_consistency"
    version: ClassVar[str] = "1"
    scope: ClassVar[Scope] = Scope.ALL
    input = EditRecord
    output = EditRecord
    reasons: tuple[str, ...] = (
        "inverse_rejected",
        "other_direction_rejected",
        "composition_rejected",
        "parent_rejected",
    )

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """The triplets that hold in both directions."""
        low = {record.id for record in records if self._is_low(record)}
        gone = {
            parent
            for record in records
            if record.id in low and record.operation is Operation.INVERSE
            for parent in record.parents
        }
        return [self._one(record, low, gone) for record in records]

    def _is_low(self, record: EditRecord) -> bool:
        least = minimums_of(record)
        if record.operation is Operation.ORIGINAL or least is None:
            return False
        config = self.config
        minimums = Minimums(
            least.adherence if config.min_adherence is None else config.min_adherence,
            least.aesthetic if config.min_aesthetic is None else config.min_aesthetic,
        )
        return minimums.objection(record.verdicts[-1]) is not None

    def _one(self, record: EditRecord, low: set[str], gone: set[str]) -> Kept[EditRecord] | Dropped:
        reason = None
        if record.id in gone:
            reason = "other_direction_rejected"
        elif record.id in low:
            is_inverse = record.operation is Operation.INVERSE
            reason = "inverse_rejected" if is_inverse else "composition_rejected"
        elif gone.intersection(record.parents):
            reason = "parent_rejected"
        if reason is None:
            return Kept((record,))
        axes = record.verdicts[-1].axes if record.verdicts else {}
        return Dropped(reason, evidence=axes, record=record)
