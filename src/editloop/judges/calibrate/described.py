"""What a judge knows about triplets in numbers, and the calibration's request for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from editloop.judges.base import BatchJudge, JudgeRequest


@dataclass(frozen=True, slots=True)
class Described:
    """A judge's view of n triplets.

    Among the columns are the judge's own answers, under the names of what people are asked (``instruction``, ..., ``overall``).
    """

    names: tuple[str, ...]
    """Names of the columns."""
    values: NDArray[np.float64]
    """(n, columns), finite."""
    tasks: tuple[str, ...]
    """The kind of edit that the judge takes each instruction for."""

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> NDArray[np.float64]:
        """One column, (n,).

        Raises:
            ValueError: when there is none of that name.
        """
        return self.values[:, self.names.index(name)]

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Described:
        """Some rows, repeats allowed."""
        chosen = np.asarray(rows, np.int64)
        return Described(self.names, self.values[chosen], tuple(self.tasks[row] for row in chosen))


@runtime_checkable
class DescribingJudge(BatchJudge, Protocol):
    """A judge that says more about a triplet than its scores."""

    def describe(self, requests: Sequence[JudgeRequest]) -> Described:
        """Numbers about each request, in order."""
