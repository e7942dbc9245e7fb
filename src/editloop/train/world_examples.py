"""Triplets of the storybook world as training examples: imperfect as real data are, and judged by the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import overload

from editloop.core.errors import StageError
from editloop.core.seeds import generator
from editloop.records.formats.reward_edit import texts_at_worst
from editloop.train.examples import EditExample, Reward
from editloop.train.storybook.stream import IMAGE_SIZE, imperfect_edit
from editloop.world.oracle import OracleScore, score_edit
from editloop.world.oracle.verdicts import BEST, WORST
from editloop.world.render import render


class WorldExamples(Sequence[EditExample]):
    """A fixed set of flawed and right triplets, drawn when they are looked at; each depends on seed and place alone.

    Args:
        count: How many.
        seed: Of the set.
        judged: Whether the oracle says what it thinks of each.
    """

    def __init__(self, count: int, seed: int = 0, *, judged: bool = True) -> None:
        self._count, self._seed, self._judged = count, seed, judged
        self._drawn = lru_cache(maxsize=20_000)(self._draw)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> EditExample: ...

    @overload
    def __getitem__(self, index: slice) -> list[EditExample]: ...

    def __getitem__(self, index: int | slice) -> EditExample | list[EditExample]:
        if isinstance(index, slice):
            return [self._drawn(place) for place in range(self._count)[index]]
        return self._drawn(range(self._count)[index])

    def _draw(self, place: int) -> EditExample:
        drawn = imperfect_edit(generator(self._seed, "world example", place))
        case = drawn.case
        if case is None:
            raise StageError("the stream drew an edit without its case")
        reward = None
        if self._judged:
            reward = oracle_reward(score_edit(case, drawn.target, drawn.source))
        return EditExample(
            id=f"world-{self._seed}-{place}",
            source=drawn.source,
            instruction=case.instruction,
            target=drawn.target,
            references=tuple(render(scene, IMAGE_SIZE) for scene in case.references[:1]),
            context=case.context,
            reward=reward,
        )


def oracle_reward(score: OracleScore) -> Reward:
    """The oracle's axes on MRC's scale of 0 to 5, its words at the worst of them."""
    scale = BEST / (BEST - WORST)
    following, preserving, quality = (
        (axis - WORST) * scale for axis in (score.instruction, score.preservation, score.quality)
    )
    scores = (following, preserving, quality)
    return Reward(scores, texts_at_worst(scores, "" if score.right else score.text))
