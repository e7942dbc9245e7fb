"""Says what is wrong with an edited picture, the worst thing first."""

from __future__ import annotations

from editloop.world.oracle import words
from editloop.world.oracle.alternatives import Sight
from editloop.world.oracle.pixels import box, distance, reach_of
from editloop.world.oracle.reading import CAST, KEPT, SOFT, Reading
from editloop.world.oracle.truth import Truth

_CLEAN = 3.8
"""Quality from which on nobody complains."""
_NOISY = 0.03
_NOTHING_MOVED = 0.08
"""Difference from the source, around any pixel, below which nothing was done."""
_STRANGE = 0.5
"""Distance from everything drawn, as a share of the way to the goal, beyond which a picture is broken where the edit should be."""
_HALF = 0.8


def failure_of(truth: Truth, reading: Reading, sight: Sight) -> tuple[str | None, str]:
    """Code and text: what was not done, then what should have stayed, then how the picture looks; (None, "none") when right."""
    if reading.undone:
        return _undone(truth, reading, sight)
    if reading.cast >= CAST:
        return "colour_shift", words.beside("shift")
    if reading.clean.softness > SOFT and reading.clean.score < _CLEAN:
        return "blurred", words.beside("blurred")
    if reading.effect is not None and reading.kept.score < KEPT:
        return reading.effect.counterpart.failure, reading.effect.counterpart.text
    if min(reading.kept.score - KEPT, reading.clean.score - _CLEAN) < 0:
        return "artefacts", _broken(reading)
    return None, words.NOTHING_WRONG


def _undone(truth: Truth, reading: Reading, sight: Sight) -> tuple[str, str]:
    goal = reading.goal
    for place in reading.undone:
        found = reading.findings[place]
        if found is not None and found.counterpart is not None and found.counterpart.failure:
            return found.counterpart.failure, found.counterpart.text
    worst = max(reading.undone, key=lambda place: reading.errors[place])
    found = reading.findings[worst]
    missing = words.undone(truth.case.source, goal.steps[worst].change)
    moved = box(
        distance(sight.image, truth.source.shifted(sight.drift)), reach_of(len(sight.image))
    )
    if float(moved.max()) < _NOTHING_MOVED:
        return "no_op", missing
    if found is not None and found.strange > _STRANGE:
        return "artefacts", _broken(reading)
    if len(reading.undone) < len(goal.steps):
        return "half_done", missing
    if reading.errors[worst] < _HALF:
        return "half_done", words.beside("half_done")
    if missing.endswith("still there"):
        return "still_there", missing
    return ("not_added" if missing.endswith("added") else "not_done"), missing


def _broken(reading: Reading) -> str:
    return words.beside("noisy" if reading.clean.noise > _NOISY else "smeared_picture")
