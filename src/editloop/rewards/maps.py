"""From a judge's score on its native scale to a reward for training.

A missing score is NaN and stays NaN. Arrays may have any shape; `Rank` reads the last axis as the group.
"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from editloop.core.config import Config
from editloop.core.errors import UsageError

Array = NDArray[np.float64]
Scale = tuple[float, float]


class RewardMap(Protocol):
    """A monotone map from scores to rewards in [0, 1]."""

    def __call__(self, scores: ArrayLike, scale: Scale) -> Array:
        """Rewards of `scores`, same shape.

        Args:
            scores: On the judge's own scale, NaN where there is none.
            scale: Its ends (worst, best), as in `Verdict.scale`.

        Raises:
            UsageError: for a score outside the scale, or a scale without extent.
        """


class Affine(Config):
    """r = (s - worst) / (best - worst)."""

    kind: Literal["affine"] = "affine"

    def __call__(self, scores: ArrayLike, scale: Scale) -> Array:
        """As `RewardMap`."""
        return _unit(scores, scale)


class Sigmoid(Config):
    """HP-Edit's r = sigmoid(2 s - 5) for s in [0, 5] (arXiv 2604.19406); other scales are stretched to [0, 5] first.

    Steep at 2.5, flat above 4: the gradient goes to repairing failures, not to polishing successes.
    """

    kind: Literal["sigmoid"] = "sigmoid"
    slope: float = Field(2.0, gt=0)
    shift: float = 5.0

    def __call__(self, scores: ArrayLike, scale: Scale) -> Array:
        """As `RewardMap`."""
        logits = self.slope * 5.0 * _unit(scores, scale) - self.shift
        return 1.0 / (1.0 + np.exp(-logits))


class Rank(Config):
    """Mean rank inside the group, 0 for the worst and 1 for the best; ties share their mean rank, a lone score is 1/2.

    Throws the distances away, so one extreme score cannot rule a group.
    """

    kind: Literal["rank"] = "rank"

    def __call__(self, scores: ArrayLike, scale: Scale) -> Array:
        """As `RewardMap`; groups are along the last axis."""
        unit = _unit(scores, scale)
        scored = np.isfinite(unit)
        below = (unit[..., :, None] > unit[..., None, :]).sum(-1)
        tied = (unit[..., :, None] == unit[..., None, :]).sum(-1)
        others = scored.sum(-1, keepdims=True) - 1
        rank = below + (tied - 1) / 2
        share = np.where(others > 0, rank / np.maximum(others, 1), 0.5)
        return np.where(scored, share, np.nan)


AnyRewardMap = Annotated[Affine | Sigmoid | Rank, Field(discriminator="kind")]
"""For configurations: ``map.kind`` chooses."""


def _unit(scores: ArrayLike, scale: Scale) -> Array:
    """Scores on [0, 1]."""
    worst, best = scale
    if not worst < best:
        raise UsageError(f"the scale {scale} has no extent; expected (worst, best)")
    values = np.asarray(scores, dtype=np.float64)
    outside = (values < worst) | (values > best) | np.isinf(values)
    if outside.any():
        raise UsageError(f"the score {values[outside][0]} lies outside the judge's scale {scale}")
    return (values - worst) / (best - worst)
