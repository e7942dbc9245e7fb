"""Measures an edited picture against one acceptable result of its case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from editloop.world.cases import Case
from editloop.world.choices import BACKGROUNDS
from editloop.world.oracle.alternatives import Alternatives, Sight, drawn_alternatives
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
from editloop.world.oracle.findings import Finding, finding
from editloop.world.oracle.pixels import Pixels, Reference, distance, on_the_way, ramp, softened
from editloop.world.oracle.side_effects import SideEffect, side_effect
from editloop.world.oracle.truth import Goal, Truth, truth_of
from editloop.world.oracle.verdicts import overall_score
from editloop.world.oracle.words import beside
from editloop.world.scenes import Background

KEPT = 4.0
"""Preservation from which on nobody complains."""
SOFT = 0.3
"""Softness from which on a picture is called blurred."""
CAST = 0.04
"""Strength from which on a cast is called one."""
_SURELY_DONE = 0.2
"""Error below which a step is done unless the picture clearly shows a wrong answer."""
_STILL_DONE = 0.45
"""Largest error of a step that counts as done, provided that the goal is the likeliest reading."""
_BLURRED_FIT = 0.8
"""Share of the distance to sharp drawings that is left to blurred ones when a picture is blurred."""
_UNTOUCHED = 0.03
"""Largest difference in a window, and from any drawing, with which no side effect is looked for."""
_BACKDROP_FIT = 0.5
"""Share of the distance to source and goal that is left when the background was exchanged."""
_EXCHANGED = 2.2
"""Preservation below which the background may have been exchanged."""
_CREDIT = {"wrong_object": 1.5, "half_done": 2.5, "wrong_size": 3.0}
_USUAL_CREDIT = 2.0
"""Instruction score of a wrong result that was clearly meant as an answer: people give 2 for the right object in a wrong colour."""
_KEPT_AT_MOST = {"over_edit": 2.5, "identity_drift": 3.5}
"""Preservation where one bystander clearly became another one, or came out a little different."""


@dataclass(frozen=True)
class Reading:
    """An edited picture measured against one acceptable result."""

    goal: Goal
    errors: list[float]
    findings: list[Finding | None]
    kept: Preservation
    clean: Quality
    cast: float
    effect: SideEffect | None = None
    """What else changed, where everything asked for is done."""

    @property
    def instruction(self) -> float:
        """1 to 5."""
        marks = [_mark(e, found) for e, found in zip(self.errors, self.findings, strict=True)]
        return instruction_score(marks)

    @property
    def overall(self) -> float:
        """1 to 5."""
        return overall_score(self.instruction, self.kept.score, self.clean.score)

    @property
    def undone(self) -> list[int]:
        """Places of the steps that a person would call missing or wrong."""
        return [
            place
            for place, (error, found) in enumerate(zip(self.errors, self.findings, strict=True))
            if found is not None and _is_undone(error, found)
        ]


def read(truth: Truth, place: int, sight: Sight) -> Reading:
    """Measures a picture against the acceptable result `place` of a case."""
    plain_reading = _read(truth, place, sight)
    if plain_reading.kept.score > _EXCHANGED or plain_reading.cast > CAST:
        return plain_reading
    return _on_another_backdrop(truth, place, sight, plain_reading) or plain_reading


def _read(truth: Truth, place: int, sight: Sight) -> Reading:
    goal, size = truth.goals[place], truth.easel.size
    before, look = truth.source.shifted(sight.drift), goal.look.shifted(sight.drift)
    plain, cast = without_cast(sight.image, look, before, new_look=goal.new_look)
    ideals: tuple[Reference, ...] = (before, look)
    if goal.new_look:
        ideals = (*ideals, on_the_way(plain, before, look))
    clean = quality(plain, ideals, cast)
    soft = clean.softness > SOFT and _out_of_focus(plain, (before, look))
    sight = Sight(sight.image, sight.drift, soft)
    bare = sight._replace(image=plain)
    kept = preservation(sight.image, before, goal)
    errors = [error_of(step, bare, look) for step in goal.steps]
    findings = [
        finding(truth.case, size, place, number, bare)
        if kept.score < KEPT or error > _SURELY_DONE
        else None
        for number, error in enumerate(errors)
    ]
    errors = [
        error if found is None or found.error is None else min(error, found.error)
        for error, found in zip(errors, findings, strict=True)
    ]
    seen = [found.look for found in findings if found is not None and found.look is not None]
    if seen:
        clean = quality(plain, (*ideals, *seen), cast)
        kept = preservation(sight.image, before, goal, seen[0]) if goal.new_look else kept
    reading = Reading(goal, errors, findings, kept, clean, cast)
    if reading.undone or cast > CAST or sight.soft:
        return reading
    if max(kept.worst, clean.mush) < _UNTOUCHED and _own_drift(findings) is None:
        return reading
    effect = _own_drift(findings) or side_effect(truth, place, bare)
    if effect is None:
        return reading
    return _with_side_effect(reading, effect, bare, (*ideals, *seen))


def _out_of_focus(image: Pixels, ideals: tuple[Reference, ...]) -> bool:
    """Whether a picture is nearer to blurred drawings than to sharp ones: faint edges alone may also be an edit half done."""
    sharp = min(float(distance(image, ideal).mean()) for ideal in ideals)
    blurred = min(float(distance(image, softened(ideal)).mean()) for ideal in ideals)
    return blurred < _BLURRED_FIT * sharp


def _own_drift(findings: list[Finding | None]) -> SideEffect | None:
    """The edited object itself came out displaced or resized."""
    for found in findings:
        if found is None or found.counterpart is None or found.look is None:
            continue
        if found.counterpart.failure == "identity_drift":
            return SideEffect(found.counterpart, found.look, found.fit)
    return None


def _with_side_effect(
    reading: Reading, effect: SideEffect, sight: Sight, ideals: tuple[Reference, ...]
) -> Reading:
    """The reading in the light of what else changed: what is drawn cleanly is no flaw of quality, but it was not kept."""
    clean = quality(sight.image, (*ideals, effect.look), reading.cast)
    most = _KEPT_AT_MOST.get(effect.counterpart.failure or "", 5.0)
    sure = ramp(effect.fit, 0.3, 0.6)
    score = reading.kept.score - sure * max(reading.kept.score - most, 0.0)
    return replace(reading, clean=clean, kept=replace(reading.kept, score=score), effect=effect)


def _on_another_backdrop(truth: Truth, place: int, sight: Sight, plain: Reading) -> Reading | None:
    """The reading of a picture whose background was exchanged although nobody asked: the edit itself may still be right."""
    if truth.case.source.background != plain.goal.scene.background:
        return None
    others = backdrops_of(truth.case, truth.easel.size, place)
    gaps = others.gaps(sight)
    near = min(others.gap(sight, look) for look in (truth.source, plain.goal.look))
    if float(gaps.min()) > _BACKDROP_FIT * near:
        return None
    chosen = others.named[int(gaps.argmin())]
    there = truth_of(_moved_to(truth.case, chosen.scene.background), truth.easel.size)
    found = _read(there, place, sight)
    effect = SideEffect(chosen, there.goals[place].look, 1.0)
    return replace(found, kept=plain.kept, effect=effect)


@lru_cache(maxsize=32)
def backdrops_of(case: Case, size: int, goal_place: int) -> Alternatives:
    """A goal on every other background."""
    truth = truth_of(case, size)
    goal = truth.goals[goal_place]
    found = tuple(
        Counterpart(replace(goal.scene, background=name), "over_edit", beside("background"))
        for name in BACKGROUNDS
        if name != goal.scene.background
    )
    return drawn_alternatives(found, truth.easel, goal.look)


@lru_cache(maxsize=64)
def _moved_to(case: Case, background: Background) -> Case:
    scenes = [replace(scene, background=background) for scene in (case.source, *case.targets)]
    return replace(case, source=scenes[0], targets=tuple(scenes[1:]))


def _is_undone(error: float, found: Finding) -> bool:
    if found.counterpart is not None and found.counterpart.is_wrong:
        return True
    return error > (_STILL_DONE if found.done else _SURELY_DONE)


def _mark(error: float, found: Finding | None) -> float:
    """The instruction score of one step, 1 to 5.

    It falls with the error, and is drawn to what people give for a wrong answer as far as the picture shows that answer.
    """
    mark = step_score(error)
    if found is None or found.counterpart is None or not found.counterpart.is_wrong:
        return mark
    credit = _CREDIT.get(found.counterpart.failure or "", _USUAL_CREDIT)
    surely = ramp(found.fit, 0.5, 0.85) * ramp(found.aside, 0.3, 0.6)
    return float(np.clip(mark + surely * (credit - mark), 1.0, 5.0))
