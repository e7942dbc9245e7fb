"""Finds a described scene in a picture: words leave open where exactly an object stands, a drawn picture does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.models.roles import RgbImage
from editloop.world.cases import Case
from editloop.world.changes import apply_changes
from editloop.world.render import object_mask, render
from editloop.world.scenes import Scene

SIDE_STEPS: Final = np.linspace(-0.045, 0.045, 7)
HEIGHT_STEPS: Final = np.linspace(-0.075, 0.075, 11)
"""Offsets that are tried; scenes are sampled with offsets up to .03 and .06."""
PASSES: Final = 2
LARGEST_ERROR: Final = 0.16
"""Mean absolute difference over an object or over the background, on 0..1, above which they are not what was described."""


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

    @property
    def depicted(self) -> bool:
        """Whether the picture shows every object as described, on the described background."""
        return self.worst <= LARGEST_ERROR


def fit_scene(scene: Scene, image: RgbImage) -> FittedScene:
    """Move the objects of `scene` to where `image` (square) shows them, and measure what does not fit."""
    size = image.shape[0]
    wanted = image.astype(np.float32) / 255
    fitted = scene
    for _ in range(PASSES):
        for index in range(len(scene.objects)):
            fitted = _placed(fitted, index, wanted, size)
    difference = _difference(fitted, wanted, size)
    masks = [object_mask(fitted, index, size) for index in range(len(fitted.objects))]
    rest = ~np.logical_or.reduce(masks) if masks else np.ones((size, size), bool)
    errors = tuple(float(difference[mask].mean()) if mask.any() else 1.0 for mask in masks)
    return FittedScene(fitted, errors, float(difference[rest].mean()))


def case_on(case: Case, scene: Scene) -> Case:
    """`case` with its source moved to `scene`, which has the same objects; targets follow."""
    return replace(case, source=scene, targets=(apply_changes(scene, case.changes),))


def _placed(scene: Scene, index: int, wanted: NDArray[np.float32], size: int) -> Scene:
    """The scene with one object where it fits best."""
    thing = scene.objects[index]

    def moved(dx: float, dy: float) -> Scene:
        objects = list(scene.objects)
        objects[index] = replace(thing, dx=round(dx, 4), dy=round(dy, 4))
        return replace(scene, objects=tuple(objects))

    tries = [moved(float(dx), float(dy)) for dx in SIDE_STEPS for dy in HEIGHT_STEPS]
    return min(tries, key=lambda found: float(_difference(found, wanted, size).mean()))


def _difference(scene: Scene, wanted: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Mean absolute difference over the channels, (size, size)."""
    drawn = render(scene, size).astype(np.float32) / 255
    return np.asarray(np.abs(drawn - wanted).mean(axis=2), np.float32)
