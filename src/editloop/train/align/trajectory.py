"""What a rollout leaves behind: cases, drawn groups, and groups with their rewards.

Legend of shapes: K images of a group; W stored steps; `...` the latent's own axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.models.roles import EditRequest, RgbImage
from editloop.train.align.reward_bus import Scores
from editloop.train.align.steppers import StepDistribution
from editloop.train.policy import Condition


@dataclass(frozen=True, slots=True)
class ScoredImage:
    """A result that somebody has scored already: what offline training learns from instead of rollouts."""

    image: RgbImage
    scores: Scores


@dataclass(frozen=True, slots=True)
class AlignCase:
    """One edit to practise on.

    Args:
        id: Names the group; two cases with one instruction on different images are different cases.
        request: What the editor is asked; its seed is not used.
        scored: Results with scores, for offline training.
        target: A result that is known to be right, if any: what the start-up check of the judge compares with.
    """

    id: str
    request: EditRequest
    scored: tuple[ScoredImage, ...] = ()
    target: RgbImage | None = None


@dataclass(frozen=True, slots=True)
class StoredSteps:
    """The stochastic steps of a group, as they were taken.

    Args:
        sigma: Level of each step, (W,).
        sigma_next: Level it led to, (W,).
        first_sigma: The schedule's first level below 1.
        x: Latents before, as stored, (W, K, ...).
        y: Latents after, as stored, (W, K, ...).
        mean: Mean of the step's distribution under the policy that drew it, float32, (W, K, ...).
        std: Its standard deviation, (W,).
    """

    sigma: Tensor
    sigma_next: Tensor
    first_sigma: float
    x: Tensor
    y: Tensor
    mean: Tensor
    std: Tensor

    def __len__(self) -> int:
        return len(self.sigma)

    def old(self, step: int, rows: Tensor | slice) -> StepDistribution:
        """The distribution that `rows` of one step were drawn from."""
        mean = self.mean[step][rows]
        return StepDistribution(mean, self.std[step].reshape(1, *[1] * (mean.ndim - 1)))


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A group: K images of one case, drawn by one version of the policy.

    Args:
        case: What was asked.
        condition: Of the case, one row.
        x0: Clean latents, float32, (K, ...).
        images: Decoded.
        version: The policy's version when it drew them; the trainer refuses groups that are too old.
        seed: Makes the group again.
        steps: The steps that a trajectory objective trains on; None where there are none.
    """

    case: AlignCase
    condition: Condition
    x0: Tensor
    images: list[RgbImage]
    version: int
    seed: int
    steps: StoredSteps | None = None

    def __len__(self) -> int:
        return len(self.x0)


@dataclass(frozen=True, slots=True)
class RewardedGroup:
    """A group with what was said about it.

    Args:
        trajectory: The group.
        scores: Raw scores of each image, None where missing.
        rewards: (K,), NaN where missing.
        advantages: (K,), 0 where missing; those samples take no part in the update.
        present: (K,), which images have a reward.
    """

    trajectory: Trajectory
    scores: Sequence[Scores | None]
    rewards: NDArray[np.float64]
    advantages: NDArray[np.float64]
    present: NDArray[np.bool_]

    @property
    def rows(self) -> Tensor:
        """Indices of the images that have a reward."""
        return torch.from_numpy(np.flatnonzero(self.present))


def join_conditions(conditions: Sequence[Condition]) -> Condition:
    """Rows of several conditions as one.

    Raises:
        UsageError: when they cannot share a batch: other shapes or sizes.
    """
    first = conditions[0]
    if any(signature(other) != signature(first) for other in conditions):
        raise UsageError("conditions of different shapes cannot share a batch: group them by shape")
    tensors = {name: torch.cat([c.tensors[name] for c in conditions]) for name in first.tensors}
    return Condition(tensors, first.static)


def signature(condition: Condition) -> tuple[object, ...]:
    """Equal for conditions that can share a batch."""
    shapes = tuple((name, tuple(v.shape[1:])) for name, v in sorted(condition.tensors.items()))
    return (shapes, repr(sorted(condition.static.items())))
