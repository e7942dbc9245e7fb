"""What was done instead: which of the drawn alternatives does an edited picture resemble most."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from editloop.world.cases import Case
from editloop.world.oracle.alternatives import Alternatives, Sight, drawn_alternatives, look_of
from editloop.world.oracle.counterparts import Counterpart, counterparts
from editloop.world.oracle.pixels import Reference, length, off_the_way
from editloop.world.oracle.truth import truth_of

_CLEARLY = 0.85
"""An alternative is named when the picture is nearer to it than this share of the distance to anything else."""
_ALIKE = 0.35
"""Least fit of an alternative that is named."""


class Finding(NamedTuple):
    """What one step of the edit looks like."""

    done: bool
    """Nearer to the goal than to any wrong alternative and to nothing done."""
    strange: float
    """Distance to the nearest of all drawings, as a share of the way from nothing done to the goal."""
    counterpart: Counterpart | None = None
    """The alternative that the picture resembles, if it clearly does."""
    look: Reference | None = None
    """That alternative, drawn."""
    error: float | None = None
    """Where the alternative answers the instruction too: what is still to go to it, as a share of the way."""
    fit: float = 0.0
    """1 where the picture is that alternative, 0 where it is as far from it as nothing done is."""
    aside: float = 0.0
    """Share of that alternative's difference from the goal that leads off the straight way: a ball half-way between red and
    green is nearly brown, and yet on its way."""


def finding(case: Case, size: int, goal_place: int, step_place: int, sight: Sight) -> Finding:
    """Compares a picture with the goal, with the step left out, and with everything else an editor may have done.

    Args:
        case: What was asked.
        size: Side of the pictures.
        goal_place: Which acceptable result.
        step_place: Which of its steps.
        sight: The edited picture.
    """
    truth = truth_of(case, size)
    goal = truth.goals[goal_place]
    step = goal.steps[step_place]
    others = alternatives(case, size, goal_place, step_place)
    if others is None:
        return Finding(done=True, strange=0.0)
    to_goal, to_nothing = others.gap(sight, goal.look), others.gap(sight, step.without)
    gaps = others.gaps(sight)
    wrong = min(
        (float(gap) for gap, other in zip(gaps, others.named, strict=True) if other.is_wrong),
        default=np.inf,
    )
    chosen = others.named[int(gaps.argmin())]
    nearest = float(gaps.min())
    drawn = Sight(step.without.exact)
    way = max(others.gap(drawn, goal.look), 1e-6)
    open_end = Finding(
        done=to_goal < min(to_nothing, wrong),
        strange=min(nearest, to_goal, to_nothing) / way,
    )
    if nearest > _CLEARLY * min(to_goal, to_nothing):
        return open_end
    look = look_of(chosen, truth.easel)
    start = max(others.gap(drawn, look), 1e-6)
    fit = float(np.clip(1 - nearest / start, 0, 1))
    if fit < _ALIKE:
        return open_end
    aside = length(off_the_way(look.exact, step.without, goal.look))[others.window]
    astray = max(others.gap(Sight(look.exact), goal.look), 1e-6)
    return Finding(
        done=not chosen.is_wrong,
        strange=nearest / way,
        counterpart=chosen,
        look=look,
        error=None if chosen.is_wrong else nearest / start,
        fit=fit,
        aside=float(aside[others.region].sum()) / astray,
    )


@lru_cache(maxsize=64)
def alternatives(case: Case, size: int, goal_place: int, step_place: int) -> Alternatives | None:
    """The alternatives to one step of one goal; None where there are none."""
    truth = truth_of(case, size)
    goal = truth.goals[goal_place]
    step = goal.steps[step_place]
    accepted = {other.scene for other in truth.goals}
    found = counterparts(case.source, goal.changes, step.number)
    named = tuple(other for other in found if other.scene not in accepted)
    if not named:
        return None
    return drawn_alternatives(named, truth.easel, step.without, step.region)
