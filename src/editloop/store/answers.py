"""Kept answers of judges: asked once about the same pixels and words, never computed again.

A key is the hash of everything that an answer depends on (judge and version, image bytes, words), so that the file may be shared
by any number of runs and thrown away at any time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from editloop.core.errors import StoreError
from editloop.store.sqlite import clear_errors, connect, transaction

STORE_VARIABLE: Final = "EDITLOOP_ANSWERS"
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID"
)


def default_answers_file() -> Path:
    """``EDITLOOP_ANSWERS``, or a file in the user's cache folder."""
    chosen = os.environ.get(STORE_VARIABLE)
    return (
        Path(chosen).expanduser()
        if chosen
        else Path.home() / ".cache" / "editloop" / "answers.sqlite"
    )


class AnswerStore:
    """One SQLite file of answers as JSON text; threads may share it.

    Args:
        path: The file; None keeps answers in memory only.

    Raises:
        StoreError: when it cannot be opened (so do all methods when it cannot be read or written).
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or Path("(memory)")
        self._lock = threading.Lock()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"cannot make the folder of {path}: {error.strerror}; name another file"
                ) from error
        self._memory: dict[str, str] = {}
        self._connection = None
        if path is not None:
            with clear_errors(path):
                self._connection = connect(path)
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute(_SCHEMA)

    def get(self, key: str) -> str | None:
        """The answer under `key`."""
        with self._lock:
            if self._connection is None:
                return self._memory.get(key)
            with clear_errors(self._path):
                row = self._connection.execute(
                    "SELECT answer FROM answer WHERE key = ?", (key,)
                ).fetchone()
        return str(row[0]) if row else None

    def put(self, answers: Mapping[str, str]) -> None:
        """Keep answers; one that is there already is replaced."""
        with self._lock:
            if self._connection is None:
                self._memory.update(answers)
                return
            with transaction(self._connection, self._path):
                self._connection.executemany(
                    "INSERT OR REPLACE INTO answer VALUES (?, ?)", list(answers.items())
                )

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()

    def __enter__(self) -> AnswerStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
