"""What a training cost: the axes and kinds of edits that it left worse than the base editor was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from editloop.claims.arms import ArmResult, score_table
from editloop.claims.evaluation import AXES
from editloop.claims.lab import Lab
from editloop.claims.rows import paired_effect
from editloop.core.stats import Interval
from editloop.report.story import Table

HEADINGS: Final = ("editor", "what", "cases", "base", "now", "change", "95 % interval")
NOTE: Final = (
    "Everything whose mean fell, whether or not the interval excludes chance. Scores are on 1 to 5, the share of fully right "
    "edits on 0 to 1."
)


@dataclass(frozen=True, slots=True)
class Fall:
    """A mean that is lower after a training than before."""

    what: str
    cases: int
    base: float
    effect: Interval
    """Of now minus base; its value is negative."""


def worse_table(lab: Lab, arms: Mapping[str, Sequence[ArmResult]]) -> Table:
    """A row for each thing that got worse.

    Args:
        lab: The bench.
        arms: Name of an editor -> its arm's results, one a seed.
    """
    rows = [
        (
            editor,
            fall.what,
            str(fall.cases),
            f"{fall.base:.2f}",
            f"{fall.base + fall.effect.value:.2f}",
            f"{fall.effect.value:+.2f}",
            f"[{fall.effect.low:+.2f}, {fall.effect.high:+.2f}]",
        )
        for editor, results in arms.items()
        for fall in sorted(falls(lab, results), key=lambda fall: fall.effect.value)
    ]
    note = NOTE if rows else "Nothing: no axis and no kind of edit has a lower mean than before."
    return Table("What got worse", HEADINGS, tuple(rows), note)


LEAST_CASES: Final = 2
"""Of a kind of edit, for an interval."""


def falls(lab: Lab, results: Sequence[ArmResult]) -> Iterator[Fall]:
    """The axes over all cases, then the overall score of each kind of edit."""
    every = np.arange(len(lab.cases))
    kinds = np.array([str(case.report_type) for case in lab.cases])
    groups = [(axis.replace("_", " "), axis, every) for axis in AXES]
    groups += [
        (f"{kind.replace('_', ' ')} edits, overall", "overall", np.flatnonzero(kinds == kind))
        for kind in sorted(set(kinds))
    ]
    for what, axis, places in groups:
        if len(places) < LEAST_CASES:
            continue
        base = np.array(lab.base.scores[axis])[places]
        now = score_table(list(results), axis)[:, places]
        if now.mean() < base.mean():
            effect = paired_effect(now, np.tile(base, (len(now), 1)))
            yield Fall(what, len(places), float(base.mean()), effect)
