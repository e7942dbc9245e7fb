"""Edits gone wrong as scenes: what an editor returns that misreads the instruction or touches too much.

A candidate is a list of changes to a scene; which of them can be seen is for `corruptors` to check on pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from numpy.random import Generator

from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import PICTURE_ATTRIBUTES, apply_changes
from editloop.world.choices import (
    BACKGROUNDS,
    COLOURS,
    KINDS,
    LIGHTS,
    PATTERNS,
    PLACES,
    SIZES,
    STYLES,
    TONES,
    WEARS,
    pick,
    pick_except,
)
from editloop.world.scenes import Scene, SceneObject

_VALUES: dict[str, Sequence[str]] = {
    "colour": COLOURS,
    "pattern": PATTERNS,
    "size": SIZES,
    "place": PLACES,
    "background": BACKGROUNDS,
    "style": STYLES,
    "tone": TONES,
    "light": LIGHTS,
    "wear": WEARS,
}
_DOUBLED = frozenset({EditType.ADJUST, EditType.REPLACE, EditType.VISUAL})
"""Edits that, on a picture with one object, land beside it on a second one."""


_VARIANTS = 2
_Variants: TypeAlias = Callable[[Case, Change, Generator], Iterator[Change]]


class Misedit(NamedTuple):
    """Changes to a scene that together make a wrong edit."""

    scene: Scene
    changes: tuple[Change, ...]

    def result(self) -> Scene:
        """The scene that the wrong edit leads to."""
        return apply_changes(self.scene, self.changes)


def on_wrong_objects(case: Case, rng: Generator) -> list[Misedit]:
    """The right kind of edit on another object, in another place, or on a stray second one."""
    return _with_one_change_swapped(case, _misdirected, rng)


def with_wrong_attributes(case: Case, rng: Generator) -> list[Misedit]:
    """An edit of the right thing that gives it another colour, kind, place, background or look than asked."""
    return _with_one_change_swapped(case, _misread, rng)


def over_edits(case: Case, target: Scene, rng: Generator) -> list[Misedit]:
    """The right edit with one more change that nobody asked for."""
    extras: list[Change] = []
    bystanders = untouched_objects(case, target)
    for index in bystanders or range(len(target.objects)):
        extras += [
            Change(EditType.REPLACE, index, new_object=thing)
            for thing in _lookalikes(target.objects[index], rng)
        ]
    extras += [Change(EditType.REMOVE, index) for index in bystanders for _ in range(_VARIANTS)]
    if target.background != "paper":
        other = pick_except(rng, BACKGROUNDS, target.background)
        extras.append(Change(EditType.BACKGROUND, None, "background", other))
    extras += _strays(case, target, rng)
    return [Misedit(target, (extra,)) for extra in extras]


def untouched_objects(case: Case, target: Scene) -> list[int]:
    """Indices of the objects in `target` that stand there just as they did in the source."""
    return [index for index, thing in enumerate(target.objects) if thing in case.source.objects]


def _with_one_change_swapped(case: Case, variants: _Variants, rng: Generator) -> list[Misedit]:
    found = []
    for position, change in enumerate(case.changes):
        before, after = case.changes[:position], case.changes[position + 1 :]
        found += [
            Misedit(case.source, (*before, wrong, *after)) for wrong in variants(case, change, rng)
        ]
    return found


def _misdirected(case: Case, change: Change, _rng: Generator) -> Iterator[Change]:
    if change.edit_type in PICTURE_ATTRIBUTES.values():
        return
    new = change.new_object
    if change.object_index is None:
        if new is not None:
            for place in PLACES:
                if place != new.place:
                    yield replace(change, new_object=replace(new, place=place))
        return
    spoken_of = {other.object_index for other in case.changes}
    others = [i for i in range(len(case.source.objects)) if i not in spoken_of]
    for index in others:
        there = case.source.objects[index]
        moved = new and replace(new, place=there.place, dx=there.dx, dy=there.dy)
        yield replace(change, object_index=index, new_object=moved)
    if not others and change.edit_type in _DOUBLED:
        edited = apply_changes(case.source, (change,)).objects[change.object_index]
        for place in PLACES:
            if place != edited.place:
                stray = replace(edited, place=place, dx=0.0, dy=0.0)
                yield Change(EditType.ADD, new_object=stray)


def _misread(case: Case, change: Change, rng: Generator) -> Iterator[Change]:
    if change.new_object is not None:
        for thing in _lookalikes(change.new_object, rng):
            yield replace(change, new_object=thing)
    elif change.edit_type is EditType.REMOVE and change.object_index is not None:
        for thing in _lookalikes(case.source.objects[change.object_index], rng):
            yield Change(EditType.REPLACE, change.object_index, new_object=thing)
    elif change.edit_type is EditType.EXTRACT:
        # Nothing is cut out; a new backdrop is all that comes.
        for name in BACKGROUNDS:
            if name != case.source.background:
                yield Change(EditType.BACKGROUND, None, "background", name)
    elif change.edit_type is EditType.BOKEH:
        yield Change(EditType.RESTORE, None, "wear", "blur")
    else:
        yield from _other_values(case.source, change)


def _other_values(source: Scene, change: Change) -> Iterator[Change]:
    attribute = "place" if change.attribute == "jumping" else str(change.attribute)
    holder = source if change.object_index is None else source.objects[change.object_index]
    for value in _VALUES[attribute]:
        if value not in (change.value, getattr(holder, attribute)):
            yield replace(change, attribute=attribute, value=value)


def _lookalikes(thing: SceneObject, rng: Generator) -> Iterator[SceneObject]:
    """A few things in its stead that share its kind or its colour."""
    for _ in range(_VARIANTS):
        yield replace(thing, colour=pick_except(rng, COLOURS, thing.colour))
        yield replace(thing, kind=pick_except(rng, KINDS, thing.kind))


def _strays(case: Case, target: Scene, rng: Generator) -> Iterator[Change]:
    """Objects that come out of nowhere, or that an extraction should have left behind."""
    for thing in case.source.objects:
        if thing not in target.objects and target.background == "paper":
            yield Change(EditType.ADD, new_object=thing)
    taken = {thing.place for thing in target.objects}
    for place in PLACES:
        if place not in taken:
            stray = SceneObject(pick(rng, KINDS), pick(rng, COLOURS), place)
            yield Change(EditType.ADD, new_object=stray)
