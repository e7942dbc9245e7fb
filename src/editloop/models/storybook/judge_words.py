"""Words of an instruction as the tiny judge's network takes them: whole words of a closed vocabulary, by number."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_WORDS = 56
PAD, UNKNOWN, TURN = 0, 1, 2
"""`TURN` closes each earlier turn of a dialogue."""
SPECIAL_WORDS = 3
_WORD = re.compile(r"[a-z]+(?:[-'][a-z]+)*|\d+|,")


def split_words(text: str) -> list[str]:
    """Lower-case words, numbers and commas of a text, in order; everything else separates."""
    return _WORD.findall(text.lower())


class WordNumbers:
    """Numbers the words of a vocabulary; a word outside it is `UNKNOWN`, whatever it says.

    Args:
        vocabulary: Distinct lower-case words; their order fixes the numbers and belongs to the trained weights.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._numbers = {word: SPECIAL_WORDS + index for index, word in enumerate(vocabulary)}

    def __len__(self) -> int:
        return SPECIAL_WORDS + len(self._numbers)

    def row(self, instruction: str, context: Sequence[str] = ()) -> list[int]:
        """Numbers of the context's words, each turn closed by `TURN`, then of the instruction's.

        More than `MAX_WORDS` lose their beginning: the instruction stands at the end.
        """
        numbers: list[int] = []
        for turn in context:
            numbers += [*self._of(turn), TURN]
        numbers += self._of(instruction)
        return numbers[-MAX_WORDS:] or [UNKNOWN]

    def batch(
        self, instructions: Sequence[str], contexts: Sequence[Sequence[str]] | None = None
    ) -> NDArray[np.int64]:
        """int64 (n, longest), filled up with `PAD`."""
        turns = contexts if contexts is not None else [()] * len(instructions)
        rows = [self.row(text, turn) for text, turn in zip(instructions, turns, strict=True)]
        return pad_rows(rows)

    def _of(self, text: str) -> list[int]:
        return [self._numbers.get(word, UNKNOWN) for word in split_words(text)]


def pad_rows(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Rows of unequal length as int64 (rows, longest), filled up with `PAD`."""
    table = np.full((len(rows), max(map(len, rows), default=1)), PAD, np.int64)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table
