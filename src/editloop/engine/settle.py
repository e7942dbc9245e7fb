"""From a stage's outcomes to what goes on, what the journal keeps and what is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from editloop.core.errors import StageError
from editloop.engine.batch import Batch, as_json
from editloop.engine.counts import StageCounts
from editloop.engine.outcomes import Ended, Outcome, Sealed, SealedKept, end_columns, from_row
from editloop.engine.result import Rejected
from editloop.engine.stage import Failed, Kept, Lane, Stage
from editloop.store.journal import Journal
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

    def recall(self, keys: Sequence[bytes]) -> dict[bytes, Sealed]:
        """What earlier runs made of records with these content addresses."""
        if self._journal is None:
            return {}
        rows = self._journal.lookup(self._number, keys, is_last=self._is_last)
        return {key: from_row(row) for key, row in rows.items()}

    def computed(
        self,
        batch: Batch,
        outcomes: Sequence[Outcome | Sealed],
        seconds: float,
        *,
        keys: Sequence[bytes],
        blobs: Sequence[tuple[str, BlobLocation]],
    ) -> Batch:
        """Book fresh outcomes; returns the records that go on.

        Args:
            batch: What went into the stage.
            outcomes: One for each record.
            seconds: What the stage took.
            keys: Content addresses that name the rows, one for each record; empty without a journal.
            blobs: Images that the outcomes refer to.

        Raises:
            StageError: when most of the stage's records fail.
            StoreError: when the journal cannot be written.
        """
        if self._journal is None:
            made = self._pass_on(batch, outcomes)
        else:
            texts = self._texts(batch, outcomes)
            made = self._made(batch, outcomes, texts)
            rows = self._rows(batch, outcomes, texts, keys, seconds / len(batch))
            self._journal.append(rows, blobs)
        self._counts.seconds += seconds
        self._count(outcomes, len(made))
        self._watch(outcomes)
        return made

    def replayed(self, batch: Batch, sealed: Sequence[Sealed], keys: Sequence[bytes]) -> Batch:
        """Book outcomes that the journal already holds; returns the records that go on."""
        texts = self._texts(batch, sealed)
        made = self._made(batch, sealed, texts)
        if self._is_last and self._journal is not None:
            bare = [place for place, text in enumerate(texts) if text is None]
            self._journal.append(
                self._rows(
                    batch.pick(bare),
                    [sealed[place] for place in bare],
                    [None] * len(bare),
                    [keys[place] for place in bare],
                    0.0,
                )
            )
        self._counts.replayed += len(batch)
        self._count(sealed, len(made))
        return made

    def _pass_on(self, batch: Batch, outcomes: Sequence[Outcome | Sealed]) -> Batch:
        """The records that go on, when nothing is kept."""
        if _end_here(outcomes):
            for record_id, outcome in zip(batch.ids(), outcomes, strict=True):
                if not isinstance(outcome, _GOES_ON):
                    self.rejects.append(self._rejected(record_id, outcome))
        if self._stage.lane is Lane.PROCESS:
            return self._made(batch, outcomes, self._texts(batch, outcomes))
        return Batch(_objects(outcomes))

    def _texts(
        self, batch: Batch, outcomes: Sequence[Outcome | Sealed]
    ) -> list[Sequence[str] | None]:
        """The outgoing records of each outcome as JSON: None for the incoming one unchanged."""
        texts: list[Sequence[str] | None] = []
        incoming: Sequence[BaseModel] = ()
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, Kept):
                incoming = incoming or batch.records(self._stage.input)
                made = outcome.records
                unchanged = len(made) == 1 and made[0] is incoming[place]
                texts.append(None if unchanged else as_json(made))
            else:
                texts.append(outcome.texts if isinstance(outcome, SealedKept) else ())
        return texts

    def _made(
        self,
        batch: Batch,
        outcomes: Sequence[Outcome | Sealed],
        texts: Sequence[Sequence[str] | None],
    ) -> Batch:
        """The records that go on."""
        if not any(texts):
            return batch.pick([place for place, text in enumerate(texts) if text is None])
        before = batch.texts()
        made: list[str] = []
        for place, text in enumerate(texts):
            made += (before[place],) if text is None else text
        objects = _objects(outcomes)
        return Batch(objects if len(objects) == len(made) else None, made)

    def _rows(
        self,
        batch: Batch,
        outcomes: Sequence[Outcome | Sealed],
        texts: Sequence[Sequence[str] | None],
        keys: Sequence[bytes],
        seconds: float,
    ) -> list[tuple[Any, ...]]:
        """Rows of the journal, in the order of `OutcomeRow`."""
        before = batch.texts()
        number, generation = self._number, self._generation
        rows: list[tuple[Any, ...]] = []
        for place, record_id in enumerate(batch.ids()):
            outcome, text, key = outcomes[place], texts[place], keys[place]
            if isinstance(outcome, _GOES_ON):
                if text is None:
                    output = before[place] if self._is_last else None
                else:
                    output = text[0] if len(text) == 1 else "\n".join(text)
                rows.append(
                    (number, key, generation, 0, record_id, seconds, None, None, None, output)
                )
            else:
                status, *end = end_columns(outcome)
                rows.append((number, key, generation, status, record_id, seconds, *end))
        return rows

    def _count(self, outcomes: Sequence[Outcome | Sealed], out: int) -> None:
        counts = self._counts
        counts.taken += len(outcomes)
        counts.out += out
        if not _end_here(outcomes):
            counts.kept += len(outcomes)
            return
        for outcome in outcomes:
            if isinstance(outcome, _GOES_ON):
                counts.kept += 1
            elif isinstance(outcome, Failed):
                counts.failed += 1
            else:
                counts.dropped[outcome.reason] += 1

    def _watch(self, outcomes: Sequence[Outcome | Sealed]) -> None:
        failures: list[Failed] = []
        if _end_here(outcomes):
            failures = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        try:
            self._breaker.watch(len(outcomes), failures)
        except StageError:
            if self._journal is not None:
                self._journal.make_failures_retryable(self._number)
            raise

    def _rejected(self, record_id: str, outcome: Ended) -> Rejected:
        status, reason, detail, _, text = end_columns(outcome)
        evidence = {} if isinstance(outcome, Failed) else outcome.evidence
        record = self._stage.output.model_validate_json(text) if text else None
        return Rejected(
            self._counts.name, record_id, status, reason, detail or "", evidence, record
        )


def _end_here(outcomes: Sequence[Outcome | Sealed]) -> bool:
    """Whether any of the records ends here: one pass at the speed of C for the batches where none does."""
    return not {*map(type, outcomes)} <= {Kept, SealedKept}


def _objects(outcomes: Sequence[Outcome | Sealed]) -> list[BaseModel]:
    return [
        record for outcome in outcomes if isinstance(outcome, Kept) for record in outcome.records
    ]
