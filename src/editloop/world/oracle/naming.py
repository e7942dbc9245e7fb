"""Names what went wrong: which of the drawn alternatives does an edited picture resemble most."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from editloop.models.roles import Mask
from editloop.world.cases import Case
from editloop.world.oracle.counterparts import Counterpart, counterparts
from editloop.world.oracle.pixels import (
    Pixels,
    Reference,
    distance,
    grown,
    length,
    off_the_way,
    reach_of,
    reference,
)
from editloop.world.oracle.truth import SEEN, Goal, Truth, truth_of

_CLEARLY = 0.85
"""An alternative is named when the picture is nearer to it than this share of the distance to anything else."""


class Alternatives(NamedTuple):
    """The wrong results of one step, drawn."""

    named: tuple[Counterpart, ...]
    looks: Reference
    """Stack of pictures, shape (alternatives, height, width, 3)."""
    region: Mask
    """Where any of them, or the goal, differs from the picture in which the step was left out."""


class Finding(NamedTuple):
    """What one step of the edit looks like."""

    done: bool
    """Nearer to the goal than to any alternative and to nothing done."""
    counterpart: Counterpart | None
    """The wrong result that the picture resembles, if it clearly does."""
    look: Reference | None
    """That wrong result, drawn."""
    fit: float
    """1 where the picture is that wrong result, 0 where it is as far from it as nothing done is."""
    aside: float
    """Share of that wrong result's difference from the goal that leads off the straight way: a ball half-way between red and
    green is nearly brown, and yet on its way."""


def finding(
    truth: Truth, goal_place: int, step_place: int, image: Pixels, drift: Pixels | None
) -> Finding:
    """Compares `image` with the goal, with the step left out, and with everything else an editor may have done."""
    goal = truth.goals[goal_place]
    step = goal.steps[step_place]
    others = alternatives(truth.case, truth.easel.size, goal_place, step_place)
    where = others.region
    adapt = (lambda look: look) if drift is None else (lambda look: look.shifted(drift))
    to_goal = float(distance(image, adapt(goal.look))[where].sum())
    to_nothing = float(distance(image, adapt(step.without))[where].sum())
    if not others.named:
        return Finding(to_goal < to_nothing, None, None, 0.0, 0.0)
    gaps = distance(image, adapt(others.looks))[:, where].sum(axis=1)
    best = int(gaps.argmin())
    nearest = float(gaps[best])
    if nearest > _CLEARLY * min(to_goal, to_nothing):
        return Finding(to_goal < min(to_nothing, nearest), None, None, 0.0, 0.0)
    look = Reference(*(stack[best] for stack in others.looks))
    start = float(distance(step.without.exact, look)[where].sum())
    fit = float(np.clip(1 - nearest / max(start, 1e-6), 0, 1))
    aside = float(length(off_the_way(look.exact, step.without, goal.look))[where].sum())
    astray = float(distance(look.exact, goal.look)[where].sum())
    return Finding(False, others.named[best], look, fit, aside / max(astray, 1e-6))


@lru_cache(maxsize=64)
def alternatives(case: Case, size: int, goal_place: int, step_place: int) -> Alternatives:
    """The wrong results of one step of one goal."""
    truth = truth_of(case, size)
    goal = truth.goals[goal_place]
    step = goal.steps[step_place]
    named = _distinct(counterparts(case.source, goal.changes, step.number), truth, goal)
    region = step.region
    if not named:
        return Alternatives((), step.without, region)
    looks = reference(np.stack([truth.easel.drawn(other.scene).exact for other in named]))
    differs = np.abs(looks.exact - step.without.exact).max(axis=(0, -1)) > SEEN
    return Alternatives(tuple(named), looks, region | grown(differs, reach_of(size)))


def _distinct(found: list[Counterpart], truth: Truth, goal: Goal) -> list[Counterpart]:
    """Without those that are another accepted result."""
    accepted = {other.scene for other in truth.goals} | {goal.scene}
    return [other for other in found if other.scene not in accepted]
