"""What an editor may have done instead of what was asked, or in another way: drawn alternatives to the one right picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

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
from editloop.world.oracle.words import beside, instead, named
from editloop.world.scenes import Scene, SceneObject


@dataclass(frozen=True, slots=True)
class Shade:
    """One object drawn paler or darker."""

    index: int
    gain: float


@dataclass(frozen=True, slots=True)
class Counterpart:
    """Another result than the intended one, as a scene, with the failure it stands for.

    `failure` is None for a result that answers the instruction as well, such as an object added a little beside its place.
    """

    scene: Scene
    failure: str | None
    text: str
    shade: Shade | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether the instruction was not followed; an object that came out a little different was edited all the same."""
        return self.failure not in (None, "identity_drift")


_Answer: TypeAlias = tuple[Change, str, str]
"""A change made instead, the failure code, the failure text."""

_DRIFT: Final = 1.4 / 32
"""How far a displaced object is drawn from its place, fraction of the side."""
_CHOICES: Final[dict[str, tuple[tuple[str, ...], str, str]]] = {
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
    """Results in which every change is made but `changes[number]`, which is made wrongly or a little displaced."""
    found: dict[Scene, Counterpart] = {}
    for made, failure, text in _answers(source, changes[number]):
        instead_of = (*changes[:number], made, *changes[number + 1 :])
        try:
            scene = apply_changes(source, instead_of)
        except UsageError:
            continue  # another change of the edit takes away what this one would change
        found.setdefault(scene, Counterpart(scene, failure, text))
    right = apply_changes(source, changes)
    for displaced in _displaced(source, right, changes[number]):
        found.setdefault(displaced.scene, displaced)
    missing = apply_changes(source, changes[:number] + changes[number + 1 :])
    return [other for scene, other in found.items() if scene not in (right, missing)]


def drifted(scene: Scene, index: int) -> list[Scene]:
    """`scene` with one object moved by one and a half pixels of 32, or of another size."""
    thing = scene.objects[index]
    moved = [
        replace(thing, dx=thing.dx + along * _DRIFT, dy=thing.dy + down * _DRIFT)
        for along in (-1, 0, 1)
        for down in (-1, 0, 1)
        if (along, down) != (0, 0)
    ]
    resized = [replace(thing, size=size) for size in SIZES if size != thing.size]
    return [with_object(scene, index, other) for other in (*moved, *resized)]


def with_object(scene: Scene, index: int, thing: SceneObject) -> Scene:
    """`scene` with another object at that index."""
    objects = (*scene.objects[:index], thing, *scene.objects[index + 1 :])
    return replace(scene, objects=objects)


def _displaced(source: Scene, right: Scene, change: Change) -> list[Counterpart]:
    """The right result with the object that the change is about a little off: fine for a new object, drift for an old one."""
    places = [index for index, thing in enumerate(right.objects) if thing not in source.objects]
    if change.new_object is not None:
        places = [index for index in places if right.objects[index] == change.new_object]
    elif change.edit_type is EditType.ADJUST and change.object_index is not None:
        kind = source.objects[change.object_index].kind
        places = [index for index in places if right.objects[index].kind == kind]
    else:
        return []
    new = change.new_object is not None
    return [
        Counterpart(scene, None, "")
        if new
        else Counterpart(
            scene, "identity_drift", beside("drifted", named(source, change.object_index or 0))
        )
        for index in places[:1]
        for scene in drifted(right, index)
        if not new or scene.objects[index].size == right.objects[index].size
    ]


def _answers(source: Scene, change: Change) -> Iterator[_Answer]:
    yield from _wrong_values(source, change)
    if change.new_object is not None:
        yield from _wrong_arrivals(source, change, change.new_object)
    yield from _other_acts(source, change)
    if change.object_index is not None:
        yield from _wrong_objects(source, change, change.object_index)
        if change.edit_type in (EditType.ADJUST, EditType.REPLACE, EditType.VISUAL):
            yield from _doubles(source, change, change.object_index)


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


def _other_acts(source: Scene, change: Change) -> Iterator[_Answer]:
    """Edits of which a part was done, or another thing in their stead."""
    if change.object_index is None:
        return
    if change.edit_type is EditType.ACTION:
        yield from _half_moves(source, change, change.object_index)
    elif change.edit_type is EditType.ADJUST:
        yield from _changelings(source, change, change.object_index)
    elif change.edit_type is EditType.REMOVE:
        yield from _exchanges(source, change, change.object_index)
    elif change.edit_type is EditType.BOKEH:
        blur = Change(EditType.RESTORE, None, "wear", "blur")
        yield blur, "wrong_style", instead("all_blurred", source, change)
    elif change.edit_type is EditType.EXTRACT:
        yield from _half_extractions(source, change)


def _half_extractions(source: Scene, change: Change) -> Iterator[_Answer]:
    """Only the backdrop is exchanged, for paper or for something else."""
    paper = Change(EditType.BACKGROUND, None, "background", "paper")
    yield paper, "half_done", instead("others", source, change)
    for name in BACKGROUNDS:
        made = Change(EditType.BACKGROUND, None, "background", name)
        yield made, "wrong_background", instead("extract_background", source, change)


def _changelings(source: Scene, change: Change, meant: int) -> Iterator[_Answer]:
    """The object changes as asked and becomes one of another kind."""
    edited = apply_changes(source, (change,)).objects[meant]
    for kind in KINDS:
        made = Change(EditType.REPLACE, meant, new_object=replace(edited, kind=kind))
        yield made, "wrong_kind", instead("became", source, change, kind)


def _half_moves(source: Scene, change: Change, meant: int) -> Iterator[_Answer]:
    """The object comes to its new place and stays in the old one, or leaves and does not come."""
    moved = apply_changes(source, (change,)).objects[meant]
    copy = Change(EditType.ADD, new_object=moved)
    yield copy, "half_done", instead("copy", source, change)
    yield Change(EditType.REMOVE, meant), "half_done", instead("gone", source, change)


def _exchanges(source: Scene, change: Change, meant: int) -> Iterator[_Answer]:
    """Something else comes where an object was to vanish."""
    old = source.objects[meant]
    others = [replace(old, kind=kind) for kind in KINDS]
    others += [replace(old, colour=colour) for colour in COLOURS]
    for other in others:
        made = Change(EditType.REPLACE, meant, new_object=other)
        name = f"{other.colour} {other.kind}"
        yield made, "still_there", instead("swapped", source, change, name)


def _wrong_objects(source: Scene, change: Change, meant: int) -> Iterator[_Answer]:
    for index in range(len(source.objects)):
        if index == meant:
            continue
        made = replace(change, object_index=index)
        if change.new_object is not None:
            made = replace(made, new_object=_moved(change.new_object, source.objects[index]))
        key = _OBJECT_TEXTS.get(change.edit_type, "object")
        yield made, "wrong_object", instead(key, source, change, named(source, index))


def _doubles(source: Scene, change: Change, meant: int) -> Iterator[_Answer]:
    """The edited object comes as a second one, in a free place."""
    edited = apply_changes(source, (change,)).objects[meant]
    taken = {thing.place for thing in source.objects}
    for place in PLACES:
        if place not in taken:
            stray = replace(edited, place=place, jumping=False, dx=0.0, dy=0.0)
            made = Change(EditType.ADD, new_object=stray)
            yield made, "wrong_object", instead("second", source, change, edited.kind)


def _moved(new: SceneObject, to: SceneObject) -> SceneObject:
    return replace(new, place=to.place, jumping=to.jumping, dx=to.dx, dy=to.dy)
