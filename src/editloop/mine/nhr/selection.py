"""Of all accepted tries of one edit of one source, the best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import ClassVar

from editloop.engine.stage import Dropped, Kept, Scope, Stage, StageConfig
from editloop.mine.judging import rank
from editloop.mine.nhr.tries import edit_key
from editloop.records.record import EditRecord


class SelectBest(Stage[EditRecord, EditRecord, StageConfig]):
    """Argmax of sqrt(aesthetic * adherence) for each (source, edit) (31 % fell here in the paper)."""

    name: ClassVar[str] = "select_best"
    version: ClassVar[str] = "1"
    scope: ClassVar[Scope] = Scope.ALL
    input = EditRecord
    output = EditRecord
    reasons: tuple[str, ...] = ("not_the_best",)

    def run(self, records: Sequence[EditRecord]) -> Sequence[Kept[EditRecord] | Dropped]:
        """The best try of each edit; of equals the first by id."""
        ranks = {record.id: rank(record.verdicts[-1]) for record in records}
        tries: dict[tuple[str, str], list[str]] = defaultdict(list)
        for record in records:
            tries[record.source.sha256, edit_key(record)].append(record.id)
        best = {max(sorted(names), key=ranks.__getitem__) for names in tries.values()}
        return [
            Kept((record,))
            if record.id in best
            else Dropped("not_the_best", evidence={"rank": ranks[record.id]}, record=record)
            for record in records
        ]
