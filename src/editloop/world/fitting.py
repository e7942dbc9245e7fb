"""Finds a described scene in a picture: words leave open where exactly an object stands, a drawn picture does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from editloop.models.roles import RgbImage
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes
from editloop.world.render import object_mask, render
from editloop.world.scenes import Scene, SceneObject
from editloop.world.turns import make_case

Offset: TypeAlias = tuple[float, float]

NEAR: Final = tuple(product((-0.03, 0.0, 0.03), (-0.06, -0.03, 0.0, 0.03, 0.06)))
"""Offsets from its place at which an object is looked for first; scenes are sampled with up to .03 and .06."""
ASIDE: Final = tuple(product((-0.12, -0.09, 0.09, 0.12), (0.06, 0.1)))
"""Where an object is looked for as well that shares its place with one behind it."""
FINE: Final = tuple(product((-0.012, 0.0, 0.012), repeat=2))
"""Steps of the second and the third look."""
LARGEST_ERROR: Final = 0.12
"""Mean absolute difference over an object or over the background, on 0..1, above which they are not what was described."""
HOPELESS_ERROR: Final = 0.3
"""Error after the first look above which a closer one would not help."""


@dataclass(frozen=True, slots=True)
class FittedScene:
    """A scene with its objects moved to where a picture shows them."""

    scene: Scene
    object_errors: tuple[float, ...]
    """Mean absolute difference over each object's visible pixels, 0..1."""
    background_error: float

    @property
    def worst(self) -> float:
        """The largest of the errors."""
        return max((*self.object_errors, self.background_error))

    def depicts(self, largest_error: float = LARGEST_ERROR) -> bool:
        """Whether the picture shows every object as described, on the described background."""
        return self.worst <= largest_error


def fit_scene(scene: Scene, image: RgbImage) -> FittedScene:
    """Move the objects of `scene` to where `image` (square) shows them, and measure what does not fit."""
    wanted = np.asarray(image / 255, np.float32)
    fitted = scene
    for index, thing in enumerate(scene.objects):
        shared = any(other.place == thing.place for other in scene.objects[:index])
        fitted = _moved(fitted, index, (*NEAR, *ASIDE) if shared else NEAR, wanted)
    if _measured(fitted, wanted).worst > HOPELESS_ERROR:
        return _measured(fitted, wanted)
    for _ in range(2):
        for index in range(len(scene.objects)):
            now = fitted.objects[index]
            steps = ((now.dx + dx, now.dy + dy) for dx, dy in FINE)
            fitted = _moved(fitted, index, steps, wanted)
    return _measured(fitted, wanted)


def case_on(case: Case, scene: Scene) -> Case:
    """`case` with its source moved to `scene`, which has the same objects; what replaces an object stands where that one stood."""
    changes = tuple(_change_on(change, scene.objects) for change in case.changes)
    return make_case(
        source=scene,
        instruction=case.instruction,
        changes=changes,
        targets=(apply_changes(scene, changes),),
        edit_type=case.edit_type,
        phrasing=case.phrasing,
        references=case.references,
        split=case.split,
    )


def _change_on(change: Change, objects: tuple[SceneObject, ...]) -> Change:
    if change.new_object is None or change.object_index is None:
        return change
    there = objects[change.object_index]
    return replace(change, new_object=replace(change.new_object, dx=there.dx, dy=there.dy))


def _moved(
    scene: Scene, index: int, offsets: Iterable[Offset], wanted: NDArray[np.float32]
) -> Scene:
    """The scene with one object at that of `offsets` which fits best."""

    def at(offset: Offset) -> Scene:
        objects = list(scene.objects)
        dx, dy = (round(part, 4) for part in offset)
        objects[index] = replace(objects[index], dx=dx, dy=dy)
        return replace(scene, objects=tuple(objects))

    return min(map(at, offsets), key=lambda tried: float(_difference(tried, wanted).mean()))


def _measured(scene: Scene, wanted: NDArray[np.float32]) -> FittedScene:
    difference, size = _difference(scene, wanted), wanted.shape[0]
    masks = [object_mask(scene, index, size) for index in range(len(scene.objects))]
    rest = ~np.logical_or.reduce(masks) if masks else np.ones((size, size), bool)
    errors = tuple(float(difference[mask].mean()) if mask.any() else 1.0 for mask in masks)
    background = float(difference[rest].mean()) if rest.any() else 0.0
    return FittedScene(scene, errors, background)


def _difference(scene: Scene, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean absolute difference over the channels, (size, size)."""
    drawn = render(scene, wanted.shape[0]).astype(np.float32) / 255
    return np.asarray(np.abs(drawn - wanted).mean(axis=2), np.float32)
