"""From a stage's outcomes to what goes on, what the journal keeps and what is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from editloop.core.errors import StageError
from editloop.engine.counts import StageCounts
from editloop.engine.outcomes import (
    Item,
    Outcome,
    Sealed,
    SealedDropped,
    SealedKept,
    failure_row,
    seal_dropped,
)
from editloop.engine.result import Rejected
from editloop.engine.stage import Dropped, Failed, Kept, Stage
from editloop.store.journal import Journal, OutcomeRow, Status
from editloop.store.packs import BlobLocation

BREAKER_RECORDS: Final = 20
"""Records in a row that the circuit breaker looks at."""

BREAKER_SHARE: Final = 0.5
"""Share of them that must fail to stop the run."""


_GOES_ON: Final = (Kept, SealedKept)


@dataclass(slots=True)
class Breaker:
    """Stops a run when most of the records that a stage computed lately failed."""

    label: str
    seen: int = 0
    failures: list[Failed] = field(default_factory=list)

    def watch(self, count: int, failures: Sequence[Failed]) -> None:
        """Note `count` new outcomes.

        Raises:
            StageError: naming the first failure.
        """
        self.seen += count
        self.failures.extend(failures)
        if self.seen < BREAKER_RECORDS:
            return
        if len(self.failures) > self.seen * BREAKER_SHARE:
            first = self.failures[0]
            raise StageError(
                f"stage {self.label!r} failed on {len(self.failures)} of {self.seen} records in a row; "
                f"the first: {first.error}: {first.message}; mend the cause and run the same command again"
            )
        self.seen = 0
        self.failures.clear()


class Settler:
    """Books the outcomes of one stage.

    Args:
        stage: The stage.
        counts: What to count into.
        journal: Where rows go; None for a run without a folder.
        number: The stage's number in the journal.
        is_last: Whether the stage ends the pipeline, so that its rows must hold the records themselves.
    """

    def __init__(
        self,
        stage: Stage[Any, Any, Any],
        counts: StageCounts,
        journal: Journal | None,
        number: int,
        *,
        is_last: bool,
    ) -> None:
        self._stage = stage
        self._counts = counts
        self._journal = journal
        self._generation = journal.generation if journal else 0
        self._number = number
        self._is_last = is_last
        self._breaker = Breaker(counts.name)
        self.rejects: list[Rejected] = []

    def computed(
        self,
        items: Sequence[Item],
        outcomes: Sequence[Outcome | Sealed],
        seconds: float,
        *,
        keys: Sequence[bytes],
        blobs: Sequence[tuple[str, BlobLocation]],
    ) -> list[Item]:
        """Book fresh outcomes; returns the items that go on.

        Args:
            items: What went into the stage.
            outcomes: One for each item.
            seconds: What the stage took.
            keys: Content addresses that name the rows, one for each item; empty without a journal.
            blobs: Images that the outcomes refer to.

        Raises:
            StageError: when most of the stage's records fail.
            StoreError: when the journal cannot be written.
        """
        made: list[Item] = []
        rows: list[OutcomeRow] = []
        failures: list[Failed] = []
        each = seconds / max(1, len(items))
        for place, (item, outcome) in enumerate(zip(items, outcomes, strict=True)):
            if isinstance(outcome, _GOES_ON):
                new, unchanged = self._kept(item, outcome)
                made += new
                if self._journal is not None:
                    rows.append(self._kept_row(item, keys[place], new, each, unchanged=unchanged))
                continue
            self._count_end(outcome)
            if type(outcome) is Failed:
                failures.append(outcome)
            if self._journal is None:
                self.rejects.append(self._rejected(item, outcome))
            else:
                rows.append(self._end_row(item, keys[place], outcome, each))
        self._counts.taken += len(items)
        self._counts.seconds += seconds
        if self._journal is not None:
            self._journal.append(rows, blobs)
        try:
            self._breaker.watch(len(items), failures)
        except StageError:
            if self._journal is not None:
                self._journal.make_failures_retryable(self._number)
            raise
        return made

    def replayed(
        self, items: Sequence[Item], sealed: Sequence[Sealed], keys: Sequence[bytes]
    ) -> list[Item]:
        """Book outcomes that the journal already holds; returns the items that go on."""
        made: list[Item] = []
        for item, outcome, key in zip(items, sealed, keys, strict=True):
            if isinstance(outcome, SealedKept):
                new, unchanged = self._kept(item, outcome)
                made += new
                if self._is_last and unchanged and self._journal is not None:
                    self._journal.append([self._kept_row(item, key, new, 0.0, unchanged=True)])
            else:
                self._count_end(outcome)
        self._counts.taken += len(items)
        self._counts.replayed += len(items)
        return made

    def _kept(self, item: Item, outcome: Kept[Any] | SealedKept) -> tuple[list[Item], bool]:
        """The items that go on, and whether that is the incoming one unchanged."""
        if isinstance(outcome, Kept):
            records = outcome.records
            unchanged = len(records) == 1 and item.is_record(records[0])
            new = [item] if unchanged else [Item(record) for record in records]
        else:
            unchanged = outcome.texts is None
            new = [item] if outcome.texts is None else [Item(None, text) for text in outcome.texts]
        self._counts.kept += 1
        self._counts.out += len(new)
        return new, unchanged

    def _kept_row(
        self, item: Item, key: bytes, new: Sequence[Item], seconds: float, *, unchanged: bool
    ) -> OutcomeRow:
        outputs = (
            None if unchanged and not self._is_last else "\n".join([each.text() for each in new])
        )
        return OutcomeRow(
            self._number, key, self._generation, 0, item.id(), seconds, None, None, None, outputs
        )

    def _end_row(
        self, item: Item, key: bytes, outcome: Dropped | SealedDropped | Failed, seconds: float
    ) -> OutcomeRow:
        sealed = seal_dropped(outcome) if isinstance(outcome, Dropped) else outcome
        return failure_row((self._number, key, self._generation, item.id(), seconds), sealed)

    def _count_end(self, outcome: Dropped | SealedDropped | Failed) -> None:
        if isinstance(outcome, Failed):
            self._counts.failed += 1
        else:
            self._counts.dropped[outcome.reason] += 1

    def _rejected(self, item: Item, outcome: Dropped | SealedDropped | Failed) -> Rejected:
        name = self._counts.name
        if isinstance(outcome, Failed):
            status = Status.RETRYABLE if outcome.retryable else Status.FAILED
            return Rejected(name, item.id(), status, outcome.error, outcome.message, {}, None)
        if isinstance(outcome, SealedDropped):
            record = self._stage.output.model_validate_json(outcome.text) if outcome.text else None
        else:
            record = outcome.record
        return Rejected(
            name,
            item.id(),
            Status.DROPPED,
            outcome.reason,
            outcome.detail,
            outcome.evidence,
            record,
        )
