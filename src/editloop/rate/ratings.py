"""The file that holds a study: items, raters, who is shown what, and every answer, each committed before the reply.

One SQLite file in WAL mode with ``synchronous = FULL``: an answer that a rater was told is kept survives kill -9 and loss of power.
Answers are only ever added; the latest one of an assignment counts. Every change is one immediate transaction, so two raters, or two
servers on the same file, cannot take each other's place.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

from editloop.core.errors import BadInputError, UsageError
from editloop.rate.assigning import COLUMNS, LEASE_S, Assignment, Handing, assignment_of
from editloop.rate.items import Item
from editloop.rate.schedule import Schedule
from editloop.rate.sheets import Answer, Sheet
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


class Given(NamedTuple):
    """The answer of one assignment that counts."""

    assignment: Assignment
    answer: Answer
    seconds: float
    at: float


class RatingFile:
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

    def __enter__(self) -> RatingFile:
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

    # What is asked ------------------------------------------------------------------------------

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

    # Raters -------------------------------------------------------------------------------------

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

    # Who is shown what --------------------------------------------------------------------------

    def queue(self, rater: Rater, count: int, now: float | None = None) -> list[Assignment]:
        """The next assignments of `rater`, at most `count`: what is open already, then new ones."""
        at = time.time() if now is None else now
        schedule = self.schedule()
        with self._writing() as connection:
            handing = Handing(connection, schedule, rater.number, at)
            handing.release()
            while len(opened := handing.opened()) < count and handing.assign():
                pass
            connection.execute(
                "UPDATE assignments SET leased_at = ? WHERE rater = ? AND done IS NULL",
                (at, rater.number),
            )
        return opened[:count]

    def assignment(self, token: str) -> Assignment | None:
        """The assignment that `token` names."""
        rows = self._read(f"SELECT {COLUMNS} FROM assignments WHERE token = ?", (token,))
        return assignment_of(rows[0]) if rows else None

    def item(self, key: str) -> Item:
        """One item."""
        ((body,),) = self._read("SELECT body FROM items WHERE key = ?", (key,))
        return Item.model_validate_json(body)

    # Answers ------------------------------------------------------------------------------------

    def submit(
        self, assignment: Assignment, submission: str, answer: Answer, seconds: float = 0.0
    ) -> bool:
        """Commit an answer.

        Args:
            assignment: What was answered.
            submission: Chosen by the browser once per answer: sending it twice keeps one.
            answer: Checked against the sheet.
            seconds: Time that the rater took.

        Returns:
            Whether it is new.

        Raises:
            BadInputError: `submission_reused` for another assignment.
        """
        with self._writing() as connection:
            row = connection.execute(
                "SELECT token FROM answers WHERE submission = ?", (submission,)
            ).fetchone()
            if row is not None:
                if row[0] != assignment.token:
                    raise BadInputError("submission_reused", "it came with another item before")
                return False
            cursor = connection.execute(
                "INSERT INTO answers (submission, token, body, seconds, at) VALUES (?, ?, ?, ?, ?)",
                (submission, assignment.token, answer.model_dump_json(), seconds, time.time()),
            )
            connection.execute(
                "UPDATE assignments SET done = ? WHERE token = ? AND done IS NULL",
                (cursor.lastrowid, assignment.token),
            )
        return True

    def previous(self, rater: Rater, before: Assignment | None) -> Given | None:
        """What `rater` answered last, or, where `before` is itself answered, the one before it."""
        limit = before.done if before is not None and before.done is not None else 2**62
        rows = self._read(
            "SELECT token FROM assignments WHERE rater = ? AND done < ? ORDER BY done DESC LIMIT 1",
            (rater.number, limit),
        )
        return self.given(str(rows[0][0])) if rows else None

    def given(self, token: str) -> Given | None:
        """The answer that counts of one assignment."""
        return next(self._given("AND assignments.token = ?", (token,)), None)

    def answers(self) -> list[Given]:
        """The answers that count of all assignments, in the order in which they were first given."""
        return list(self._given("", ()))

    def _given(self, condition: str, values: tuple[str, ...]) -> Iterator[Given]:
        columns = ", ".join(f"assignments.{name}" for name in COLUMNS.split(", "))
        rows = self._read(
            f"""SELECT body, seconds, at, {columns} FROM answers JOIN assignments USING (token)
                WHERE answers.number = (SELECT max(number) FROM answers AS later WHERE later.token = answers.token)
                {condition} ORDER BY done""",
            values,
        )
        for body, seconds, at, *columns_of_row in rows:
            assigned = assignment_of(tuple(columns_of_row))
            yield Given(assigned, Answer.model_validate_json(body), seconds, at)

    def progress(self, rater: Rater) -> tuple[int, int]:
        """Items that `rater` has done, and how many they can still be given."""
        schedule = self.schedule()
        ((done,),) = self._read(
            "SELECT count(*) FROM assignments WHERE rater = ? AND done IS NOT NULL", (rater.number,)
        )
        ((left,),) = self._read(
            """SELECT count(*) FROM items WHERE offered = 1
               AND key NOT IN (SELECT item FROM assignments WHERE rater = ?1 AND purpose = 'rate' AND done IS NOT NULL)
               AND (SELECT count(*) FROM assignments WHERE item = key AND purpose = 'rate' AND rater <> ?1
                      AND (done IS NOT NULL OR leased_at >= ?3)) < ?2""",
            (rater.number, schedule.raters_an_item, time.time() - LEASE_S),
        )
        return int(done), int(left)

    # Plumbing -----------------------------------------------------------------------------------

    def _read(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock, clear_errors(self.path):
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, transaction(self._connection, self.path):
            yield self._connection


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
