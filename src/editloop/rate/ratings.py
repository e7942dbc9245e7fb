"""Who is shown what, and every answer, committed before the reply.

Answers are only ever added; the latest one of an assignment counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from editloop.core.errors import BadInputError
from editloop.rate.assigning import COLUMNS, LEASE_S, Assignment, Handing, assignment_of
from editloop.rate.items import Item
from editloop.rate.sheets import Answer
from editloop.rate.study import Rater, StudyFile


class Given(NamedTuple):
    """The answer of one assignment that counts."""

    assignment: Assignment
    answer: Answer
    seconds: float
    at: float


class RatingFile(StudyFile):
    """A study with its assignments and answers; safe to use from several threads."""

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
               AND key NOT IN (SELECT item FROM assignments WHERE rater <> ?1 AND purpose = 'rate'
                                 AND (done IS NOT NULL OR leased_at >= ?3) GROUP BY item HAVING count(*) >= ?2)""",
            (rater.number, schedule.raters_an_item, time.time() - LEASE_S),
        )
        return int(done), int(left)
