"""What an editor may have done instead of what was asked: the same change to another object, another colour, another place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from editloop.core.errors import UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Change
from editloop.world.changes import apply_changes
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
from editloop.world.oracle.words import instead, named
from editloop.world.scenes import Scene, SceneObject


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A wrong result, drawn as a scene, with the failure it stands for."""

    scene: Scene
    failure: str
    text: str


_Answer = tuple[Change, str, str]
"""A change made instead, the failure code, the failure text."""

_CHOICES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "colour": (COLOURS, "wrong_colour", "colour"),
    "pattern": (PATTERNS, "wrong_pattern", "pattern"),
    "size": (SIZES, "wrong_size", "size"),
    "place": (PLACES, "wrong_place", "place"),
    "background": (BACKGROUNDS, "wrong_background", "background"),
    "style": (STYLES, "wrong_style", "look"),
    "tone": (TONES, "wrong_style", "look"),
    "light": (LIGHTS, "wrong_style", "light"),
    "wear": (WEARS, "wrong_style", "look"),
}
"""Attribute -> its vocabulary, the failure code of a wrong value, and the key of the failure text."""

_OBJECT_TEXTS = {
    EditType.REMOVE: "object_gone",
    EditType.EXTRACT: "object_cut",
    EditType.BOKEH: "object_sharp",
}


def counterparts(source: Scene, changes: tuple[Change, ...], number: int) -> list[Counterpart]:
    """Wrong results in which every change is made but `changes[number]`, which is made wrongly."""
    found: dict[Scene, Counterpart] = {}
    for made, failure, text in _answers(source, changes[number]):
        instead_of = (*changes[:number], made, *changes[number + 1 :])
        try:
            scene = apply_changes(source, instead_of)
        except UsageError:
            continue  # another change of the edit takes away what this one would change
        found.setdefault(scene, Counterpart(scene, failure, text))
    right = apply_changes(source, changes)
    missing = apply_changes(source, changes[:number] + changes[number + 1 :])
    return [other for scene, other in found.items() if scene not in (right, missing)]


def _answers(source: Scene, change: Change) -> Iterator[_Answer]:
    yield from _wrong_values(source, change)
    if change.new_object is not None:
        yield from _wrong_arrivals(source, change, change.new_object)
    yield from _halves(source, change)
    if change.object_index is not None:
        yield from _wrong_objects(source, change, change.object_index)


def _wrong_values(source: Scene, change: Change) -> Iterator[_Answer]:
    if change.attribute == "jumping":
        return
    if change.attribute not in _CHOICES or (change.value is None and change.attribute == "wear"):
        return
    values, failure, key = _CHOICES[change.attribute]
    for value in values:
        if value != change.value:
            yield (
                replace(change, value=value),
                failure,
                instead(key, source, change, value),
            )


def _wrong_arrivals(source: Scene, change: Change, new: SceneObject) -> Iterator[_Answer]:
    """An object of another kind, colour, pattern, size or place comes than was asked for."""
    visual = change.edit_type is EditType.VISUAL

    def coming(failure: str, key: str, other: str = "", **fields: Any) -> _Answer:
        made = replace(change, new_object=replace(new, **fields))
        if visual and key != "new_place":
            return made, "not_the_reference", instead("reference", source, change)
        return made, failure, instead(key, source, change, other)

    for kind in KINDS:
        yield coming("wrong_kind", "kind", kind, kind=kind)
    for colour in COLOURS:
        yield coming("wrong_colour", "new_colour", colour, colour=colour)
    for pattern in PATTERNS:
        yield coming("wrong_pattern", "new_size", pattern, pattern=pattern)
    for size in SIZES:
        yield coming("wrong_size", "new_size", size, size=size)
    if change.object_index is None:
        for place in PLACES:
            yield coming("wrong_place", "new_place", place=place)
        yield coming("wrong_place", "new_place", jumping=not new.jumping)
        return
    gone = Change(EditType.REMOVE, change.object_index)
    yield gone, "not_added", instead("not_brought", source, change)
    yield (
        replace(change, edit_type=EditType.ADD, object_index=None),
        "still_there",
        instead("covered", source, change),
    )


def _halves(source: Scene, change: Change) -> Iterator[_Answer]:
    """Edits that take two acts, with one of them left out."""
    if change.edit_type is EditType.ACTION and change.object_index is not None:
        old = source.objects[change.object_index]
        moved = apply_changes(source, (change,)).objects[change.object_index]
        if moved != old:
            copy = Change(EditType.ADD, new_object=moved)
            yield copy, "half_done", instead("copy", source, change)
            gone = Change(EditType.REMOVE, change.object_index)
            yield gone, "half_done", instead("gone", source, change)
    if change.edit_type is EditType.EXTRACT:
        paper = Change(EditType.BACKGROUND, None, "background", "paper")
        yield paper, "half_done", instead("others", source, change)


def _wrong_objects(source: Scene, change: Change, meant: int) -> Iterator[_Answer]:
    for index in range(len(source.objects)):
        if index == meant:
            continue
        made = replace(change, object_index=index)
        if change.new_object is not None:
            made = replace(made, new_object=_moved(change.new_object, source.objects[index]))
        key = _OBJECT_TEXTS.get(change.edit_type, "object")
        yield made, "wrong_object", instead(key, source, change, named(source, index))


def _moved(new: SceneObject, to: SceneObject) -> SceneObject:
    return replace(new, place=to.place, jumping=to.jumping, dx=to.dx, dy=to.dy)
