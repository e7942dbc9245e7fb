"""Batches of labelled pairs as tensors, each a function of (seed, step) alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from editloop.core.seeds import generator
from editloop.models.storybook.judge_words import MAX_WORDS, PAD, UNKNOWN, WordNumbers, pad_rows
from editloop.train.judge.labels import Labels
from editloop.train.judge.pool import Pool
from editloop.train.judge.variants import EXACT

CHATTER_SHARE = 0.1
"""Share of instructions that get words beside the point, so that no words can talk a score up."""
FORGET_SHARE = 0.01
"""Share of words that are replaced by "unknown"."""
_CHATTER_WORDS = (
    "give",
    "this",
    "a",
    "the",
    "picture",
    "it",
    "make",
    "is",
    "please",
    "image",
    "perfect",
)


class Batch(NamedTuple):
    """Inputs and targets of n pairs."""

    source: Tensor
    edited: Tensor
    reference: Tensor
    words: Tensor
    scores: Tensor
    """Target distributions, (n, answers, steps)."""
    failures: Tensor
    tasks: Tensor
    repair: Tensor
    """The right picture less the edited one, (n, 3, 32, 32)."""
    draft: Tensor
    """What an editor would draw in one step, (n, 3, 32, 32); all zero where nothing is drafted."""


class Batches:
    """Draws batches by the labels' weights.

    Args:
        pool: Where the pairs are.
        labels: Their targets.
        words: Numbers the words.
        tasks: Names of the task head's classes.
        seed: Of the drawing.
        drafts: A picture for each case of the pool, uint8 (cases, 32, 32, 3), for judges that see one.
    """

    def __init__(
        self,
        pool: Pool,
        labels: Labels,
        words: WordNumbers,
        tasks: tuple[str, ...],
        seed: int,
        drafts: NDArray[np.uint8] | None = None,
    ) -> None:
        self._pool, self._labels, self._seed, self._drafts = pool, labels, seed, drafts
        self._of_case = _rows_of_cases(pool.case_rows[labels.rows])
        self._cumulated = np.cumsum(labels.weights.astype(np.float64))
        self._rows = [
            words.row(text, context)
            for text, context in zip(pool.instructions, pool.contexts, strict=True)
        ]
        chatter = words.batch([" ".join(_CHATTER_WORDS)])[0]
        self._chatter = np.unique(chatter[chatter != UNKNOWN])
        self._right = right_rows(pool)
        self._tasks = np.array([tasks.index(task) for task in pool.tasks], np.int64)

    def at(self, step: int, size: int) -> Batch:
        """The batch of one training step: its second half are other edits of the cases of its first half, row by row."""
        rng = generator(self._seed, "batch", step)
        draws = rng.random(size // 2) * self._cumulated[-1]
        first = np.minimum(np.searchsorted(self._cumulated, draws), len(self._cumulated) - 1)
        chosen = np.concatenate([first, [self._sibling(row, rng) for row in first]])
        pairs = self._labels.rows[chosen]
        cases = self._pool.case_rows[pairs]
        reference = _pixels(self._pool.references[cases])
        reference *= torch.from_numpy(self._pool.has_reference[cases])[:, None, None, None]
        edited = _pixels(self._pool.edits[pairs])
        return Batch(
            _pixels(self._pool.sources[cases]),
            edited,
            reference,
            torch.from_numpy(pad_rows([self._disturbed(row, rng) for row in cases])),
            torch.from_numpy(self._labels.scores[chosen]),
            torch.from_numpy(self._labels.failures[chosen]),
            torch.from_numpy(self._tasks[cases]),
            _pixels(self._pool.edits[self._right[cases]]) - edited,
            torch.zeros_like(edited) if self._drafts is None else _pixels(self._drafts[cases]),
        )

    def _sibling(self, place: int, rng: np.random.Generator) -> int:
        """Another labelled edit of the same case, or the same one where it is the only one."""
        members = self._of_case[int(self._pool.case_rows[self._labels.rows[place]])]
        others = members[members != place]
        return int(rng.choice(others)) if len(others) else place

    def _disturbed(self, case: int, rng: np.random.Generator) -> list[int]:
        row = np.array(self._rows[case])
        row[rng.random(len(row)) < FORGET_SHARE] = UNKNOWN
        if rng.random() >= CHATTER_SHARE:
            return [int(number) for number in row]
        extra = np.full(int(rng.integers(2, 9)), UNKNOWN)
        known = rng.random(len(extra)) < 0.4
        if len(self._chatter):
            extra[known] = rng.choice(self._chatter, int(known.sum()))
        parts = (row, extra) if rng.random() < 0.7 else (extra, row)
        return [int(number) for number in np.concatenate(parts)[-MAX_WORDS:] if number != PAD]


def _rows_of_cases(cases: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Case -> places where it stands."""
    order = np.argsort(cases, kind="stable")
    names, starts = np.unique(cases[order], return_index=True)
    parts = np.split(order, starts[1:])
    return {int(name): part for name, part in zip(names, parts, strict=True)}


def right_rows(pool: Pool) -> NDArray[np.int64]:
    """For each case the row of its perfect edit, (cases,)."""
    rows = np.full(len(pool.case_ids), -1, np.int64)
    exact = [row for row, name in enumerate(pool.variants) if name == EXACT]
    rows[pool.case_rows[exact]] = exact
    return rows


def _pixels(pictures: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)
