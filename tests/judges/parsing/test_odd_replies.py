from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.judges.parsing import replies
from tests.judges.parsing.replies import Odd

from editloop.judges.parsing import Reading, ReadingMode, read_imgedit, read_mrc, read_uge, read_vie

Read = Callable[[object, ReadingMode], Reading]
TABLES: dict[str, tuple[Read, dict[str, Odd]]] = {
    "imgedit": (lambda reply, mode: read_imgedit(reply, "add", mode), replies.IMGEDIT_ADD),
    "uge": (read_uge, replies.UGE),
    "vie": (lambda reply, mode: read_vie(reply, "SC", mode), replies.VIE_SC),
    "real_edit": (lambda reply, mode: read_mrc(reply, "following", mode), replies.REAL_EDIT),
}
ROWS = [
    pytest.param(read, odd, id=f"{table}: {name}")
    for table, (read, rows) in TABLES.items()
    for name, odd in rows.items()
]


def test_the_table_is_long_enough() -> None:
    assert len(ROWS) >= 60


@pytest.mark.parametrize(("read", "odd"), ROWS)
def test_official(read: Read, odd: Odd) -> None:
    reading = read(odd.reply, ReadingMode.OFFICIAL)
    assert _summary(reading) == pytest.approx(odd.official)
    assert reading.slips == odd.slips


@pytest.mark.parametrize(("read", "odd"), ROWS)
def test_robust(read: Read, odd: Odd) -> None:
    reading = read(odd.reply, ReadingMode.ROBUST)
    assert _summary(reading) == pytest.approx(odd.robust)
    assert not reading.slips


def _summary(reading: Reading) -> float | str:
    if reading.value is not None:
        return reading.value
    return f"{reading.outcome} {reading.reason}"


def test_the_second_unreadable_reply_is_a_random_number_officially() -> None:
    guessed = read_vie("no idea", "SC", ReadingMode.OFFICIAL, guess=7)
    assert (guessed.value, guessed.slips) == (7, ("random_guess", "wrong_count_counted"))
    listed = read_vie("[6, 0]", "SC", ReadingMode.OFFICIAL, guess=7)
    assert listed.slips[:2] == ("random_guess", "list_not_read")
    braces = read_vie("{no idea}", "SC", ReadingMode.OFFICIAL, guess=7)
    assert (braces.value, braces.slips) == (None, ("asked_again",))
