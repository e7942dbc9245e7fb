"""Sorting any number of records without holding them in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from editloop.core.errors import StoreError, UsageError
from editloop.records.record import EditRecord

_BATCH = 1000


@contextmanager
def sorted_records(
    records: Iterable[EditRecord], order: Callable[[EditRecord], str], folder: Path
) -> Iterator[Iterator[EditRecord]]:
    """Give `records` back sorted by (`order`, id), spooled through a scratch database in `folder`.

    A record that comes twice is given once.

    Raises:
        UsageError: two different records carry the same id.
        StoreError: the scratch database cannot be written.
    """
    scratch = folder / ".sorting.sqlite"
    try:
        with closing(sqlite3.connect(scratch)) as database:
            database.executescript(
                "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
                "CREATE TABLE spool (id TEXT PRIMARY KEY, sort TEXT, body TEXT) WITHOUT ROWID;"
            )
            for record in records:
                _insert(database, record, order(record))
            yield _ordered(database)
    except sqlite3.Error as error:
        raise StoreError(f"cannot sort records in {folder}: {error}") from error
    finally:
        scratch.unlink(missing_ok=True)


def _insert(database: sqlite3.Connection, record: EditRecord, sort: str) -> None:
    body = record.model_dump_json()
    cursor = database.execute(
        "INSERT OR IGNORE INTO spool VALUES (?, ?, ?)", (record.id, sort, body)
    )
    if cursor.rowcount == 0:
        (stored,) = database.execute("SELECT body FROM spool WHERE id = ?", (record.id,)).fetchone()
        if stored != body:
            raise UsageError(
                f"two different records have the id {record.id!r}: ids must follow from the content"
            )


def _ordered(database: sqlite3.Connection) -> Iterator[EditRecord]:
    cursor = database.execute("SELECT body FROM spool ORDER BY sort, id")
    while rows := cursor.fetchmany(_BATCH):
        for (body,) in rows:
            yield EditRecord.model_validate_json(body)
