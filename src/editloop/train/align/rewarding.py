"""From scores to what an update needs: rewards by axis, the filter of groups, advantages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import UsageError
from editloop.rewards.combination import AnyMultiReward, Gated
from editloop.train.align.config import RewardConfig
from editloop.train.align.reward_bus import RewardModel, Scores
from editloop.train.align.trajectory import RewardedGroup, Trajectory

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """A group and the scores of its images, None where missing."""

    trajectory: Trajectory
    scores: Sequence[Scores | None]


class Rewarder:
    """Applies a `RewardConfig`.

    Args:
        config: Map, axes and their combination, filter, advantage.
        models: Whose scores these are; asked for their ``scale`` where the configuration has none.

    Raises:
        UsageError: when a map needs a scale that nobody gives.
    """

    def __init__(self, config: RewardConfig, models: Mapping[str, RewardModel]) -> None:
        self.config = config
        self._models = models
        unscaled = [name for name, model in models.items() if not hasattr(model, "scale")]
        if config.map is not None and config.scale is None and (unscaled or not models):
            raise UsageError(
                "reward.map needs to know the worst and the best score: set reward.scale=[worst, best], "
                "or give reward models with a `scale`"
            )

    @property
    def range(self) -> tuple[float, float] | None:
        """Worst and best possible reward, where they are known: with a map, or from judges that told their scale."""
        if self.config.map is not None:
            return 0.0, 1.0
        scales = {getattr(model, "scale", None) for model in self._models.values()}
        return scales.pop() if len(scales) == 1 else None

    def rewards(self, groups: Sequence[Sequence[Scores | None]]) -> Array:
        """One reward an image, (groups, K); NaN where a score is missing, and as filling of smaller groups."""
        return np.asarray(self.config.combination.combined(self._by_axis(groups)))

    def kept(self, groups: Sequence[ScoredGroup]) -> tuple[list[ScoredGroup], dict[str, int]]:
        """The groups that are worth an update, and how many were not and why."""
        if not groups:
            return [], {}
        found = self.config.filter(self.rewards([group.scores for group in groups]))
        return [group for group, keep in zip(groups, found.keep, strict=True) if keep], found.counts

    def rewarded(self, groups: Sequence[ScoredGroup]) -> list[RewardedGroup]:
        """The groups with rewards and advantages; advantages may depend on all of them."""
        if not groups:
            return []
        by_axis = self._by_axis([group.scores for group in groups])
        rewards = self.config.combination.combined(by_axis)
        advantages = self.config.combination.advantages(by_axis, self.config.advantage)
        sizes = [len(group.scores) for group in groups]
        return [
            RewardedGroup(
                group.trajectory,
                group.scores,
                rewards[place, :size],
                np.nan_to_num(advantages.values[place, :size]),
                advantages.mask[place, :size],
            )
            for place, (group, size) in enumerate(zip(groups, sizes, strict=True))
        ]

    def _by_axis(self, groups: Sequence[Sequence[Scores | None]]) -> dict[str, Array]:
        """Mapped rewards of every axis, (groups, K)."""
        axes = sorted({axis for group in groups for scores in group if scores for axis in scores})
        if not axes:
            axes = _axes_of(self.config.combination)
        size = max(len(group) for group in groups)
        found: dict[str, Array] = {}
        for axis in axes:
            values = np.full((len(groups), size), np.nan)
            for row, group in enumerate(groups):
                values[row, : len(group)] = [
                    np.nan if scores is None else scores.get(axis, np.nan) for scores in group
                ]
            found[axis] = self._mapped(values)
        return found

    def _mapped(self, values: Array) -> Array:
        if self.config.map is None or not np.isfinite(values).any():
            return values
        return self.config.map(values, self._scale())

    def _scale(self) -> tuple[float, float]:
        """Worst and best score. A model knows its own once it has scored something."""
        if self.config.scale is not None:
            return self.config.scale
        scales = [getattr(model, "scale", None) for model in self._models.values()]
        known: set[tuple[float, float]] = {scale for scale in scales if scale is not None}
        if len(known) != 1:
            raise UsageError(
                f"the reward models score on {sorted(map(str, known))}; set reward.scale=[worst, best]"
            )
        return known.pop()


def _axes_of(combination: AnyMultiReward) -> list[str]:
    """The axes that a combination asks for."""
    return list(combination.names if isinstance(combination, Gated) else combination.weights)
