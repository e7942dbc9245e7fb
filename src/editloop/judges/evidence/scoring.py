"""From evidence to scores: findings between 0 and 1, two axes between 1 and 5, words and a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from editloop.judges.evidence.config import Ramp

SCALE = (1.0, 5.0)
_WORST_WEIGHT = 0.75
"""A judge of edits is as strict as the worst fault it sees: the rest only moves the score a little."""


class Axis(StrEnum):
    """ImgEdit's two post-filter axes (arXiv 2505.20275, section on the data pipeline)."""

    INSTRUCTION = "instruction"
    NATURAL = "natural"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Args:
        code: Stable machine-readable name of the fault, used as the reason of a rejection.
        axis: The axis it counts for.
        value: 0 = the fault is plain, 1 = no trace of it.
        fault: The fault in words.
        praise: What to say where all is well; empty to stay silent.
        identity: Whether it says that the named things match, for the flag ``objects_match``.
    """

    code: str
    axis: Axis
    value: float
    fault: str
    praise: str = ""
    identity: bool = False


def ramp(value: float, limits: Ramp) -> float:
    """Where `value` lies between `limits` = (bad, good), clipped to [0, 1]; `bad` may be the larger one.

    Example:
        >>> ramp(5.0, (10.0, 0.0))
        0.5
    """
    bad, good = limits
    return float(np.clip((value - bad) / (good - bad), 0.0, 1.0))


def axis_score(findings: Sequence[Finding], axis: Axis) -> float:
    """Score of `axis` in [1, 5]: mostly its worst finding, a little their mean; the middle without findings."""
    values = [finding.value for finding in findings if finding.axis is axis]
    if not values:
        return float(np.mean(SCALE))
    joined = _WORST_WEIGHT * min(values) + (1 - _WORST_WEIGHT) * float(np.mean(values))
    return SCALE[0] + (SCALE[1] - SCALE[0]) * joined


def worst(findings: Sequence[Finding], axis: Axis) -> Finding | None:
    """The finding that costs `axis` most."""
    return min((f for f in findings if f.axis is axis), key=lambda f: f.value, default=None)


def words(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Faults worst first; where there are none, what speaks for the edit."""
    faults = [f.fault for f in sorted(findings, key=lambda f: f.value) if f.value < 0.5]
    praises = [f.praise for f in findings if f.praise and f.value >= 0.5]
    return tuple(dict.fromkeys(faults or praises))
