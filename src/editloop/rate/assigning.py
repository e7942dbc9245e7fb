"""Who is shown which item next; runs inside one transaction of the study's file."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from editloop.rate.schedule import Purpose, Schedule

LEASE_S: Final = 1800.0
"""A place that was given out and not used for so long may go to another rater."""
COLUMNS: Final = "token, rater, item, purpose, flipped, place, done"


class Assignment(NamedTuple):
    """One item in front of one rater; `token` is all that a browser learns of it."""

    token: str
    rater: int
    item: str
    purpose: Purpose
    flipped: bool
    """Whether the second candidate of a pair stands left."""
    place: int
    done: int | None
    """Number of its first answer, which orders what a rater has done; None while it is open."""


def assignment_of(row: tuple[Any, ...]) -> Assignment:
    """The assignment in a row of `COLUMNS`."""
    token, rater, item, purpose, flipped, place, done = row
    return Assignment(token, rater, item, purpose, bool(flipped), place, done)


@dataclass(frozen=True, slots=True)
class Handing:
    """Hands items to one rater.

    Args:
        connection: Inside a transaction that may write.
        schedule: The study's.
        rater: Number of the rater.
        at: The time, in seconds of `time.time`.
    """

    connection: sqlite3.Connection
    schedule: Schedule
    rater: int
    at: float

    def opened(self) -> list[Assignment]:
        """What the rater was given and has not answered, in order."""
        rows = self.connection.execute(
            f"SELECT {COLUMNS} FROM assignments WHERE rater = ? AND done IS NULL ORDER BY place",
            (self.rater,),
        )
        return [assignment_of(row) for row in rows]

    def release(self) -> None:
        """Give up places that went stale and that others have filled meanwhile, or whose item is gone."""
        self.connection.execute(
            """DELETE FROM assignments WHERE rater = ?1 AND done IS NULL AND (
                 (SELECT offered FROM items WHERE key = item) = 0
                 OR (purpose = 'rate' AND leased_at < ?2
                     AND (SELECT count(*) FROM assignments AS other
                          WHERE other.item = assignments.item AND other.purpose = 'rate' AND other.rater <> ?1
                            AND (other.done IS NOT NULL OR other.leased_at >= ?2)) >= ?3))""",
            (self.rater, self.at - LEASE_S, self.schedule.raters_an_item),
        )

    def assign(self) -> bool:
        """Give the rater one item more; False when there is none left for them."""
        (place,) = self.connection.execute(
            "SELECT coalesce(max(place) + 1, 0) FROM assignments WHERE rater = ?", (self.rater,)
        ).fetchone()
        found = self._check(place) or self._regular()
        if found is None:
            return False
        item, purpose = found
        values = (
            secrets.token_urlsafe(12),
            self.rater,
            item,
            purpose,
            self._side(item, purpose),
            place,
            self.at,
        )
        self.connection.execute(
            "INSERT INTO assignments VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", values
        )
        return True

    def _side(self, item: str, purpose: Purpose) -> int:
        """Whether a pair is flipped; a repeated one is shown the other way round."""
        if purpose == "repeat":
            (flipped,) = self.connection.execute(
                "SELECT flipped FROM assignments WHERE rater = ? AND item = ? AND purpose = 'rate'",
                (self.rater, item),
            ).fetchone()
            return 1 - int(flipped)
        return self.schedule.order(self.rater, f"side {item}") % 2

    def _check(self, place: int) -> tuple[str, Purpose] | None:
        (items,) = self.connection.execute(
            "SELECT count(*) FROM items WHERE offered = 1"
        ).fetchone()
        purpose = self.schedule.check_at(self.rater, place, items)
        if purpose is None:
            return None
        earlier = self._keys(
            """SELECT item FROM assignments JOIN items ON key = item
               WHERE rater = ?1 AND purpose = 'rate' AND done IS NOT NULL AND place < ?2 AND offered = 1
                 AND item NOT IN (SELECT item FROM assignments WHERE rater = ?1 AND purpose = 'repeat')""",
            place - self.schedule.repeat_gap,
        )
        if purpose == "repeat" and earlier:
            return self.schedule.first(self.rater, earlier, "repeat"), "repeat"
        fresh = self._keys(
            """SELECT key FROM items WHERE offered = 1
               AND key NOT IN (SELECT item FROM assignments WHERE rater = ?1 AND purpose = 'noop') AND ?2 IS NULL""",
            None,
        )
        return (self.schedule.first(self.rater, fresh, "noop"), "noop") if fresh else None

    def _regular(self) -> tuple[str, Purpose] | None:
        """An item that still needs raters: one that others have begun, so that agreement is known early."""
        rows = self.connection.execute(
            """SELECT key, coalesce(taken, 0) FROM items
               LEFT JOIN (SELECT item, count(*) AS taken FROM assignments
                          WHERE purpose = 'rate' AND (done IS NOT NULL OR leased_at >= ?1) GROUP BY item)
                 ON item = key
               WHERE offered = 1 AND coalesce(taken, 0) < ?3 AND key NOT IN
                 (SELECT item FROM assignments WHERE rater = ?2 AND purpose = 'rate')""",
            (self.at - LEASE_S, self.rater, self.schedule.raters_an_item),
        ).fetchall()
        if not rows:
            return None
        most = max(taken for _, taken in rows)
        return self.schedule.first(
            self.rater, [key for key, taken in rows if taken == most]
        ), "rate"

    def _keys(self, statement: str, limit: int | None) -> list[str]:
        return [key for (key,) in self.connection.execute(statement, (self.rater, limit))]
