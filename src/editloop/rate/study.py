"""The file of a study: what is asked, of which items, and who has joined.

One SQLite file in WAL mode with ``synchronous = FULL``: what was committed survives kill -9 and loss of power. Every change is one
immediate transaction, so that two threads, or two servers on the same file, cannot take each other's place.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from editloop.core.errors import BadInputError, UsageError
from editloop.rate.items import Item
from editloop.rate.schedule import Schedule
from editloop.rate.sheets import Sheet
from editloop.store.sqlite import clear_errors, connect, transaction

FILE_NAME: Final = "ratings.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS study (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS items (key TEXT PRIMARY KEY, body TEXT NOT NULL, offered INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS raters (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS sessions (digest TEXT PRIMARY KEY, rater INTEGER NOT NULL REFERENCES raters (number)) STRICT;
CREATE TABLE IF NOT EXISTS assignments (
  token TEXT PRIMARY KEY,
  rater INTEGER NOT NULL REFERENCES raters (number),
  item TEXT NOT NULL REFERENCES items (key),
  purpose TEXT NOT NULL,
  flipped INTEGER NOT NULL,
  place INTEGER NOT NULL,
  leased_at REAL NOT NULL,
  done INTEGER,
  UNIQUE (rater, item, purpose)
) STRICT;
CREATE INDEX IF NOT EXISTS assignments_by_item ON assignments (item, purpose);
CREATE TABLE IF NOT EXISTS answers (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  submission TEXT NOT NULL UNIQUE,
  token TEXT NOT NULL REFERENCES assignments (token),
  body TEXT NOT NULL,
  seconds REAL NOT NULL,
  at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS answers_by_token ON answers (token);
"""


class Rater(NamedTuple):
    """One person; `name` is what they typed, exports say ``rater_<number>``."""

    number: int
    name: str


class StudyFile:
    """The study in `folder`; safe to use from several threads. Use it as a context manager, or `close` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self._lock = threading.RLock()
        with clear_errors(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = connect(self.path)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def open_study(self, sheet: Sheet, schedule: Schedule, items: Iterable[Item]) -> None:
        """Begin the study, or go on with it: new items are added, items that are gone are no longer offered.

        Raises:
            UsageError: the folder holds a study that asks something else, or other images under the same name.
        """
        found = list(items)
        self._refuse_changed(found)
        rows = [(item.key, item.model_dump_json()) for item in found]
        with self._writing() as connection:
            self._keep(connection, "sheet", sheet.model_dump_json())
            connection.execute(
                "INSERT OR IGNORE INTO study VALUES ('id', ?)", (json.dumps(secrets.token_hex(4)),)
            )
            self._put(connection, "schedule", schedule.model_dump_json())
            connection.execute("UPDATE items SET offered = 0")
            connection.executemany(
                "INSERT INTO items VALUES (?, ?, 1) ON CONFLICT (key) DO UPDATE SET body = excluded.body, offered = 1",
                rows,
            )

    @property
    def begun(self) -> bool:
        """Whether a study was begun in the folder."""
        return bool(self._read("SELECT 1 FROM study WHERE name = 'sheet'"))

    def id(self) -> str:
        """Tells this study's cookies from those of another on the same host: cookies do not know ports."""
        return str(json.loads(self._value("id")))

    def sheet(self) -> Sheet:
        """What the study asks.

        Raises:
            UsageError: no study was begun in the folder.
        """
        return Sheet.model_validate_json(self._value("sheet"))

    def schedule(self) -> Schedule:
        """How the study hands out items."""
        return Schedule.model_validate_json(self._value("schedule"))

    def items(self) -> dict[str, Item]:
        """Every item that was ever offered, by key."""
        rows = self._read("SELECT body FROM items ORDER BY rowid")
        found = [Item.model_validate_json(body) for (body,) in rows]
        return {item.key: item for item in found}

    def _refuse_changed(self, items: Iterable[Item]) -> None:
        """An answer belongs to the images that were looked at: a name must not come to stand for others."""
        rated = {str(key) for (key,) in self._read("SELECT DISTINCT item FROM assignments")}
        known = self.items() if rated else {}
        for item in items:
            before = known.get(item.key) if item.key in rated else None
            if before and (item.shown() != before.shown()):
                raise UsageError(
                    f"{item.key!r} has other images or words than those that were rated in {self.folder}: "
                    "choose another folder with --out"
                )

    def _keep(self, connection: sqlite3.Connection, name: str, value: str) -> None:
        row = connection.execute("SELECT value FROM study WHERE name = ?", (name,)).fetchone()
        if row is not None and json.loads(row[0]) != json.loads(value):
            raise UsageError(
                f"{self.folder} holds ratings of another sheet or scale, which do not mix: "
                "choose another folder with --out, or give the options that it was begun with"
            )
        self._put(connection, name, value)

    @staticmethod
    def _put(connection: sqlite3.Connection, name: str, value: str) -> None:
        connection.execute("INSERT OR REPLACE INTO study VALUES (?, ?)", (name, value))

    def _value(self, name: str) -> str:
        rows = self._read("SELECT value FROM study WHERE name = ?", (name,))
        if not rows:
            raise UsageError(
                f"{self.folder} holds no study: begin one with `editloop rate DATA --out {self.folder}`"
            )
        return str(rows[0][0])

    def join(self, name: str, *, again: bool = False) -> tuple[Rater, str]:
        """Let somebody in.

        Args:
            name: What they call themselves.
            again: They say that they have rated under this name before.

        Returns:
            The rater, and the secret by which their browser is known.

        Raises:
            BadInputError: `no_name`, or `name_taken` when the name is in use and `again` is not set.
        """
        clean = " ".join(name.split())[:60]
        if not clean:
            raise BadInputError("no_name", "a name or initials are needed")
        secret = secrets.token_urlsafe(24)
        with self._writing() as connection:
            row = connection.execute(
                "SELECT number FROM raters WHERE name = ?", (clean,)
            ).fetchone()
            if row and not again:
                raise BadInputError("name_taken", f"somebody has rated as {clean}")
            if row is None:
                cursor = connection.execute("INSERT INTO raters (name) VALUES (?)", (clean,))
                row = (cursor.lastrowid,)
            connection.execute("INSERT INTO sessions VALUES (?, ?)", (_digest(secret), row[0]))
        return Rater(int(row[0]), clean), secret

    def rater_of(self, secret: str) -> Rater | None:
        """Whose browser `secret` belongs to."""
        rows = self._read(
            "SELECT number, name FROM raters JOIN sessions ON rater = number WHERE digest = ?",
            (_digest(secret),),
        )
        return Rater(*rows[0]) if rows else None

    def raters(self) -> list[Rater]:
        """Everybody, in the order of joining."""
        return [
            Rater(*row) for row in self._read("SELECT number, name FROM raters ORDER BY number")
        ]

    def _read(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock, clear_errors(self.path):
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, transaction(self._connection, self.path):
            yield self._connection


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
