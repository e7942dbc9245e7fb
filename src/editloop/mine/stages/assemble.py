"""The last look at the whole: dialogues stay only complete, inverses only beside their accepted forward edit.

Backward consistency after NHR-Edit (arXiv 2507.14119): when either direction of a pair fails, both go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import ClassVar

from editloop.engine.stage import Dropped, Kept, Scope, Stage, StageConfig
from editloop.records.record import EditRecord, Operation


class Assemble(Stage[EditRecord, EditRecord, StageConfig]):
    """Drops what lost its other half."""

    name: ClassVar[str] = "assemble"
    version: ClassVar[str] = "1"
    scope: ClassVar[Scope] = Scope.ALL
    input = EditRecord
    output = EditRecord
    reasons: tuple[str, ...] = ("dialogue_incomplete", "other_direction_rejected")

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """One outcome per accepted triplet."""
        accepted = {record.id for record in records}
        turns: dict[str, set[int]] = defaultdict(set)
        inverted: set[str] = set()
        for record in records:
            if record.turn:
                turns[record.turn.dialogue_id].add(record.turn.turn)
            if record.operation is Operation.INVERSE:
                inverted.update(record.parents)
        return [self._outcome(record, accepted, turns, inverted) for record in records]

    def _outcome(
        self,
        record: EditRecord,
        accepted: set[str],
        turns: dict[str, set[int]],
        inverted: set[str],
    ) -> Kept[EditRecord] | Dropped:
        if record.turn and len(turns[record.turn.dialogue_id]) < record.turn.turns:
            missing = set(range(1, record.turn.turns + 1)) - turns[record.turn.dialogue_id]
            return Dropped(
                "dialogue_incomplete", f"turn {min(missing)} was rejected", record=record
            )
        if record.operation is Operation.INVERSE and not accepted.issuperset(record.parents):
            return Dropped(
                "other_direction_rejected", "its forward edit was rejected", record=record
            )
        has_inverse = f"{record.id}" in inverted
        expects_inverse = any(
            step.stage == "edit" and step.parameters.get("inverse") is True
            for step in record.provenance.steps
        )
        if expects_inverse and not has_inverse and record.operation is Operation.ORIGINAL:
            return Dropped("other_direction_rejected", "its inverse was rejected", record=record)
        return Kept((record,))
