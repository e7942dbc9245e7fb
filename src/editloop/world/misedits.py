"""Edits gone wrong as scenes: what an editor returns that misreads the instruction or touches too much.

A candidate is a list of changes to a scene; which of them can be seen is for `corruptors` to check on pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

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


class Misedit(NamedTuple):
    """Changes to a scene that together make a wrong edit."""

    scene: Scene
    changes: tuple[Change, ...]

    def result(self) -> Scene:
        """The scene that the wrong edit leads to."""
        return apply_changes(self.scene, self.changes)


def on_wrong_objects(case: Case) -> list[Misedit]:
    """The right kind of edit on another object, in another place, or on a stray second one."""
    return _with_one_change_swapped(case, _misdirected)


def with_wrong_attributes(case: Case) -> list[Misedit]:
    """An edit of the right thing that gives it another colour, kind, place, background or look than asked."""
    return _with_one_change_swapped(case, _misread)


def over_edits(case: Case, target: Scene) -> list[Misedit]:
    """The right edit with one more change that nobody asked for."""
    extras: list[Change] = []
    bystanders = untouched_objects(case, target)
    for index in bystanders or range(len(target.objects)):
        thing = target.objects[index]
        extras += [
            Change(EditType.ADJUST, index, "colour", colour)
            for colour in COLOURS
            if colour != thing.colour
        ]
        extras += [
            Change(EditType.REPLACE, index, new_object=replace(thing, kind=kind))
            for kind in KINDS
            if kind != thing.kind
        ]
        if len(bystanders) > 0:
            extras += [Change(EditType.REMOVE, index)] * len(KINDS)
    if target.background != "paper":
        others = [name for name in BACKGROUNDS if name != target.background]
        extras += [Change(EditType.BACKGROUND, None, "background", name) for name in others]
    extras += _strays(case, target)
    return [Misedit(target, (extra,)) for extra in extras]


def untouched_objects(case: Case, target: Scene) -> list[int]:
    """Indices of the objects in `target` that stand there just as they did in the source."""
    return [index for index, thing in enumerate(target.objects) if thing in case.source.objects]


def _with_one_change_swapped(
    case: Case, variants: Callable[[Case, Change], Iterator[Change]]
) -> list[Misedit]:
    found = []
    for position, change in enumerate(case.changes):
        before, after = case.changes[:position], case.changes[position + 1 :]
        found += [
            Misedit(case.source, (*before, wrong, *after)) for wrong in variants(case, change)
        ]
    return found


def _misdirected(case: Case, change: Change) -> Iterator[Change]:
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


def _misread(case: Case, change: Change) -> Iterator[Change]:
    if change.new_object is not None:
        for thing in _lookalikes(change.new_object):
            yield replace(change, new_object=thing)
    elif change.edit_type is EditType.REMOVE and change.object_index is not None:
        for thing in _lookalikes(case.source.objects[change.object_index]):
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


def _lookalikes(thing: SceneObject) -> Iterator[SceneObject]:
    for colour in COLOURS:
        if colour != thing.colour:
            yield replace(thing, colour=colour)
    for kind in KINDS:
        if kind != thing.kind:
            yield replace(thing, kind=kind)


def _strays(case: Case, target: Scene) -> Iterator[Change]:
    """Objects that come out of nowhere, or that an extraction should have left behind."""
    for thing in case.source.objects:
        if thing not in target.objects and target.background == "paper":
            yield Change(EditType.ADD, new_object=thing)
    taken = {thing.place for thing in target.objects}
    for place in PLACES:
        if place not in taken:
            for kind in KINDS:
                colour = COLOURS[(KINDS.index(kind) * 3) % len(COLOURS)]
                yield Change(EditType.ADD, new_object=SceneObject(kind, colour, place))
