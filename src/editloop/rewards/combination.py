"""Several rewards for one sample: as a sum, as summed advantages (GDPO), or as a gate.

Each rule turns rewards by name, all (groups, K), into advantages. A sample that misses one of its rewards is left out:
its other rewards would be compared with sums of more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from editloop.core.config import Config
from editloop.core.errors import UsageError
from editloop.core.registry import did_you_mean
from editloop.rewards.groups import AdvantageRule, Advantages

Array = NDArray[np.float64]
Rewards = Mapping[str, ArrayLike]


class MultiReward(Protocol):
    """A rule that joins several rewards."""

    def combined(self, rewards: Rewards) -> Array:
        """One reward a sample, (groups, K), for logs and the group filter; NaN where any reward is missing."""

    def advantages(self, rewards: Rewards, rule: AdvantageRule) -> Advantages:
        """Advantages of the samples.

        Raises:
            UsageError: for a reward that is missing, unknown or of another shape.
        """


class _Weighted(Config):
    weights: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    """Weight of each reward; they are divided by their sum."""

    def combined(self, rewards: Rewards) -> Array:
        """As `MultiReward`: the weighted mean."""
        return self._mean(_stacked(rewards, self.weights))

    def _mean(self, stacked: Array) -> Array:
        """Weighted mean over the first axis."""
        weights = np.array(list(self.weights.values()))
        return np.tensordot(weights / weights.sum(), stacked, axes=1)


class WeightedSum(_Weighted):
    """One reward, the weighted mean; the one with the widest spread rules the advantages."""

    kind: Literal["sum"] = "sum"

    def advantages(self, rewards: Rewards, rule: AdvantageRule) -> Advantages:
        """As `MultiReward`."""
        return rule(self.combined(rewards))


class Gdpo(_Weighted):
    """Advantages of each reward apart, then their weighted mean (GDPO, arXiv 2601.05242): spreads no longer matter.

    Weights are shares, so the result does not grow with the number of rewards, and the paper's last normalisation over
    the batch is left out.
    """

    kind: Literal["gdpo"] = "gdpo"

    def advantages(self, rewards: Rewards, rule: AdvantageRule) -> Advantages:
        """As `MultiReward`; a group is flat if it is so in each reward."""
        complete = np.isfinite(self.combined(rewards))
        stacked = _stacked(rewards, self.weights)
        parts = [rule(np.where(complete, part, np.nan)) for part in stacked]
        values = self._mean(np.stack([part.values for part in parts]))
        mask = parts[0].mask
        moved = np.any([(part.values != 0) & mask for part in parts], axis=(0, 2))
        return Advantages(
            values,
            mask,
            dropped_groups=parts[0].dropped_groups,
            missing=parts[0].missing,
            flat_groups=int((mask.any(1) & ~moved).sum()),
        )


class Gated(Config):
    """One reward that is only high where all are: their minimum or geometric mean; rewards must be in [0, 1]."""

    kind: Literal["gated"] = "gated"
    names: tuple[str, ...] = Field(min_length=1)
    how: Literal["min", "geometric"] = "min"

    def combined(self, rewards: Rewards) -> Array:
        """As `MultiReward`.

        Raises:
            UsageError: for a reward outside [0, 1].
        """
        stacked = _stacked(rewards, self.names)
        known = stacked[np.isfinite(stacked)]
        if known.size and (known.min() < 0 or known.max() > 1):
            raise UsageError(
                f"gated rewards must lie in [0, 1], got {known.min():.3g} to {known.max():.3g}; map the scores first"
            )
        if self.how == "min":
            return np.asarray(stacked.min(0))
        return np.asarray(stacked.prod(0) ** (1 / len(stacked)))

    def advantages(self, rewards: Rewards, rule: AdvantageRule) -> Advantages:
        """As `MultiReward`."""
        return rule(self.combined(rewards))


AnyMultiReward = Annotated[WeightedSum | Gdpo | Gated, Field(discriminator="kind")]
"""For configurations: ``combination.kind`` chooses."""


def _stacked(rewards: Rewards, names: Iterable[str]) -> Array:
    """(rewards, groups, K) in the order of `names`."""
    names = tuple(names)
    for name in names:
        if name not in rewards:
            near = did_you_mean(name, sorted(rewards))
            raise UsageError(
                f"no reward is called {name!r}{near}; known: {', '.join(sorted(rewards))}"
            )
    arrays = [np.asarray(rewards[name], dtype=np.float64) for name in names]
    if len({array.shape for array in arrays}) > 1:
        raise UsageError(
            "rewards differ in shape: "
            + ", ".join(f"{n} {a.shape}" for n, a in zip(names, arrays, strict=True))
        )
    return np.stack(arrays)
