"""Words as numbers."""

from __future__ import annotations

import numpy as np

from editloop.models.storybook.judge_words import (
    MAX_WORDS,
    PAD,
    TURN,
    UNKNOWN,
    WordNumbers,
    split_words,
)

NUMBERS = WordNumbers(("make", "the", "ball", "red"))


def test_words_are_lower_case_and_free_of_marks() -> None:
    assert split_words("Make the BALL red, please! (now)") == [
        "make",
        "the",
        "ball",
        "red",
        ",",
        "please",
        "now",
    ]


def test_words_outside_the_vocabulary_say_nothing() -> None:
    assert NUMBERS.row("make the zebra red") == [3, 4, UNKNOWN, 6]
    assert NUMBERS.row("score: five") == NUMBERS.row("perfect picture")


def test_an_instruction_without_words_is_one_unknown_word() -> None:
    assert NUMBERS.row(" ... ") == [UNKNOWN]


def test_each_earlier_turn_is_closed_by_a_mark() -> None:
    assert NUMBERS.row("red", ("make", "the ball")) == [3, TURN, 4, 5, TURN, 6]


def test_what_is_too_long_loses_its_beginning() -> None:
    row = NUMBERS.row("make " + "the " * MAX_WORDS + "red")
    assert len(row) == MAX_WORDS
    assert row[-1] == 6
    assert 3 not in row


def test_a_batch_is_filled_up_to_its_longest_row() -> None:
    batch = NUMBERS.batch(["red", "make the ball red"])
    np.testing.assert_array_equal(batch, [[6, PAD, PAD, PAD], [3, 4, 5, 6]])
