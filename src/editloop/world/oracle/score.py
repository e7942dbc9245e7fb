"""Scores one edited picture against what was asked."""

from __future__ import annotations

from dataclasses import dataclass

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
    ramp,
    step_score,
)
from editloop.world.oracle.naming import Finding, finding
from editloop.world.oracle.pixels import Pixels, as_pixels, distance
from editloop.world.oracle.truth import SEEN, Goal, Truth, truth_of
from editloop.world.oracle.verdicts import OracleScore, overall_score

SMALLEST = 32
"""Side in pixels below which objects cannot be told apart."""
_SURELY_DONE = 0.2
"""Error below which nobody would look for another reading."""
_STILL_DONE = 0.45
"""Largest error of a step that counts as done, provided that the goal is the likeliest reading."""
_KEPT = 4.0
_CLEAN = 3.8
_CREDIT = {"wrong_object": 1.5, "half_done": 2.5}
_USUAL_CREDIT = 2.0
"""Instruction score of a wrong result that was clearly meant as an answer: people give 2 for the right object in a wrong colour."""


@dataclass(frozen=True)
class _Reading:
    """An edited picture measured against one acceptable result."""

    goal: Goal
    errors: list[float]
    findings: list[Finding | None]
    instruction: float
    kept: Preservation
    clean: Quality

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
    readings = [_read(truth, place, image, drift) for place in range(len(truth.goals))]
    best = max(readings, key=lambda reading: (reading.overall, reading.instruction))
    return _verdict(truth, best, image, drift)


def _read(truth: Truth, place: int, image: Pixels, drift: Pixels | None) -> _Reading:
    goal = truth.goals[place]
    before = truth.source if drift is None else truth.source.shifted(drift)
    look = goal.look if drift is None else goal.look.shifted(drift)
    errors = [error_of(step, image, look, drift) for step in goal.steps]
    kept = preservation(image, before, goal)
    doubtful = kept.score < _KEPT
    findings = [
        finding(truth, place, number, image, drift) if doubtful or error > _SURELY_DONE else None
        for number, error in enumerate(errors)
    ]
    marks = [_mark(error, found) for error, found in zip(errors, findings, strict=True)]
    wrong = [found.look for found in findings if found is not None and found.look is not None]
    if wrong and goal.new_look:
        kept = preservation(image, before, goal, wrong[0])
    clean = quality(image, (before, look, *wrong), ~goal.stays)
    return _Reading(goal, errors, findings, instruction_score(marks), kept, clean)


def _mark(error: float, found: Finding | None) -> float:
    """The instruction score of one step, 1 to 5.

    It falls with the error, and is drawn to what people give for a wrong answer as far as the picture shows that answer.
    """
    mark = step_score(error)
    if found is None or found.counterpart is None:
        return mark
    credit = _CREDIT.get(found.counterpart.failure, _USUAL_CREDIT)
    surely = ramp(found.fit, 0.5, 0.85) * ramp(found.aside, 0.3, 0.6)
    return mark + surely * (credit - mark)


def _is_done(error: float, found: Finding | None) -> bool:
    return found is None or (found.done and error <= _STILL_DONE)


def _verdict(truth: Truth, reading: _Reading, image: Pixels, drift: Pixels | None) -> OracleScore:
    failure, text = _name(truth, reading, image, drift)
    return OracleScore(
        reading.instruction,
        reading.kept.score,
        reading.clean.score,
        reading.overall,
        failure is None,
        failure,
        text,
    )


def _name(
    truth: Truth, reading: _Reading, image: Pixels, drift: Pixels | None
) -> tuple[str | None, str]:
    """The worst thing wrong: first what was not done, then what should have stayed, then how it looks."""
    if reading.undone:
        return _name_undone(truth, reading, image, drift)
    if reading.kept.score < _KEPT and reading.kept.score <= reading.clean.score:
        return _name_lost(truth, reading)
    if reading.clean.score < _CLEAN:
        return _name_unclean(reading)
    if reading.kept.score < _KEPT:
        return _name_lost(truth, reading)
    return None, words.NOTHING_WRONG


def _name_undone(
    truth: Truth, reading: _Reading, image: Pixels, drift: Pixels | None
) -> tuple[str, str]:
    source = truth.case.source
    goal = reading.goal
    for place in reading.undone:
        found = reading.findings[place]
        if found is not None and found.counterpart is not None:
            return found.counterpart.failure, found.counterpart.text
    worst = max(reading.undone, key=lambda place: reading.errors[place])
    change = goal.steps[worst].change
    missing = words.undone(source, change)
    if len(reading.undone) < len(goal.steps):
        return "half_done", missing
    before = truth.source if drift is None else truth.source.shifted(drift)
    if float(distance(image, before).mean()) < SEEN / 2:
        return "no_op", missing
    if reading.errors[worst] < 0.8:
        return "half_done", words.beside("half_done")
    if missing.endswith("still there"):
        return "still_there", missing
    return ("not_added" if missing.endswith("added") else "not_done"), missing


def _name_lost(truth: Truth, reading: _Reading) -> tuple[str, str]:
    kept = reading.kept
    if kept.even > 0.6:
        return "colour_shift", words.beside("shift")
    shares = [float(kept.where[mask].mean()) if mask.any() else 0.0 for mask in truth.objects]
    if shares and max(shares) > 0.5 * kept.worst:
        name = words.named(truth.case.source, int(np.argmax(shares)))
        return "over_edit", words.beside("thing_changed", name)
    return "over_edit", words.beside("background_changed")


def _name_unclean(reading: _Reading) -> tuple[str, str]:
    clean = reading.clean
    if clean.softness > 0.25:
        return "blurred", words.beside("blurred")
    if clean.noise > 0.03:
        return "artefacts", words.beside("noisy")
    return "artefacts", words.beside("smeared_picture")


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
