"""Held-out combinations: some (kind, colour, edit type) are never trained on, so that what was learnt can be told from what was seen.

Whole-picture edits count (new value, kind of the first object, edit type) instead. Which combinations are held out is a
pure function of their names: nothing to store, nothing to drift.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import TypeAlias

from editloop.world.cases import Change, Split
from editloop.world.scenes import Scene, SceneObject

HELD_OUT_SHARE = 0.08
"""Share of all combinations that is held out."""
DRAW = "draw"
"""Stands for the edit type where a scene is drawn from words alone."""

Combination: TypeAlias = tuple[str, str, str]


@cache
def is_held_out(first: str, second: str, edit_type: str) -> bool:
    """Whether the combination is kept out of training, by a hash that never changes."""
    digest = hashlib.sha256(f"storybook/{first}/{second}/{edit_type}".encode()).digest()
    return int.from_bytes(digest[:8]) < HELD_OUT_SHARE * 2**64


def combinations(source: Scene, changes: Iterable[Change]) -> frozenset[Combination]:
    """The combinations that `changes` touch: of every object they speak of, and of every object they bring."""
    found: set[Combination] = set()
    for change in changes:
        name = str(change.edit_type)
        spoken = _spoken_of(source, change)
        found |= {(item.kind, item.colour, name) for item in spoken}
        if spoken and change.attribute == "colour":
            found.add((spoken[0].kind, str(change.value), name))
        if not spoken:
            first = source.objects[0].kind if source.objects else "nothing"
            found.add((str(change.value), first, name))
    return frozenset(found)


def _spoken_of(source: Scene, change: Change) -> list[SceneObject]:
    spoken = [] if change.object_index is None else [source.objects[change.object_index]]
    return spoken + ([change.new_object] if change.new_object else [])


def belongs(found: Iterable[Combination], split: Split) -> bool:
    """Whether a case that touches `found` may be in `split`: training touches nothing held out, held-out cases something."""
    touches = any(is_held_out(*combination) for combination in found)
    return touches == (split == "held_out")


def scene_combinations(scene: Scene) -> frozenset[Combination]:
    """The combinations that a text-to-image prompt of `scene` touches."""
    return frozenset((item.kind, item.colour, DRAW) for item in scene.objects)
