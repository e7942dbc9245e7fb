"""Finds what changed beside the edit: a bystander, the backdrop, or something that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes
from editloop.world.choices import BACKGROUNDS, COLOURS, KINDS, PLACES
from editloop.world.oracle.counterparts import Counterpart, drifted, with_object
from editloop.world.oracle.naming import Alternatives, drawn_alternatives
from editloop.world.oracle.pixels import Pixels, Plane, Reference, box, distance, grown, reach_of
from editloop.world.oracle.truth import Goal, Truth, truth_of
from editloop.world.oracle.words import beside, named
from editloop.world.render import object_mask
from editloop.world.render.palette import COLOUR_RGB
from editloop.world.scenes import PLACE_X, SceneObject

_EXPLAINS = 0.7
"""A side effect is named when it leaves less than this share of the difference from the goal."""
_STRAY = 0.1
"""Difference around a pixel from which on something may stand there."""
_WIDE = 0.5
"""Share of the backdrop that must differ before another backdrop is considered."""


def side_effect(
    truth: Truth, goal_place: int, image: Pixels, drift: Pixels | None
) -> tuple[Counterpart, Reference] | None:
    """The one further change that explains best how `image` differs from the goal, with its picture."""
    goal = truth.goals[goal_place]
    astray = box(distance(image, goal.look.shifted(drift)), reach_of(len(image)))
    best: tuple[float, Counterpart] | None = None
    for options in _options(truth, goal, goal_place, astray, image):
        before = options.gap(image, goal.look, drift)
        gaps = options.gaps(image, drift)
        place = int(gaps.argmin())
        left = float(gaps[place]) / max(before, 1e-6)
        if left < _EXPLAINS and (best is None or left < best[0]):
            best = left, options.named[place]
    return None if best is None else (best[1], truth.easel.drawn(best[1].scene))


def _options(
    truth: Truth, goal: Goal, goal_place: int, astray: Plane, image: Pixels
) -> Iterator[Alternatives]:
    size = truth.easel.size
    masks = [object_mask(goal.scene, index, size) for index in range(len(goal.scene.objects))]
    things = np.zeros_like(goal.stays)
    for mask in masks:
        things |= mask
    backdrop = ~grown(things, 2 * reach_of(size))
    if backdrop.any() and float(np.mean(astray[backdrop] > 0.04)) > _WIDE:
        yield backgrounds_of(truth.case, size, goal_place)
        return
    shares = [float(astray[mask].mean()) if mask.any() else 0.0 for mask in masks]
    if shares:
        yield bystanders_of(truth.case, size, goal_place, int(np.argmax(shares)))
    stray = _strays(truth, goal, np.where(grown(things, reach_of(size)), 0, astray), image)
    if stray:
        yield drawn_alternatives(stray, truth.easel, goal.look, np.zeros_like(goal.stays))


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
    drift = beside("drifted", name)
    found += [Counterpart(s, "identity_drift", drift) for s in drifted(goal.scene, index)]
    nothing = np.zeros_like(goal.stays)
    return drawn_alternatives(tuple(found), truth.easel, goal.look, nothing)


@lru_cache(maxsize=32)
def backgrounds_of(case: Case, size: int, goal_place: int) -> Alternatives:
    """The goal on another background."""
    truth = truth_of(case, size)
    goal = truth.goals[goal_place]
    found = tuple(
        Counterpart(replace(goal.scene, background=name), "over_edit", beside("background"))
        for name in BACKGROUNDS
        if name != goal.scene.background
    )
    return drawn_alternatives(found, truth.easel, goal.look, np.zeros_like(goal.stays))


def _strays(truth: Truth, goal: Goal, astray: Plane, image: Pixels) -> tuple[Counterpart, ...]:
    """What may stand where the picture differs most: objects of every kind in the colours seen there, or one that should be gone."""
    if float(astray.max()) < _STRAY:
        return ()
    size = truth.easel.size
    row, column = divmod(int(box(astray, 2 * reach_of(size)).argmax()), size)
    place = min(PLACES, key=lambda name: abs(PLACE_X[name] - (column + 0.5) / size))
    reach = 2 * reach_of(size)
    patch = image[
        max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1
    ]
    inks = np.array([COLOUR_RGB[colour] for colour in COLOURS], np.float32) / 255
    nearness = ((patch.reshape(-1, 1, 3) - inks) ** 2).sum(axis=-1).min(axis=0)
    likely = [COLOURS[int(number)] for number in np.argsort(nearness)[:2]]
    things = [SceneObject(kind, colour, place) for colour in likely for kind in KINDS]
    things += [thing for thing in truth.case.source.objects if thing not in goal.scene.objects]
    return tuple(
        Counterpart(
            replace(goal.scene, objects=(*goal.scene.objects, thing)),
            "over_edit",
            beside("stray", f"{thing.colour} {thing.kind}"),
        )
        for thing in things
    )
