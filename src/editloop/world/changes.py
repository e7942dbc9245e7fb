"""Edits scenes: what a `Change` does, what undoes it, and where pixels may move.

Conventions beyond those of `Change`: the value of ``jumping`` is ``true`` or ``false``; a ``style``, ``tone``, ``light``
or ``wear`` of None takes that look away; ``focus`` falls on `object_index` (None sharpens everything). An `add` may carry
the attribute ``depth``, whose value is the drawing position of the new object (default: in front of all others), so that
a removed object can return to its place between the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from editloop.core.errors import UsageError
from editloop.models.roles import Mask
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.choices import (
    BACKGROUNDS,
    COLOURS,
    LIGHTS,
    PATTERNS,
    PLACES,
    SIZES,
    STYLES,
    TONES,
    WEARS,
)
from editloop.world.render import object_alpha
from editloop.world.scenes import Scene, SceneObject

PICTURE_ATTRIBUTES: dict[str, EditType] = {
    "background": EditType.BACKGROUND,
    "style": EditType.STYLE,
    "tone": EditType.TONE,
    "light": EditType.RELIGHT,
    "wear": EditType.RESTORE,
}
"""Attributes of a whole scene -> the edit type that changes them."""
OBJECT_ATTRIBUTES: dict[str, EditType] = {
    "colour": EditType.ADJUST,
    "pattern": EditType.ADJUST,
    "size": EditType.ADJUST,
    "place": EditType.ACTION,
    "jumping": EditType.ACTION,
}
"""Attributes of one object -> the edit type that changes them."""
_VALUES: dict[str, tuple[str, ...]] = {
    "colour": COLOURS,
    "pattern": PATTERNS,
    "size": SIZES,
    "place": PLACES,
    "jumping": ("true", "false"),
    "background": (*BACKGROUNDS, "paper"),
    "style": STYLES,
    "tone": TONES,
    "light": LIGHTS,
    "wear": WEARS,
}
_WEAR_SPREAD = 4
"""How far, in pixels of a picture of 32, blur and blocks carry a change."""
_BRINGS = frozenset({EditType.ADD, EditType.REPLACE, EditType.VISUAL})


@dataclass(slots=True)
class _Version:
    """A scene being edited: every object keeps the key it was born with, so that indices of the source stay valid."""

    keys: list[int]
    objects: list[SceneObject]
    picture: dict[str, Any]
    focus: int | None
    """Key of the sharp object."""
    next_key: int
    wear_seed: int

    @classmethod
    def of(cls, scene: Scene, next_key: int) -> _Version:
        return cls(
            list(range(len(scene.objects))),
            list(scene.objects),
            {name: getattr(scene, name) for name in PICTURE_ATTRIBUTES},
            scene.focus,
            next_key,
            scene.wear_seed,
        )

    def scene(self) -> Scene:
        focus = self.keys.index(self.focus) if self.focus in self.keys else None
        return Scene(
            objects=tuple(self.objects), focus=focus, wear_seed=self.wear_seed, **self.picture
        )

    def position(self, change: Change) -> int:
        """Where the object that `change` speaks of stands now."""
        if change.object_index not in self.keys:
            raise UsageError(
                f"{change.edit_type} speaks of object {change.object_index}, but the source holds objects {self.keys}: "
                "indices count the objects of the source scene from 0"
            )
        return self.keys.index(change.object_index)

    def insert(self, change: Change) -> None:
        depth = int(change.value) if change.attribute == "depth" and change.value else None
        at = len(self.objects) if depth is None else depth
        self.objects.insert(at, _brought(change))
        self.keys.insert(at, self.next_key)
        self.next_key += 1

    def remove(self, change: Change) -> None:
        at = self.position(change)
        del self.objects[at], self.keys[at]

    def extract(self, change: Change) -> None:
        at = self.position(change)
        self.objects, self.keys = [self.objects[at]], [self.keys[at]]
        self.picture = dict.fromkeys(PICTURE_ATTRIBUTES) | {"background": "paper"}
        self.focus = None

    def adjust(self, change: Change) -> None:
        attribute, value = _checked(change, OBJECT_ATTRIBUTES)
        if value is None:
            raise UsageError(f"{attribute} needs a new value, one of {_VALUES[attribute]}")
        at = self.position(change)
        fields: dict[str, Any] = {attribute: value == "true" if attribute == "jumping" else value}
        self.objects[at] = replace(self.objects[at], **fields)

    def apply(self, change: Change) -> None:
        kind = change.edit_type
        if kind in _BRINGS and change.object_index is not None:
            self.objects[self.position(change)] = _brought(change)
        elif kind in (EditType.ADD, EditType.VISUAL):
            self.insert(change)
        elif kind is EditType.REMOVE:
            self.remove(change)
        elif kind is EditType.EXTRACT:
            self.extract(change)
        elif kind is EditType.BOKEH:
            self.focus = None if change.object_index is None else self.keys[self.position(change)]
        elif kind in (EditType.ADJUST, EditType.ACTION):
            self.adjust(change)
        else:
            attribute, value = _checked(change, PICTURE_ATTRIBUTES)
            self.picture[attribute] = value


def _brought(change: Change) -> SceneObject:
    if change.new_object is None:
        raise UsageError(f"{change.edit_type} brings an object: set new_object")
    return change.new_object


def _checked(change: Change, known: dict[str, EditType]) -> tuple[str, str | None]:
    attribute, value = change.attribute, change.value
    if attribute is None or known.get(attribute) is not change.edit_type:
        fitting = [name for name, edit_type in known.items() if edit_type is change.edit_type]
        raise UsageError(
            f"{change.edit_type} cannot change {attribute!r}; in one change it takes one of {fitting}"
        )
    if value is not None and value not in _VALUES[attribute]:
        raise UsageError(f"{value!r} is no {attribute}; known: {_VALUES[attribute]}")
    return attribute, value


def _edited(scene: Scene, changes: Iterable[Change], next_key: int = 1000) -> _Version:
    version = _Version.of(scene, next_key)
    for change in changes:
        version.apply(change)
    return version


def apply_changes(scene: Scene, changes: Iterable[Change]) -> Scene:
    """`scene` after `changes`, in order; each sees what the earlier ones did.

    Object indices count the objects of `scene` itself, whatever an earlier change removed.

    Raises:
        UsageError: when a change speaks of an object that is not there, or misses or mistakes a value.
    """
    return _edited(scene, changes).scene()


def inverse_changes(source: Scene, changes: Sequence[Change]) -> tuple[Change, ...]:
    """What leads from the edited scene to `source`, exactly; indices count the objects of the edited scene.

    Raises:
        UsageError: when `changes` removed the object in focus, which no single list of changes can bring into focus again.
    """
    return changes_between(source, changes, ())


def changes_between(
    source: Scene, first: Sequence[Change], second: Sequence[Change]
) -> tuple[Change, ...]:
    """What leads from one edited version of `source` to another (both lists of changes apply to `source`).

    Objects leave first, then others enter, then those that stay change, then the picture does.
    """
    here, there = _edited(source, first, 1000), _edited(source, second, 2000)
    found: list[Change] = []
    for index, key in enumerate(here.keys):
        if key not in there.keys:
            found.append(Change(EditType.REMOVE, index))
    for depth, key in enumerate(there.keys):
        if key not in here.keys:
            new = there.objects[depth]
            found.append(Change(EditType.ADD, attribute="depth", value=str(depth), new_object=new))
    for index, key in enumerate(here.keys):
        if key in there.keys:
            found += _object_changes(
                index, here.objects[index], there.objects[there.keys.index(key)]
            )
    return (*found, *_picture_changes(here, there))


def _object_changes(index: int, old: SceneObject, new: SceneObject) -> list[Change]:
    differing = [name for name in OBJECT_ATTRIBUTES if getattr(old, name) != getattr(new, name)]
    if (old.kind, old.dx, old.dy) != (new.kind, new.dx, new.dy):
        return [Change(EditType.REPLACE, index, new_object=new)]
    return [
        Change(OBJECT_ATTRIBUTES[name], index, name, str(getattr(new, name)).lower())
        for name in differing
    ]


def _picture_changes(here: _Version, there: _Version) -> list[Change]:
    found = [
        Change(edit_type, None, name, there.picture[name])
        for name, edit_type in PICTURE_ATTRIBUTES.items()
        if here.picture[name] != there.picture[name]
    ]
    here_focus = here.focus if here.focus in here.keys else None
    there_focus = there.focus if there.focus in there.keys else None
    if here_focus != there_focus:
        if there_focus is not None and there_focus not in here.keys:
            raise UsageError(
                "the object in focus is missing from the edited scene, so no change can focus on it: "
                "edit a scene without focus, or keep that object"
            )
        index = None if there_focus is None else here.keys.index(there_focus)
        found.append(Change(EditType.BOKEH, index, "focus"))
    return found


def edit_mask(case: Case, size: int = 32) -> Mask:
    """Where a right edit may change pixels, bool of shape (size, size).

    The union, over all accepted targets, of every pixel that a new, gone or different object touches, before and after,
    its anti-aliased rim included; all True where the picture as a whole changes.
    """
    touched = np.zeros((size, size), dtype=np.float32)
    for target in case.targets:
        if _picture(case.source) != _picture(target):
            return np.ones((size, size), dtype=np.bool_)
        for scene, other in ((case.source, target), (target, case.source)):
            for index, item in enumerate(scene.objects):
                if item not in other.objects:
                    touched += object_alpha(scene, index, size)
    spreads = case.source.wear in ("blur", "blocks")
    return _grown(touched > 0, _WEAR_SPREAD * -(-size // 32) if spreads else 0)


def _picture(scene: Scene) -> tuple[object, ...]:
    focused = None if scene.focus is None else scene.objects[scene.focus]
    return (*(getattr(scene, name) for name in PICTURE_ATTRIBUTES), focused)


def _grown(mask: Mask, margin: int) -> Mask:
    """`mask` and every pixel within `margin` rows and columns of it."""
    side = 2 * margin + 1
    windows = sliding_window_view(np.pad(mask, margin), (side, side))
    return np.asarray(windows.any(axis=(-2, -1)))
