"""Finds what changed beside the edit: a bystander, the backdrop, or something that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes
from editloop.world.choices import COLOURS, KINDS, PLACES
from editloop.world.oracle.alternatives import (
    Alternatives,
    Sight,
    drawn_alternatives,
    look_of,
)
from editloop.world.oracle.counterparts import Counterpart, Shade, drifted, with_object
from editloop.world.oracle.pixels import Pixels, Plane, Reference, box, distance, grown, reach_of
from editloop.world.oracle.truth import Truth, truth_of
from editloop.world.oracle.words import beside, named
from editloop.world.render import object_mask
from editloop.world.render.palette import COLOUR_RGB
from editloop.world.scenes import PLACE_X, Colour, Place, Scene, SceneObject

_EXPLAINS = 0.7
"""A side effect is named when it leaves less than this share of the difference from the goal."""
_STRAY = 0.1
"""Difference around a pixel from which on something may stand there."""
_SETTLES = 0.4
"""Share left from which on no other explanation is looked for."""
_TOUCHED = 0.02
"""Mean difference over an object from which on it may have changed."""
_GAINS = (0.75, 1.25)
"""How much paler or darker an object may have come out."""


class SideEffect(NamedTuple):
    """One further change that explains what is different from the goal."""

    counterpart: Counterpart
    look: Reference
    fit: float
    """Share of the difference that it explains, 0..1."""


def side_effect(truth: Truth, goal_place: int, sight: Sight) -> SideEffect | None:
    """The further change that explains best how a picture differs from the goal, if one does."""
    goal = truth.goals[goal_place]
    left, best = _EXPLAINS, None
    for options in _options(truth, goal_place, sight):
        gaps = options.gaps(sight)
        place = int(gaps.argmin())
        share = float(gaps[place]) / max(options.gap(sight, goal.look), 1e-6)
        if share < left:
            left, best = share, options.named[place]
        if left < _SETTLES:
            break
    if best is None:
        return None
    return SideEffect(best, look_of(best, truth.easel), 1 - left)


def _options(truth: Truth, goal_place: int, sight: Sight) -> Iterator[Alternatives]:
    """Alternatives to the goal at the places where the picture differs from it, the likeliest first."""
    goal, size = truth.goals[goal_place], truth.easel.size
    reach = reach_of(size)
    astray = box(distance(sight.image, sight.like(goal.look)), reach)
    masks = [
        grown(object_mask(goal.scene, index, size), reach)
        for index in range(len(goal.scene.objects))
    ]
    shares = [float(astray[mask].mean()) if mask.any() else 0.0 for mask in masks]
    for index in sorted(range(len(masks)), key=lambda index: -shares[index])[:2]:
        if shares[index] > _TOUCHED:
            yield bystanders_of(truth.case, size, goal_place, index)
    free = np.where(np.logical_or.reduce([np.zeros_like(goal.stays), *masks]), 0, astray)
    if float(free.max()) > _STRAY:
        place, colours = _seen_at(free, sight.image)
        yield strays_of(truth.case, size, goal_place, place, colours)


@lru_cache(maxsize=64)
def bystanders_of(case: Case, size: int, goal_place: int, index: int) -> Alternatives:
    """The goal with one of its objects gone, changed, moved or resized."""
    truth = truth_of(case, size)
    goal = truth.goals[goal_place]
    thing = goal.scene.objects[index]
    name = named(goal.scene, index)
    gone = apply_changes(goal.scene, (Change(EditType.REMOVE, index),))
    found = [Counterpart(gone, "over_edit", beside("gone", name))]
    others = [replace(thing, colour=colour) for colour in COLOURS if colour != thing.colour]
    others += [replace(thing, kind=kind) for kind in KINDS if kind != thing.kind]
    changed = beside("changed", name)
    found += [Counterpart(with_object(goal.scene, index, o), "over_edit", changed) for o in others]
    if thing not in {change.new_object for change in goal.changes}:
        found += _drifts(goal.scene, index)
    return drawn_alternatives(tuple(found), truth.easel, goal.look)


def _drifts(scene: Scene, index: int) -> list[Counterpart]:
    """One object a little displaced, resized, paler or darker; nobody can say that of an object that was not there before."""
    text = beside("drifted", named(scene, index))
    moved = drifted(scene, index)
    found = [Counterpart(other, "identity_drift", text) for other in moved]
    shaded = [
        Counterpart(other, "identity_drift", text, Shade(index, gain))
        for other in (scene, *moved)
        for gain in _GAINS
    ]
    return found + shaded


def _seen_at(astray: Plane, image: Pixels) -> tuple[Place, tuple[Colour, ...]]:
    """The place nearest to the largest difference, and the two colours of objects that most strange pixels there resemble."""
    size = len(image)
    reach = 2 * reach_of(size)
    row, column = divmod(int(box(astray, reach).argmax()), size)
    place = min(PLACES, key=lambda name: abs(PLACE_X[name] - (column + 0.5) / size))
    rows = slice(max(row - reach, 0), row + reach + 1)
    columns = slice(max(column - reach, 0), column + reach + 1)
    near = astray[rows, columns]
    strange = image[rows, columns][near > 0.5 * near.max()]
    inks = np.array([COLOUR_RGB[colour] for colour in COLOURS], np.float32) / 255
    nearest = ((strange[:, None] - inks) ** 2).sum(axis=-1).argmin(axis=1)
    votes = np.bincount(nearest, minlength=len(COLOURS))
    return place, tuple(COLOURS[int(number)] for number in sorted(np.argsort(-votes)[:2]))


@lru_cache(maxsize=64)
def strays_of(
    case: Case, size: int, goal_place: int, place: Place, colours: tuple[Colour, ...]
) -> Alternatives:
    """The goal with one object too many: a new one of any kind at that place, or one that should be gone."""
    truth = truth_of(case, size)
    goal = truth.goals[goal_place]
    things = [SceneObject(kind, colour, place) for colour in colours for kind in KINDS]
    things += [thing for thing in case.source.objects if thing not in goal.scene.objects]
    found = tuple(
        Counterpart(
            replace(goal.scene, objects=(*goal.scene.objects, thing)),
            "over_edit",
            beside("stray", f"{thing.colour} {thing.kind}"),
        )
        for thing in things
    )
    return drawn_alternatives(found, truth.easel, goal.look)
