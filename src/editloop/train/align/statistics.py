"""What the log says about a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from editloop.train.align.collector import Collected
from editloop.train.align.monitors import picture_figures, score_figures
from editloop.train.align.reward_bus import RewardBus
from editloop.train.align.rewarding import Rewarder

PICTURED_GROUPS = 4
"""Groups a step whose pictures are measured."""
_FLAT = 1e-6
"""A group whose rewards spread less teaches nothing."""


def step_statistics(
    found: Collected, rewarder: Rewarder, learned: Mapping[str, float], bus: RewardBus | None
) -> dict[str, Any]:
    """Rewards of all groups that were drawn (the dropped ones too), counts, pictures, what the objective reported.

    Keys are grouped: ``reward/...``, ``score/AXIS``, ``groups/...``, ``images/...``, ``picture/...``, ``update/...``,
    ``bus/...`` (totals of the session).
    """
    stats: dict[str, Any] = {}
    if found.judged:
        rewards = rewarder.rewards([group.scores for group in found.judged])
        known = rewards[np.isfinite(rewards)]
        stats |= {f"reward/{k}": v for k, v in score_figures(known.tolist()).items()}
        spread = [float(row[np.isfinite(row)].std()) for row in rewards if np.isfinite(row).any()]
        stats["reward/zero_std_share"] = (
            float(np.mean([s < _FLAT for s in spread])) if spread else 1.0
        )
        stats |= _axis_means(found)
        stats |= _pictures(found)
    stats |= {f"groups/{reason}": count for reason, count in found.counts.items()}
    images = sum(len(group.scores) for group in found.judged)
    scored = sum(scores is not None for group in found.judged for scores in group.scores)
    stats |= {"images/drawn": images, "images/scored": scored}
    stats |= {f"update/{name}": value for name, value in learned.items()}
    if bus is not None:
        stats |= {f"bus/{name}": value for name, value in bus.as_json().items()}
    return stats


def _axis_means(found: Collected) -> dict[str, float]:
    by_axis: dict[str, list[float]] = {}
    for group in found.judged:
        for scores in group.scores:
            for axis, value in (scores or {}).items():
                by_axis.setdefault(axis, []).append(value)
    return {f"score/{axis}": float(np.mean(values)) for axis, values in sorted(by_axis.items())}


def _pictures(found: Collected) -> dict[str, float]:
    groups = [group.trajectory for group in found.judged[:PICTURED_GROUPS]]
    requests = [group.case.request for group in groups for _ in group.images]
    images = [image for group in groups for image in group.images]
    return {f"picture/{name}": value for name, value in picture_figures(requests, images).items()}
