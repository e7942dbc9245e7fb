"""Several rewards for one sample: as a sum, as summed advantages (GDPO), or as a gate.

Each rule turns rewards by name, all (groups, K), into advantages. A sample that misses one of its rewards is left out:
its other rewards would be compared with sums of more.
"""

from __future__ import annotations

from collections.abc import Mapping
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


class WeightedSum(Config):
    """One reward, the weighted mean; the one with the widest spread rules the advantages."""

    kind: Literal["sum"] = "sum"
    weights: dict[str, float] = Field(min_length=1)
    """Weight of each reward; they are divided by their sum."""

    def combined(self, rewards: Rewards) -> Array:
        """As `MultiReward`."""
        stacked = _stacked(rewards, list(self.weights))
        return np.tensordot(_shares(self.weights), stacked, axes=1)

    def advantages(self, rewards: Rewards, rule: AdvantageRule) -> Advantages:
        """As `MultiReward`."""
        return rule(self.combined(rewards))


class Gdpo(WeightedSum):
    """Advantages of each reward apart, then their weighted mean (GDPO, arXiv 2601.05242): spreads no longer matter."""

    kind: Literal["gdpo"] = "gdpo"  # type: ignore[assignment]

    def advantages(self, rewards: Rewards, rule: AdvantageRule) -> Advantages:
        """As `MultiReward`; counts are those of the samples with all rewards, a group is flat if it is so in each of them."""
        complete = np.isfinite(self.combined(rewards))
        stacked = _stacked(rewards, list(self.weights))
        parts = [rule(np.where(complete, part, np.nan)) for part in stacked]
        values = np.tensordot(_shares(self.weights), np.stack([p.values for p in parts]), axes=1)
        informative = np.any(np.nan_to_num(values) != 0, axis=1)
        usable = parts[0].mask.any(1)
        return Advantages(
            values,
            parts[0].mask,
            dropped_groups=parts[0].dropped_groups,
            missing=parts[0].missing,
            flat_groups=int((usable & ~informative).sum()),
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


def _stacked(rewards: Rewards, names: list[str] | tuple[str, ...]) -> Array:
    """(rewards, groups, K) in the order of `names`."""
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


def _shares(weights: Mapping[str, float]) -> Array:
    total = sum(weights.values())
    if min(weights.values()) < 0 or total <= 0:
        raise UsageError(f"weights must not be negative and must not all be 0, got {dict(weights)}")
    return np.array([weight / total for weight in weights.values()])
