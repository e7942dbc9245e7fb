"""Scores one edited picture against what was asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from editloop.core.errors import UsageError
from editloop.models.roles import RgbImage
from editloop.world.cases import Case
from editloop.world.oracle import words
from editloop.world.oracle.axes import (
    Preservation,
    Quality,
    error_of,
    instruction_score,
    preservation,
    quality,
    step_score,
)
from editloop.world.oracle.cast import without_cast
from editloop.world.oracle.counterparts import Counterpart
from editloop.world.oracle.naming import Finding, finding
from editloop.world.oracle.pixels import (
    Pixels,
    Reference,
    as_pixels,
    box,
    distance,
    ramp,
    reach_of,
)
from editloop.world.oracle.side_effects import side_effect
from editloop.world.oracle.truth import Goal, Truth, truth_of
from editloop.world.oracle.verdicts import OracleScore, overall_score

SMALLEST = 32
"""Side in pixels below which objects cannot be told apart."""
_SURELY_DONE = 0.2
"""Error below which nobody would look for another reading."""
_STILL_DONE = 0.45
"""Largest error of a step that counts as done, provided that the goal is the likeliest reading."""
_KEPT = 4.0
_CLEAN = 3.8
_EVEN = 0.6
_CAST = 0.04
_SOFT = 0.3
_NOISY = 0.03
_NOTHING_MOVED = 0.08
_HALF = 0.8
_CREDIT = {"wrong_object": 1.5, "half_done": 2.5, "wrong_size": 3.0}
_USUAL_CREDIT = 2.0
"""Instruction score of a wrong result that was clearly meant as an answer: people give 2 for the right object in a wrong colour."""


@dataclass(frozen=True)
class _Sight:
    """An edited picture, ready to be compared."""

    image: Pixels
    drift: Pixels | None
    """How far the source that was edited lies from the drawn one; None where it is the drawn one."""


@dataclass(frozen=True)
class _Reading:
    """An edited picture measured against one acceptable result."""

    place: int
    goal: Goal
    errors: list[float]
    findings: list[Finding | None]
    instruction: float
    kept: Preservation
    clean: Quality
    cast: float
    beside: Counterpart | None
    """What else changed, where everything asked for is done."""

    @property
    def overall(self) -> float:
        return overall_score(self.instruction, self.kept.score, self.clean.score)

    @property
    def undone(self) -> list[int]:
        """Places of the steps that a person would call missing or wrong."""
        return [
            place
            for place, (error, found) in enumerate(zip(self.errors, self.findings, strict=True))
            if not _is_done(error, found)
        ]


def score_edit(case: Case, edited: RgbImage, source: RgbImage | None = None) -> OracleScore:
    """What a fair person would say about an edited picture.

    Args:
        case: What was asked, and the true scenes.
        edited: Any editor's output, RGB uint8; a picture that is not square or not of the size of `source` is resized first.
        source: The pixels that were edited, where they are not the exact rendering of ``case.source`` (a drawn source).

    Returns:
        The score against the acceptable result that the picture comes nearest to.

    Raises:
        UsageError: `edited` or `source` is no RGB uint8 picture of at least 32 pixels a side.
    """
    size = _side(edited if source is None else source)
    truth = truth_of(case, size)
    image = truth.easel.view(_squared(edited, size))
    drift = None
    if source is not None:
        drift = truth.easel.view(_squared(source, size)) - truth.source.exact
        if float(np.abs(drift).max()) < 2 / 255:
            drift = None
    sight = _Sight(image, drift)
    readings = [_read(truth, place, sight) for place in range(len(truth.goals))]
    best = max(readings, key=lambda reading: (reading.overall, reading.instruction))
    failure, text = _name(truth, best, sight)
    return OracleScore(
        best.instruction,
        best.kept.score,
        best.clean.score,
        best.overall,
        failure is None,
        failure,
        text,
    )


def _read(truth: Truth, place: int, sight: _Sight) -> _Reading:
    goal = truth.goals[place]
    size = truth.easel.size
    before = truth.source.shifted(sight.drift)
    look = goal.look.shifted(sight.drift)
    plain, cast = without_cast(sight.image, look, before, new_look=goal.new_look)
    errors = [error_of(step, plain, look, sight.drift) for step in goal.steps]
    kept = preservation(sight.image, before, goal)
    doubtful = kept.score < _KEPT
    findings = [
        finding(truth.case, size, place, number, plain, sight.drift)
        if doubtful or error > _SURELY_DONE
        else None
        for number, error in enumerate(errors)
    ]
    errors = [
        error if found is None or found.error is None else min(error, found.error)
        for error, found in zip(errors, findings, strict=True)
    ]
    marks = [_mark(error, found) for error, found in zip(errors, findings, strict=True)]
    seen = [found.look for found in findings if found is not None and found.look is not None]
    if seen and goal.new_look:
        kept = preservation(sight.image, before, goal, seen[0])
    clean = quality(plain, (before, look, *seen), cast)
    reading = _Reading(
        place, goal, errors, findings, instruction_score(marks), kept, clean, cast, None
    )
    if reading.undone or min(kept.score, clean.score) >= _KEPT or cast > _CAST:
        return reading
    return _with_side_effect(truth, reading, _Sight(plain, sight.drift), (before, look, *seen))


def _with_side_effect(
    truth: Truth, reading: _Reading, sight: _Sight, ideals: tuple[Reference, ...]
) -> _Reading:
    """The reading in the light of what else changed: something drawn cleanly is no flaw of quality, but it was not kept."""
    effect = side_effect(truth, reading.place, sight.image, sight.drift)
    if effect is None:
        return reading
    other, look = effect
    clean = quality(sight.image, (*ideals, look), reading.cast)
    return replace(reading, clean=clean, beside=other)


def _mark(error: float, found: Finding | None) -> float:
    """The instruction score of one step, 1 to 5.

    It falls with the error, and is drawn to what people give for a wrong answer as far as the picture shows that answer.
    """
    mark = step_score(error)
    if found is None or found.counterpart is None or found.error is not None:
        return mark
    credit = _CREDIT.get(found.counterpart.failure, _USUAL_CREDIT)
    surely = ramp(found.fit, 0.5, 0.85) * ramp(found.aside, 0.3, 0.6)
    return mark + surely * (credit - mark)


def _is_done(error: float, found: Finding | None) -> bool:
    return found is None or (found.done and error <= _STILL_DONE)


def _name(truth: Truth, reading: _Reading, sight: _Sight) -> tuple[str | None, str]:
    """The worst thing wrong: first what was not done, then what should have stayed, then how the picture looks."""
    if reading.undone:
        return _name_undone(truth, reading, sight)
    kept, clean = reading.kept, reading.clean
    if min(kept.score - _KEPT, clean.score - _CLEAN) >= 0 and reading.cast < _CAST:
        return _name_drift(reading)
    if reading.cast >= _CAST or kept.even > _EVEN:
        return "colour_shift", words.beside("shift")
    if clean.softness > _SOFT:
        return "blurred", words.beside("blurred")
    if reading.beside is not None:
        return reading.beside.failure, reading.beside.text
    if clean.noise > _NOISY:
        return "artefacts", words.beside("noisy")
    return "artefacts", words.beside("smeared_picture")


def _name_drift(reading: _Reading) -> tuple[str | None, str]:
    for found in reading.findings:
        if found is not None and found.counterpart is not None and found.counterpart.failure:
            return found.counterpart.failure, found.counterpart.text
    return None, words.NOTHING_WRONG


def _name_undone(truth: Truth, reading: _Reading, sight: _Sight) -> tuple[str, str]:
    goal = reading.goal
    for place in reading.undone:
        found = reading.findings[place]
        if found is not None and found.counterpart is not None and found.counterpart.failure:
            return found.counterpart.failure, found.counterpart.text
    worst = max(reading.undone, key=lambda place: reading.errors[place])
    missing = words.undone(truth.case.source, goal.steps[worst].change)
    if len(reading.undone) < len(goal.steps):
        return "half_done", missing
    moved = box(
        distance(sight.image, truth.source.shifted(sight.drift)), reach_of(len(sight.image))
    )
    if float(moved.max()) < _NOTHING_MOVED:
        return "no_op", missing
    if reading.errors[worst] < _HALF:
        return "half_done", words.beside("half_done")
    if missing.endswith("still there"):
        return "still_there", missing
    return ("not_added" if missing.endswith("added") else "not_done"), missing


def _side(image: RgbImage) -> int:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise UsageError(f"a picture is RGB uint8 (h, w, 3), got {image.dtype} {image.shape}")
    side = min(image.shape[:2])
    if side < SMALLEST:
        raise UsageError(
            f"storybook pictures are scored from {SMALLEST} px on, got {image.shape[1]} x {image.shape[0]}"
        )
    return int(side)


def _squared(image: RgbImage, size: int) -> Pixels:
    _side(image)
    if image.shape[:2] != (size, size):
        image = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BOX))
    return as_pixels(image)
