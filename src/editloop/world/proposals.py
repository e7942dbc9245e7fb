"""Edits that make sense for a given scene, drawn at random, one function per edit type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

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
    chance,
    pick,
    pick_except,
    pick_weighted,
)
from editloop.world.scenes import Colour, Kind, Place, Scene, SceneObject, Size

Proposal = tuple[Change, ...]

SIZE_WEIGHTS: dict[Size, float] = {"medium": 0.6, "small": 0.2, "big": 0.2}
PLAIN_SHARE = 0.85
"""Share of objects without a pattern."""
TWIN_SHARE = 0.15
"""Share of new objects that take the kind of one already there, in another colour."""
BUSY_BACKGROUNDS = frozenset({"forest", "city", "space", "beach"})
"""Backgrounds with enough in them for a blur to show behind a single object."""


def free_places(scene: Scene) -> list[Place]:
    """Places where nothing stands."""
    taken = {item.place for item in scene.objects}
    return [place for place in PLACES if place not in taken]


def new_kind_and_colour(rng: np.random.Generator, scene: Scene) -> tuple[Kind, Colour]:
    """Kind and colour of an object to bring: mostly a new kind, never the same kind and colour as one already there."""
    kinds = [item.kind for item in scene.objects]
    twin = bool(kinds) and chance(rng, TWIN_SHARE)
    kind = pick(rng, kinds) if twin else pick_except(rng, KINDS, *kinds)
    return kind, pick_except(
        rng, COLOURS, *(item.colour for item in scene.objects if item.kind == kind)
    )


def new_object(rng: np.random.Generator, scene: Scene, place: Place) -> SceneObject:
    """An object to bring to `place`, exactly there (an instruction cannot say by how much it is off)."""
    kind, colour = new_kind_and_colour(rng, scene)
    size = pick_weighted(rng, SIZE_WEIGHTS)
    pattern = "plain" if chance(rng, PLAIN_SHARE) else pick_except(rng, PATTERNS, "plain")
    return SceneObject(kind, colour, place, size, pattern)


def _add(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    free = free_places(scene)
    if not free:
        return None
    return (Change(EditType.ADD, new_object=new_object(rng, scene, pick(rng, free))),)


def _index(rng: np.random.Generator, scene: Scene) -> int:
    return pick(rng, range(len(scene.objects)))


def _remove(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    return (Change(EditType.REMOVE, _index(rng, scene)),)


def successor(rng: np.random.Generator, scene: Scene, index: int) -> SceneObject:
    """What takes the place of an object: of another kind, sometimes of the same colour; the rest stays."""
    old = scene.objects[index]
    kind, colour = new_kind_and_colour(rng, scene)
    if kind == old.kind:
        kind = pick_except(rng, KINDS, *(item.kind for item in scene.objects))
    return replace(old, kind=kind, colour=colour if chance(rng, 0.6) else old.colour)


def _replace(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    index = _index(rng, scene)
    return (Change(EditType.REPLACE, index, new_object=successor(rng, scene, index)),)


def _adjust(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    index = _index(rng, scene)
    old = scene.objects[index]
    attribute = pick_weighted(rng, {"colour": 0.68, "pattern": 0.16, "size": 0.16})
    vocabulary = {"colour": COLOURS, "pattern": PATTERNS, "size": SIZES}[attribute]
    value = pick_except(rng, vocabulary, getattr(old, attribute))
    return (Change(EditType.ADJUST, index, attribute, value),)


def _act(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    index = _index(rng, scene)
    free = free_places(scene)
    if free and chance(rng, 0.65):
        return (Change(EditType.ACTION, index, "place", pick(rng, free)),)
    jumping = "false" if scene.objects[index].jumping else "true"
    return (Change(EditType.ACTION, index, "jumping", jumping),)


def _look(
    edit_type: EditType, attribute: str, values: tuple[str, ...]
) -> Callable[[np.random.Generator, Scene], Proposal | None]:
    def propose(rng: np.random.Generator, scene: Scene) -> Proposal | None:
        value = pick_except(rng, values, getattr(scene, attribute))
        return (Change(edit_type, None, attribute, value),)

    return propose


def _restore(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    value = None if scene.wear else pick(rng, WEARS)
    return (Change(EditType.RESTORE, None, "wear", value),)


def has_look(scene: Scene) -> bool:
    """Whether anything covers the picture as a whole: a style, a tone, a lamp, a focus or wear."""
    looks = (scene.style, scene.tone, scene.light, scene.focus, scene.wear)
    return any(look is not None for look in looks)


def _extract(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    return None if has_look(scene) else (Change(EditType.EXTRACT, _index(rng, scene)),)


def _focus(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    if has_look(scene) or (len(scene.objects) < 2 and scene.background not in BUSY_BACKGROUNDS):
        return None
    return (Change(EditType.BOKEH, _index(rng, scene), "focus"),)


def _show(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    free = free_places(scene)
    if free and chance(rng, 0.5):
        shown = replace(new_object(rng, scene, pick(rng, free)), size="medium")
        return (Change(EditType.VISUAL, new_object=shown),)
    index = _index(rng, scene)
    return (Change(EditType.VISUAL, index, new_object=successor(rng, scene, index)),)


def reference_of(item: SceneObject) -> Scene:
    """The picture that shows an object to bring: alone on paper, big and in the middle."""
    shown = replace(item, place="middle", size="big", jumping=False, dx=0.0, dy=-0.12)
    return Scene("paper", (shown,))


_LOCAL = {
    EditType.ADD: _add,
    EditType.REMOVE: _remove,
    EditType.REPLACE: _replace,
    EditType.ADJUST: _adjust,
    EditType.ACTION: _act,
}


def _compose(rng: np.random.Generator, scene: Scene) -> Proposal | None:
    """Two local changes on two objects; nothing new is of a kind already there, or names would blur half way."""
    if len(scene.objects) < 2:
        return None
    first, second = (_LOCAL[pick(rng, tuple(_LOCAL))](rng, scene) for _ in range(2))
    if not first or not second:
        return None
    spoken = {first[0].object_index, second[0].object_index}
    new_places = [_new_place(change) for change in (*first, *second)]
    clash = None not in new_places and new_places[0] == new_places[1]
    known = {item.kind for item in scene.objects}
    twin = any(change.new_object and change.new_object.kind in known for change in first + second)
    if len(spoken) < 2 or clash or twin:
        return None
    return first + second


def _new_place(change: Change) -> str | None:
    if change.edit_type is EditType.ADD and change.new_object:
        return change.new_object.place
    return change.value if change.attribute == "place" else None


_PROPOSERS: dict[EditType, Callable[[np.random.Generator, Scene], Proposal | None]] = {
    **_LOCAL,
    EditType.BACKGROUND: _look(EditType.BACKGROUND, "background", BACKGROUNDS),
    EditType.STYLE: _look(EditType.STYLE, "style", STYLES),
    EditType.TONE: _look(EditType.TONE, "tone", TONES),
    EditType.RELIGHT: _look(EditType.RELIGHT, "light", LIGHTS),
    EditType.RESTORE: _restore,
    EditType.EXTRACT: _extract,
    EditType.BOKEH: _focus,
    EditType.VISUAL: _show,
    EditType.COMPOSE: _compose,
}
SINGLE_TURN_TYPES: tuple[EditType, ...] = tuple(_PROPOSERS)


def propose(rng: np.random.Generator, scene: Scene, edit_type: EditType) -> Proposal | None:
    """Changes of the given single-turn type that fit `scene`, or None when this draw found none (draw again).

    What comes out is always nameable: no two objects of the result share both kind and colour.
    """
    if not scene.objects and edit_type is not EditType.ADD:
        return None
    changes = _PROPOSERS[edit_type](rng, scene)
    if changes is None:
        return None
    names = [(item.kind, item.colour) for item in apply_changes(scene, changes).objects]
    return changes if len(set(names)) == len(names) else None
