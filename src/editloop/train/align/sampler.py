"""The order in which cases are practised: shuffled anew each epoch, a function of the seed and of how many were taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from editloop.core.errors import UsageError
from editloop.core.seeds import derive_seed, generator
from editloop.train.align.trajectory import AlignCase


class Draw(NamedTuple):
    """A case whose turn it is, and the seed of the group that will be drawn for it."""

    case: AlignCase
    seed: int


class CaseSampler:
    """Takes cases in a shuffled order without end.

    Args:
        cases: With distinct ids.
        seed: Of the order and of the groups.
        position: Cases that this process took before.
        rank: Number of this process.
        processes: How many share the order: each takes every `processes`-th case, at its own pace.

    Raises:
        UsageError: when there is no case, or two have one id.
    """

    def __init__(
        self,
        cases: Sequence[AlignCase],
        seed: int,
        position: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if not cases:
            raise UsageError("there are no cases to practise on")
        if len({case.id for case in cases}) != len(cases):
            raise UsageError("two cases share an id; ids name groups and must differ")
        self._cases = list(cases)
        self._seed = seed
        self._rank, self._processes = rank, processes
        self.position = position

    def take(self, count: int) -> list[Draw]:
        """The next cases of this process."""
        places = range(self.position, self.position + count)
        self.position += count
        return [self._at(place * self._processes + self._rank) for place in places]

    def _at(self, place: int) -> Draw:
        epoch, index = divmod(place, len(self._cases))
        order = generator(self._seed, "cases", epoch).permutation(len(self._cases))
        return Draw(self._cases[order[index]], derive_seed(self._seed, "group", place))
