"""Reading a run's ledger, while the run is going or long after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from editloop.store.journal import Status
from editloop.store.sqlite import clear_errors, connect

_CHUNK: Final = 256


class Reject(NamedTuple):
    """A record that the stage at `position` of the pipeline dropped or failed on.

    `record` is the rejected outgoing record as JSON, where the stage gave one.
    """

    position: int
    stage: str
    record_id: str
    status: Status
    reason: str
    detail: str
    evidence: dict[str, float]
    record: str | None


class LedgerReader:
    """Reads the outcomes of the last run in a journal.

    Args:
        path: The journal's SQLite file.

    Raises:
        StoreError: when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with clear_errors(path):
            self._connection = connect(path, read_only=True)
            (latest,) = self._connection.execute("SELECT max(generation) FROM pipeline").fetchone()
        self.generation = int(latest or 0)

    def records(self) -> Iterator[str]:
        """JSON of every record that the last stage let through, in the order of the ids that went into it."""
        rows = self._select(
            "SELECT rowid, content FROM outcome WHERE stage = (SELECT stage FROM pipeline WHERE generation = ?1 "
            "ORDER BY position DESC LIMIT 1) AND generation = ?1 AND status = ?2 AND outputs IS NOT NULL "
            "ORDER BY record_id, content, rowid",
            (self.generation, Status.KEPT),
        )
        previous = None
        wanted = []
        for number, content in rows:
            if content != previous:
                wanted.append(number)
            previous = content
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            numbers = ",".join(map(str, chunk))
            outputs = dict(
                self._select(f"SELECT rowid, outputs FROM outcome WHERE rowid IN ({numbers})")
            )
            for number in chunk:
                yield from filter(None, outputs[number].split("\n"))

    def rejects(self) -> Iterator[Reject]:
        """Every record that ended early, stage by stage, in the order of ids."""
        rows = self._select(
            "SELECT pipeline.position, stage.name, record_id, status, reason, detail, evidence, outputs "
            "FROM outcome JOIN pipeline ON pipeline.stage = outcome.stage AND pipeline.generation = ?1 "
            "JOIN stage ON stage.id = outcome.stage WHERE outcome.generation = ?1 AND status != ?2 "
            "ORDER BY pipeline.position, record_id, content",
            (self.generation, Status.KEPT),
        )
        for position, name, record_id, status, reason, detail, evidence, record in rows:
            numbers = json.loads(evidence) if evidence else {}
            yield Reject(
                position,
                name,
                record_id,
                Status(status),
                reason or "",
                detail or "",
                numbers,
                record,
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _select(self, sql: str, values: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        with clear_errors(self._path):
            yield from self._connection.execute(sql, values)
