"""The three axes, from pixels: how far the edit got, what else moved, and how clean the picture is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from editloop.world.oracle.alternatives import Sight
from editloop.world.oracle.pixels import (
    Pixels,
    Plane,
    Reference,
    box,
    distance,
    error,
    length,
    off_the_way,
    ramp,
    reach_of,
    residual,
    sharpness,
    softened,
    worst_window,
)
from editloop.world.oracle.truth import Goal, Step
from editloop.world.oracle.verdicts import BEST, WORST

_PART_WEIGHT = 0.8
"""Error of a step in which one object did not vanish at all and everything else is done."""


@dataclass(frozen=True)
class Preservation:
    """How well everything stayed that was not asked to change."""

    score: float
    worst: float
    """Largest mean difference in a window of an object's size, 0..1."""
    mean: float
    where: Plane
    """Mean difference around every pixel that had to stay."""


@dataclass(frozen=True)
class Quality:
    """How clean and sharp a picture is."""

    score: float
    noise: float
    """Root mean square of what is left of fine grain, 0..1."""
    softness: float
    """0 for edges as steep as drawn ones, 0.4 after a 3 x 3 blur."""
    mush: float
    """Largest mean difference from anything drawn, in a window of an object's size."""


def error_of(step: Step, sight: Sight, look: Reference) -> float:
    """Share of the way to the goal that is still to go: 0 done, 1 nothing done, above 1 farther than before.

    Args:
        step: The step.
        sight: The edited picture.
        look: The goal.
    """
    goal = softened(look) if sight.soft else look
    start = softened(step.without).exact if sight.soft else step.without.exact
    if sight.drift is not None:
        start = start + sight.drift
    gaps, ways = error(sight.image, goal), error(start, goal)
    whole = float(gaps[step.region].sum()) / max(
        float(ways[step.region].sum()), 0.5 * step.contrast
    )
    parts = [float(gaps[part].sum()) / max(float(ways[part].sum()), 1e-3) for part in step.parts]
    return max(whole, *(_PART_WEIGHT * min(part, 1.0) for part in parts), 0.0)


def step_score(share: float) -> float:
    """1 to 5 from the share of a step that is still to go; a tenth is not seen."""
    return WORST + (BEST - WORST) * ramp(share, 1.0, 0.1)


def instruction_score(marks: list[float]) -> float:
    """1 to 5 from the scores of all steps: half their mean, half the worst, since people notice what is missing."""
    return 0.5 * sum(marks) / len(marks) + 0.5 * min(marks) if marks else BEST


def preservation(
    image: Pixels, before: Reference, goal: Goal, wrongly: Reference | None = None
) -> Preservation:
    """Compares what had to stay with the picture before the edit.

    Differences are averaged over 3 x 3 pixels first: grain is a matter of quality, not of preservation. Where a new look of
    the whole picture was asked for nothing stays as it was, and what lies off the straight way between source and goal counts.

    Args:
        image: The edited picture.
        before: The picture before the edit.
        goal: What was asked for.
        wrongly: A wrong look that the picture may have been given instead: the objects under it still count as kept.
    """
    reach = reach_of(len(image))
    left = residual(image, before)
    watched = goal.stays
    if goal.new_look:
        watched = np.ones_like(goal.stays)
        left = np.where(goal.stays[..., None], left, off_the_way(image, before, goal.look))
        if wrongly is not None:
            other = residual(image, wrongly)
            left = np.where((length(other) < length(left))[..., None], other, left)
    if not watched.any():
        return Preservation(BEST, 0.0, 0.0, np.zeros(watched.shape, np.float32))
    smooth = box(left, reach)
    moved = length(smooth)
    worst, where = worst_window(moved, watched, 2 * reach)
    mean = float(moved[watched].mean())
    kept = (1 - 0.7 * ramp(worst, 0.03, 0.25)) * (1 - ramp(mean, 0.012, 0.14))
    return Preservation(WORST + (BEST - WORST) * kept, worst, mean, where)


def quality(image: Pixels, ideals: tuple[Reference, ...], cast: float) -> Quality:
    """Compares each part of the picture with whichever of the drawn `ideals` it resembles there.

    Args:
        image: The edited picture, without its cast.
        ideals: The source, the goal, and what else the picture may show.
        cast: Strength of the cast that was taken away.
    """
    reach = reach_of(len(image))
    gaps = np.stack([box(distance(image, ideal), reach) for ideal in ideals])
    nearest = gaps.argmin(axis=0)
    like, strange = np.zeros_like(image), np.zeros_like(image)
    for place, ideal in enumerate(ideals):
        here = (nearest == place)[..., None]
        like = np.where(here, ideal.exact, like)
        strange = np.where(here, image - np.clip(image, ideal.low, ideal.high), strange)
    fine = strange - box(strange, reach)
    power = np.einsum("...c,...c->...", fine, fine) / 3
    noise = max(float(power.mean()) ** 0.5, 0.5 * float(box(power, 2 * reach).max()) ** 0.5)
    softness = 1 - sharpness(image, like)
    mush = float(box(gaps.min(axis=0), reach).max())
    clean = (
        (1 - ramp(noise, 0.008, 0.12))
        * (1 - ramp(softness, 0.12, 0.7))
        * (1 - 0.8 * ramp(mush, 0.035, 0.25))
        * (1 - 0.6 * ramp(cast, 0.02, 0.15))
    )
    return Quality(WORST + (BEST - WORST) * clean, noise, softness, mush)
