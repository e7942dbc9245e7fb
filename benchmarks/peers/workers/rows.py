"""The three trivial stages on plain dictionaries, for engines whose rows are dictionaries or columns.

Only the standard library: this module runs in every peer's environment.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

Row = dict[str, Any]
TEXT = " The quick brown fox jumps over the lazy dog near the river bank {:06d} "


def identity(number: int) -> str:
    """The id of a row."""
    return hashlib.sha256(f"row {number}".encode()).hexdigest()[:32]


def make_columns(count: int) -> dict[str, list[Any]]:
    """`count` rows with a text of about 65 bytes."""
    return {
        "id": [identity(number) for number in range(count)],
        "text": [TEXT.format(number) for number in range(count)],
        "words": [0] * count,
        "score": [0] * count,
    }


def make_rows(count: int) -> list[Row]:
    """The same, row by row."""
    columns = make_columns(count)
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def tidy(row: Row) -> Row:
    """A clean text."""
    return {**row, "text": row["text"].strip().lower()}


def count(row: Row) -> Row:
    """How many words it has."""
    return {**row, "words": row["text"].count(" ") + 1}


def rate(row: Row) -> Row:
    """A number made of both."""
    return {**row, "score": len(row["text"]) * row["words"]}


def tidy_text(text: str) -> str:
    """`tidy` on a column."""
    return text.strip().lower()


def count_words(text: str) -> int:
    """`count` on a column."""
    return text.count(" ") + 1


def rate_text(text: str, words: int) -> int:
    """`rate` on columns."""
    return len(text) * words


TOTAL_OF_ONE = len(TEXT.format(0).strip()) * (TEXT.strip().count(" ") + 1)


def check(total: int, rows: int) -> None:
    """Hold an engine to the right answer: the sum of all scores.

    Raises:
        ValueError: when rows are missing or wrong.
    """
    if total != TOTAL_OF_ONE * rows:
        raise ValueError(f"scores add up to {total}, expected {TOTAL_OF_ONE * rows}")


def slow_call(number: int) -> None:
    """Leave a line in the log and wait, as a model call would; the environment says where and how long."""
    note(number)
    time.sleep(float(os.environ["CALL_SECONDS"]))


def note(number: int) -> None:
    """One line in the log of calls; it survives `kill -9`."""
    with Path(os.environ["CALL_LOG"]).open("a") as file:
        file.write(f"{number}\n")


def swallow(number: int) -> int:
    """The number back.

    Raises:
        ValueError: on every hundredth, the poisoned ones.
    """
    if number % 100 == 99:
        raise ValueError(f"cannot swallow {number}")
    return number
