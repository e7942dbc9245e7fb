"""The ledger of a run: one row per stage and record, committed in groups, in one SQLite file.

A row says what became of a record in a stage, named by the *content* of the record, so it stays true whatever the
order, the number of workers or the other records. Blob locations are committed in the same transaction as the rows
that refer to them. Rows are only appended; which of them are still wanted is looked up by a compact sorted index in
memory, because a random B-tree index would cost four times the insert.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from editloop.store.packs import BlobLocation
from editloop.store.sqlite import clear_errors, connect, transaction

GROUP_ROWS: Final = 256
"""Most rows that wait for one commit."""

GROUP_SECONDS: Final = 0.05
"""Longest that a row waits for its commit, as far as the runner gets a turn."""

_CHECKPOINT_PAGES: Final = 2_500
_PAGE_BYTES: Final = 16_384
"""With larger pages and rarer checkpoints than SQLite's own a row costs two thirds."""

_ROWS_A_STATEMENT: Final = 64

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS stage (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, version TEXT NOT NULL, facts TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS pipeline (
    generation INTEGER NOT NULL, position INTEGER NOT NULL, stage INTEGER NOT NULL, PRIMARY KEY (generation, position)
);
CREATE TABLE IF NOT EXISTS outcome (
    stage INTEGER NOT NULL, content BLOB NOT NULL, generation INTEGER NOT NULL, status INTEGER NOT NULL,
    record_id TEXT NOT NULL, seconds REAL NOT NULL, reason TEXT, detail TEXT, evidence TEXT, outputs TEXT
);
CREATE TABLE IF NOT EXISTS blob (
    sha256 BLOB PRIMARY KEY, pack TEXT NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL
);
"""


class Status(IntEnum):
    """What became of a record in a stage."""

    KEPT = 0
    DROPPED = 1
    FAILED = 2
    RETRYABLE = 3
    """Failed for a reason outside the record: the next run tries again."""


class OutcomeRow(NamedTuple):
    """One row of the ledger.

    `outputs` holds the outgoing records as JSON, one a line: None when they are the incoming record unchanged, an
    empty string when there are none. For a dropped record it is the rejected record, where there is one.
    """

    stage: int
    content: bytes
    generation: int
    status: int
    record_id: str
    seconds: float
    reason: str | None = None
    detail: str | None = None
    evidence: str | None = None
    outputs: str | None = None


_COLUMNS: Final = ", ".join(OutcomeRow._fields)
_PLACES: Final = f"({', '.join('?' * len(OutcomeRow._fields))})"
_INSERT: Final = f"INSERT INTO outcome ({_COLUMNS}) VALUES {_PLACES}"
_INSERT_MANY: Final = f"{_INSERT}{f', {_PLACES}' * (_ROWS_A_STATEMENT - 1)}"


class _DoneIndex:
    """Row numbers by the first 8 bytes of the content, sorted: 16 bytes a row."""

    def __init__(self, contents: Sequence[bytes], rows: Sequence[int]) -> None:
        words = _words(contents)
        order = np.argsort(words, kind="stable")
        self._words = words[order]
        self._rows: NDArray[np.int64] = np.array(rows, dtype=np.int64)[order]

    def candidates(self, contents: Sequence[bytes]) -> list[int]:
        """Row numbers whose content may be among `contents`."""
        words = _words(contents)
        first = np.searchsorted(self._words, words, side="left")
        last = np.searchsorted(self._words, words, side="right")
        found = np.concatenate([self._rows[a:b] for a, b in zip(first, last, strict=True)])
        numbers: list[int] = found.tolist()
        return numbers


def _words(contents: Sequence[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join([content[:8] for content in contents]), dtype=np.uint64)


class Journal:
    """The single writer of a run's ledger.

    Args:
        path: SQLite file; made when missing.
        survive_power_loss: Wait for the disk at every commit (a few ms each) instead of trusting the operating
            system to write what it was given; `kill -9` loses nothing either way.
        group_rows: Rows that wait for one commit.

    Raises:
        StoreError: when the file cannot be opened or written.
    """

    def __init__(
        self, path: Path, *, survive_power_loss: bool = False, group_rows: int = GROUP_ROWS
    ) -> None:
        self.path = path
        self._group_rows = group_rows
        self._rows: list[Sequence[Any]] = []
        self._seen_again: list[int] = []
        self._blobs: list[tuple[bytes, str, int, int]] = []
        self._waiting_since = 0.0
        self._done: dict[int, _DoneIndex] = {}
        with clear_errors(path):
            self._connection = connect(path)
            self._connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            self._connection.execute(
                f"PRAGMA synchronous = {'FULL' if survive_power_loss else 'NORMAL'}"
            )
            self._connection.executescript(_SCHEMA)
        self.generation = self._next_generation()

    def _next_generation(self) -> int:
        (latest,) = self._query("SELECT max(generation) FROM pipeline")[0]
        return int(latest or 0) + 1

    def register(self, position: int, key: str, name: str, version: str, facts: str) -> int:
        """Number of the stage with `key`, which stands at `position` in this run's pipeline."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR IGNORE INTO stage (key, name, version, facts) VALUES (?, ?, ?, ?)",
                (key, name, version, facts),
            )
            (stage,) = self._connection.execute(
                "SELECT id FROM stage WHERE key = ?", (key,)
            ).fetchone()
            self._connection.execute(
                "INSERT OR REPLACE INTO pipeline VALUES (?, ?, ?)",
                (self.generation, position, stage),
            )
        done = self._query("SELECT content, rowid FROM outcome WHERE stage = ?", (stage,))
        if done:
            self._done[stage] = _DoneIndex([row[0] for row in done], [row[1] for row in done])
        return int(stage)

    def lookup(
        self, stage: int, contents: Sequence[bytes], *, is_last: bool = False
    ) -> dict[bytes, OutcomeRow]:
        """Rows of earlier runs for these contents; the latest wins.

        Rows that a reader of this run asks for (rejects, and what the last stage kept) become part of it with the
        next commit; the others stay as they are, because a second run should write little.
        """
        index = self._done.get(stage)
        candidates = index.candidates(contents) if index else []
        if not candidates:
            return {}
        numbers = ",".join(map(str, candidates))
        wanted = set(contents)
        found: dict[bytes, OutcomeRow] = {}
        numbered: dict[bytes, int] = {}
        for number, *values in self._query(
            f"SELECT rowid, {_COLUMNS} FROM outcome WHERE rowid IN ({numbers}) ORDER BY rowid"
        ):
            row = OutcomeRow._make(values)
            if row.content in wanted:
                found[row.content], numbered[row.content] = row, number
        settled = {content: row for content, row in found.items() if row.status != Status.RETRYABLE}
        if not self._is_waiting:
            self._waiting_since = time.monotonic()
        self._seen_again += [
            numbered[content]
            for content, row in settled.items()
            if is_last or row.status != Status.KEPT
        ]
        if len(self._seen_again) >= self._group_rows:
            self.commit()
        return settled

    def append(
        self, rows: Sequence[Sequence[Any]], blobs: Iterable[tuple[str, BlobLocation]] = ()
    ) -> None:
        """Queue rows (columns as `OutcomeRow`) and the blobs that they refer to for the next group commit.

        Raises:
            StoreError: when the group was full and could not be committed.
        """
        if not self._is_waiting:
            self._waiting_since = time.monotonic()
        self._rows += rows
        self._blobs.extend((bytes.fromhex(sha256), *location) for sha256, location in blobs)
        if len(self._rows) >= self._group_rows or self.overdue:
            self.commit()

    @property
    def _is_waiting(self) -> bool:
        return bool(self._rows or self._blobs or self._seen_again)

    @property
    def overdue(self) -> bool:
        """Whether rows have waited longer than `GROUP_SECONDS`."""
        return self._is_waiting and time.monotonic() - self._waiting_since >= GROUP_SECONDS

    @property
    def has_waiting_blobs(self) -> bool:
        """Whether blobs are queued that other processes cannot find yet."""
        return bool(self._blobs)

    def commit(self) -> None:
        """Commit everything queued, in one transaction.

        Raises:
            StoreError: disk full, read-only, damaged; earlier commits stay readable.
        """
        if not self._is_waiting:
            return
        with self._transaction():
            if self._blobs:
                self._connection.executemany(
                    "INSERT OR IGNORE INTO blob VALUES (?, ?, ?, ?)", self._blobs
                )
            self._insert_rows()
            if self._seen_again:
                numbers = ",".join(map(str, self._seen_again))
                self._connection.execute(
                    f"UPDATE outcome SET generation = ? WHERE rowid IN ({numbers})",
                    (self.generation,),
                )
        self._seen_again.clear()
        self._rows.clear()
        self._blobs.clear()

    def _insert_rows(self) -> None:
        whole = len(self._rows) - len(self._rows) % _ROWS_A_STATEMENT
        for start in range(0, whole, _ROWS_A_STATEMENT):
            group = self._rows[start : start + _ROWS_A_STATEMENT]
            self._connection.execute(_INSERT_MANY, list(itertools.chain.from_iterable(group)))
        self._connection.executemany(_INSERT, self._rows[whole:])

    def make_failures_retryable(self, stage: int | None = None) -> None:
        """Let the next lookup miss what failed: of one stage in this run, or of all stages ever."""
        condition, values = (
            ("1", ())
            if stage is None
            else ("stage = ? AND generation = ?", (stage, self.generation))
        )
        self.commit()
        with self._transaction():
            self._connection.execute(
                f"UPDATE outcome SET status = ? WHERE status = ? AND {condition}",
                (Status.RETRYABLE, Status.FAILED, *values),
            )

    def close(self) -> None:
        """Commit what waits and close the file."""
        try:
            self.commit()
        finally:
            self._connection.close()

    def abandon(self) -> None:
        """Close without another attempt to write (after a `StoreError`)."""
        self._connection.close()

    def _query(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with clear_errors(self.path):
            return self._connection.execute(sql, values).fetchall()

    def _transaction(self) -> AbstractContextManager[None]:
        return transaction(self._connection, self.path)


class BlobIndex:
    """Finds committed blobs; safe to share between threads, and in other processes than the writer's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with clear_errors(path):
            self._connection = connect(path, read_only=True)

    def find(self, sha256: str) -> BlobLocation | None:
        """Where the blob stands, or None."""
        with self._lock, clear_errors(self._path):
            row = self._connection.execute(
                "SELECT pack, offset, length FROM blob WHERE sha256 = ?", (bytes.fromhex(sha256),)
            ).fetchone()
        return BlobLocation(*row) if row else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
