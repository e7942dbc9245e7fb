"""Names what was done instead: which of the drawn alternatives does an edited picture resemble most."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
from editloop.world.oracle.truth import SEEN, Easel, truth_of

_CLEARLY = 0.85
"""An alternative is named when the picture is nearer to it than this share of the distance to anything else."""


class Alternatives(NamedTuple):
    """Drawn alternatives, cut to the window in which they differ."""

    named: tuple[Counterpart, ...]
    looks: Reference
    """Stack of cut pictures, shape (alternatives, rows, columns, 3)."""
    window: tuple[slice, slice]
    region: Mask
    """Inside the window: where any of them differs from the picture that they are alternatives to."""

    def gaps(self, image: Pixels, drift: Pixels | None) -> NDArray[np.float32]:
        """Distance of a picture from each alternative, summed over the region, shape (alternatives,)."""
        shift = None if drift is None else drift[self.window]
        planes = distance(image[self.window], self.looks.shifted(shift))
        return planes[:, self.region].sum(axis=1)

    def gap(self, image: Pixels, to: Reference, drift: Pixels | None) -> float:
        """Distance of a picture from any other whole picture over the same region."""
        shift = None if drift is None else drift[self.window]
        near = Reference(*(part[self.window] for part in to)).shifted(shift)
        return float(distance(image[self.window], near)[self.region].sum())


class Finding(NamedTuple):
    """What one step of the edit looks like."""

    done: bool
    """Nearer to the goal than to any wrong alternative and to nothing done."""
    counterpart: Counterpart | None
    """The alternative that the picture resembles, if it clearly does."""
    look: Reference | None
    """That alternative, drawn."""
    error: float | None
    """Where the alternative answers the instruction too: what is still to go to it, as a share of the way."""
    fit: float
    """1 where the picture is that alternative, 0 where it is as far from it as nothing done is."""
    aside: float
    """Share of that alternative's difference from the goal that leads off the straight way: a ball half-way between red and
    green is nearly brown, and yet on its way."""


def finding(
    case: Case, size: int, goal_place: int, step_place: int, image: Pixels, drift: Pixels | None
) -> Finding:
    """Compares `image` with the goal, with the step left out, and with everything else an editor may have done.

    Args:
        case: What was asked.
        size: Side of the pictures.
        goal_place: Which acceptable result.
        step_place: Which of its steps.
        image: The edited picture.
        drift: How far the edited source lies from the drawn one.
    """
    truth = truth_of(case, size)
    goal = truth.goals[goal_place]
    step = goal.steps[step_place]
    others = alternatives(case, size, goal_place, step_place)
    if not others.named:
        return Finding(True, None, None, None, 0.0, 0.0)
    to_goal = others.gap(image, goal.look, drift)
    to_nothing = others.gap(image, step.without, drift)
    gaps = others.gaps(image, drift)
    best = int(gaps.argmin())
    nearest = float(gaps[best])
    if nearest > _CLEARLY * min(to_goal, to_nothing):
        wrong = min(
            (gap for gap, other in zip(gaps, others.named, strict=True) if _is_wrong(other)),
            default=np.inf,
        )
        return Finding(to_goal < min(to_nothing, wrong), None, None, None, 0.0, 0.0)
    chosen = others.named[best]
    look = truth.easel.drawn(chosen.scene)
    start = max(others.gap(step.without.exact, look, None), 1e-6)
    astray = max(others.gap(look.exact, goal.look, None), 1e-6)
    aside = length(off_the_way(look.exact, step.without, goal.look))[others.window]
    return Finding(
        not _is_wrong(chosen),
        chosen,
        look,
        None if _is_wrong(chosen) else nearest / start,
        float(np.clip(1 - nearest / start, 0, 1)),
        float(aside[others.region].sum()) / astray,
    )


def _is_wrong(other: Counterpart) -> bool:
    return other.failure not in (None, "identity_drift")


@lru_cache(maxsize=64)
def alternatives(case: Case, size: int, goal_place: int, step_place: int) -> Alternatives:
    """The alternatives to one step of one goal."""
    truth = truth_of(case, size)
    goal = truth.goals[goal_place]
    step = goal.steps[step_place]
    accepted = {other.scene for other in truth.goals}
    found = counterparts(case.source, goal.changes, step.number)
    named = tuple(other for other in found if other.scene not in accepted)
    return drawn_alternatives(named, truth.easel, step.without, step.region)


def drawn_alternatives(
    named: tuple[Counterpart, ...], easel: Easel, plain: Reference, region: Mask
) -> Alternatives:
    """Draws alternatives to the picture `plain`, cut to where they differ from it or `region` is set."""
    if not named:
        return Alternatives((), plain, (slice(None), slice(None)), region)
    looks = np.stack([easel.picture(other.scene) for other in named])
    differs = np.abs(looks - plain.exact).max(axis=(0, -1)) > SEEN
    region = region | grown(differs, reach_of(easel.size))
    rows, columns = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    whole = reference(looks)
    cut = Reference(*(part[(slice(None), *window)] for part in whole))
    return Alternatives(named, cut, window, region[window])
