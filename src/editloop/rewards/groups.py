"""What a group of samples says about each of them: advantages, the filter of uninformative groups, and pairs.

A group holds the K samples of one case (source image and instruction). Arrays are (groups, K), float64. A score that
never came is NaN or masked: it is left out of every mean and gets a NaN advantage with a false mask, never a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from editloop.core.config import Config
from editloop.core.errors import UsageError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Advantages:
    """Advantages of a batch of groups.

    Args:
        values: (groups, K); NaN wherever `mask` is false.
        mask: (groups, K) bool, the samples to train on.
        dropped_groups: How many groups had too few scores.
        missing: How many samples had no score.
        flat_groups: How many usable groups had equal rewards throughout, so that all advantages are zero.
    """

    values: Array
    mask: Mask
    dropped_groups: int
    missing: int
    flat_groups: int


def group_advantages(
    rewards: ArrayLike,
    mask: ArrayLike | None = None,
    *,
    scale: Literal["group", "batch"] = "group",
    floor: float = 1e-4,
    clip: float = 5.0,
    leave_one_out: bool = False,
    min_scored: int = 4,
) -> Advantages:
    """A = (r - baseline) / (std + floor), clipped to +-clip (arXiv 2402.03300, Eq. 3 and section 4.1.2).

    Args:
        rewards: (groups, K); NaN for a score that never came.
        mask: (groups, K), false for samples to leave out; by default all that are finite.
        scale: ``group``: the group's own std; ``batch``: that of all usable rewards, so that a group with a narrow spread
            counts for less.
        floor: Added to the std.
        clip: Largest absolute advantage.
        leave_one_out: The baseline of a sample is the mean of the others in its group; else of the whole group.
        min_scored: A group with fewer scores is dropped; at least 2.

    Raises:
        UsageError: for another shape, or a sample that the mask keeps but has no finite reward.
    """
    values, usable = _masked(rewards, mask)
    missing = int((~usable).sum())
    enough = usable.sum(1) >= max(min_scored, 2)
    usable = usable & enough[:, None]
    count = np.maximum(usable.sum(1, keepdims=True), 1)
    filled = np.where(usable, values, 0.0)
    centred = np.where(usable, values - filled.sum(1, keepdims=True) / count, 0.0)
    flat = _flat(values, usable)
    centred[flat] = 0.0
    deviation = np.sqrt(np.square(centred).sum(1, keepdims=True) / count)
    if scale == "batch":
        deviation = np.full_like(deviation, values[usable].std() if usable.any() else 0.0)
    if leave_one_out:
        centred = centred * count / np.maximum(count - 1, 1)
    advantage = np.clip(centred / (deviation + floor), -clip, clip)
    return Advantages(
        np.where(usable, advantage, np.nan),
        usable,
        dropped_groups=int((~enough).sum()),
        missing=missing,
        flat_groups=int(flat.sum()),
    )


class AdvantageRule(Config):
    """Settings of `group_advantages`."""

    scale: Literal["group", "batch"] = "group"
    """Whose standard deviation divides: the group's or the batch's."""
    floor: float = Field(1e-4, gt=0)
    """Added to the standard deviation."""
    clip: float = Field(5.0, gt=0)
    """Largest absolute advantage."""
    leave_one_out: bool = False
    """Take the mean of the others as the baseline."""
    min_scored: int = Field(4, ge=2)
    """A group with fewer scores is dropped."""

    def __call__(self, rewards: ArrayLike, mask: ArrayLike | None = None) -> Advantages:
        """`group_advantages` with these settings."""
        return group_advantages(
            rewards,
            mask,
            scale=self.scale,
            floor=self.floor,
            clip=self.clip,
            leave_one_out=self.leave_one_out,
            min_scored=self.min_scored,
        )


@dataclass(frozen=True, slots=True)
class FilteredGroups:
    """Which groups to train on, and why not the others.

    Args:
        keep: (groups,) bool.
        counts: ``kept``, ``too_few_scores``, ``low_spread``, ``too_easy``; they add up to the number of groups.
    """

    keep: Mask
    counts: dict[str, int]


class GroupFilter(Config):
    """Drop groups that teach little, before the update pays for them (Edit-R1, arXiv 2510.16888; HP-Edit's hard cases)."""

    min_std: float | None = Field(None, ge=0)
    """A group is kept only with a larger standard deviation of rewards; Edit-R1 has 0.05 for rewards in [0, 1]."""
    max_mean: float | None = None
    """A group is kept only with a smaller mean reward; Edit-R1 has 0.9."""
    min_scored: int = Field(4, ge=1)
    """A group with fewer scores is dropped."""

    def __call__(self, rewards: ArrayLike, mask: ArrayLike | None = None) -> FilteredGroups:
        """Judge each group of `rewards` (groups, K); a group that fails several tests counts under the first.

        Raises:
            UsageError: as `group_advantages`.
        """
        values, usable = _masked(rewards, mask)
        count = usable.sum(1)
        few = count < self.min_scored
        mean = np.where(usable, values, 0.0).sum(1) / np.maximum(count, 1)
        squares = np.where(usable, np.square(values - mean[:, None]), 0.0).sum(1)
        std = np.sqrt(squares / np.maximum(count, 1))
        std[_flat(values, usable)] = 0.0
        none = np.zeros_like(few)
        low = ~few & (none if self.min_std is None else std <= self.min_std)
        easy = ~few & ~low & (none if self.max_mean is None else mean >= self.max_mean)
        keep = ~(few | low | easy)
        counts = {
            "kept": int(keep.sum()),
            "too_few_scores": int(few.sum()),
            "low_spread": int(low.sum()),
            "too_easy": int(easy.sum()),
        }
        return FilteredGroups(keep, counts)


def best_worst_pairs(
    rewards: ArrayLike, mask: ArrayLike | None = None, *, min_gap: float = 0.0
) -> NDArray[np.int64]:
    """Rows (p, 2) of best and worst of each group, in the flattened batch; no pair where they differ by no more than `min_gap`.

    A group of equal rewards has no preference, and a group with fewer than two scores no pair.

    Raises:
        UsageError: as `group_advantages`.
    """
    values, usable = _masked(rewards, mask)
    best = np.where(usable, values, -np.inf).argmax(1)
    worst = np.where(usable, values, np.inf).argmin(1)
    rows = np.arange(len(values))
    several = usable.sum(1) >= 2
    gap = np.where(several, values[rows, best] - values[rows, worst], 0.0)
    offset = rows * values.shape[1]
    pairs = np.stack([offset + best, offset + worst], axis=1).astype(np.int64)
    chosen: NDArray[np.int64] = pairs[several & (gap > min_gap)]
    return chosen


def _masked(rewards: ArrayLike, mask: ArrayLike | None) -> tuple[Array, Mask]:
    values = np.asarray(rewards, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] == 0:
        raise UsageError(f"rewards have shape {values.shape}, expected (groups, samples a group)")
    if mask is None:
        return values, np.isfinite(values)
    usable = np.asarray(mask, dtype=np.bool_)
    if usable.shape != values.shape:
        raise UsageError(f"the mask has shape {usable.shape}, the rewards {values.shape}")
    if not np.isfinite(values[usable]).all():
        raise UsageError(
            "the mask keeps a sample without a finite reward; mask it, or give no mask"
        )
    return values, usable


def _flat(values: Array, usable: Mask) -> Mask:
    """Groups whose usable rewards are all equal, (groups,): rounding of their mean must not look like a signal."""
    highest = np.where(usable, values, -np.inf).max(1)
    lowest = np.where(usable, values, np.inf).min(1)
    flat: Mask = usable.any(1) & (highest == lowest)
    return flat
