"""Where to cut: a validator's threshold read off the survival curve of its scores (NHR-Edit, arXiv 2507.14119).

The paper draws the share of triplets that survive each threshold, finds two knees where many fall at once (4.5 and 4.9), and
cuts where the distance to the nearer knee is largest (4.7): there a small shift of the judge's scale changes least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import UsageError

STEPS: Final = 40
"""Thresholds across a judge's scale: tenths on a scale from 1 to 5."""
APART: Final = 3
"""Least steps between two knees."""
VALLEY: Final = 0.7
"""Two heaps of scores count as two when the curve between them falls at most this much as fast as at the lesser one."""
_SMOOTHING: Final = np.array([0.25, 0.5, 0.25])


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """S(T): the share of triplets that score at least T."""

    thresholds: tuple[float, ...]
    shares: tuple[float, ...]

    def at(self, threshold: float) -> float:
        """The share that survives the grid point nearest to `threshold`."""
        place = int(np.abs(np.array(self.thresholds) - threshold).argmin())
        return self.shares[place]


@dataclass(frozen=True, slots=True)
class PickedThreshold:
    """A threshold with what it was read off; `knees` is None where no score lies in the upper half of the scale."""

    threshold: float
    knees: tuple[float, float] | None
    curve: SurvivalCurve


def survival_curve(scores: Sequence[float], scale: tuple[float, float]) -> SurvivalCurve:
    """The curve over thresholds spread evenly across `scale`, both ends included.

    Raises:
        UsageError: without scores.
    """
    if not len(scores):
        raise UsageError("a survival curve needs at least one score")
    thresholds = np.round(np.linspace(*scale, STEPS + 1), 9)
    ordered = np.sort(np.asarray(scores, np.float64))
    below = np.searchsorted(ordered, thresholds - 1e-9)
    return SurvivalCurve(tuple(thresholds.tolist()), tuple((1 - below / len(ordered)).tolist()))


def find_knees(curve: SurvivalCurve) -> tuple[float, float] | None:
    """The two thresholds of the upper half of the scale into which the curve falls most.

    Where the scores lie in one heap, its two flanks: where the curve falls half as fast as at its steepest.
    """
    shares = np.array([1.0, *curve.shares, 0.0])
    falls = shares[:-1] - shares[1:]
    falls[: len(curve.thresholds) // 2 + 1] = 0.0
    if not falls.any():
        return None
    speed = np.convolve(np.pad(falls, 1), _SMOOTHING, mode="valid")
    low, high = _two_peaks(speed) or _flanks(speed)
    ends = (*curve.thresholds, curve.thresholds[-1])  # what scores the maximum falls behind the end
    return ends[low], ends[high]


def between_knees(knees: tuple[float, float], thresholds: Sequence[float]) -> float:
    """Of `thresholds`, the one whose smaller distance to the knees is largest among those between them; of two, the stricter."""
    low, high = min(knees), max(knees)
    inside = [value for value in thresholds if low - 1e-9 <= value <= high + 1e-9]
    return max(inside, key=lambda value: (round(min(value - low, high - value), 9), value))


def pick_threshold(scores: Sequence[float], scale: tuple[float, float]) -> PickedThreshold:
    """The threshold for scores on `scale`; the middle of the scale where all of them lie below it.

    Raises:
        UsageError: without scores.
    """
    curve = survival_curve(scores, scale)
    knees = find_knees(curve)
    if knees is None:
        return PickedThreshold(curve.thresholds[len(curve.thresholds) // 2], None, curve)
    return PickedThreshold(between_knees(knees, curve.thresholds), knees, curve)


def _two_peaks(speed: NDArray[np.float64]) -> tuple[int, int] | None:
    """Places of the two steepest falls with a gentler stretch between them."""
    ends = np.pad(speed, 1, constant_values=-1.0)
    is_peak = (speed > 0) & (speed >= ends[:-2]) & (speed > ends[2:])
    peaks = sorted(np.flatnonzero(is_peak).tolist(), key=lambda place: -speed[place])
    for other in peaks[1:]:
        low, high = sorted((peaks[0], other))
        if high - low >= APART and speed[low:high].min() <= VALLEY * speed[other]:
            return low, high
    return None


def _flanks(speed: NDArray[np.float64]) -> tuple[int, int]:
    peak = int(speed.argmax())
    slow = np.flatnonzero(speed < speed[peak] / 2)
    before, after = slow[slow < peak], slow[slow > peak]
    low = int(before[-1]) + 1 if before.size else 0
    high = int(after[0]) - 1 if after.size else len(speed) - 1
    return low, high
