"""SQLite as the store uses it: explicit transactions, and errors that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from editloop.core.errors import StoreError


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode that other threads may use under a lock of their own."""
    mode = "ro" if read_only else "rwc"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=30.0,
    )


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a `StoreError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "full" in text or "disk I/O" in text:
            advice = "the disk is full or cannot be written: free some space and run the same command again"
        elif "readonly" in text or "unable to open" in text:
            advice = (
                "the folder is missing or read-only: choose an output folder that you may write"
            )
        elif "locked" in text:
            advice = "another process is writing it: wait for that run to end"
        else:
            advice = "the file is damaged or was made by something else: move it away and run again"
        raise StoreError(
            f"{path}: {text}; {advice}; what was committed before is intact"
        ) from error


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """One transaction: all of it, or, when anything fails, nothing.

    Raises:
        StoreError: when it cannot be written.
    """
    with clear_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
