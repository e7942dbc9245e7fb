"""Whether a picture drawn from words shows the scene that was described: the plausibility gate of text-to-image sources.

NHR asks a vision-language model whether a source image depicts its prompt and is plausible (arXiv 2507.14119, prompt A.5); here
drawing a scene counts as adding all its objects to an empty one, so that the oracle's own measures answer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from editloop.models.roles import RgbImage
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.oracle.alternatives import Sight
from editloop.world.oracle.counterparts import with_object
from editloop.world.oracle.pixels import Pixels, as_pixels, ramp
from editloop.world.oracle.reading import read
from editloop.world.oracle.score import SMALLEST, squared
from editloop.world.oracle.truth import truth_of
from editloop.world.oracle.verdicts import BEST, WORST
from editloop.world.render import render
from editloop.world.scenes import Scene

_PASSES = 0.6
_MISSING = 0.5
"""Most that a picture gets in which an object is missing or another one."""


def depiction_score(scene: Scene, image: RgbImage) -> float:
    """How well a picture shows a scene, 0 to 1: the worst of its objects, its backdrop and its cleanness.

    A prompt does not tell where in its place an object stands, so each is first looked for up to two pixels of 32 around.

    Args:
        scene: What was described; exact positions within the places do not count.
        image: RGB uint8, at least 32 px a side.

    Raises:
        UsageError: `image` is no such picture.
    """
    size = max(SMALLEST, min(image.shape[:2]))
    pixels = squared(image, size)
    placed = _placed(scene, pixels)
    empty = replace(scene, objects=(), focus=None)
    changes = tuple(Change(EditType.ADD, new_object=thing) for thing in placed.objects)
    case = Case("drawing", empty, "draw", changes, (placed,), EditType.ADD)
    truth = truth_of(case, size)
    reading = read(truth, 0, Sight(truth.easel.view(pixels)))
    backdrop = 1.0 - ramp(reading.kept.mean, 0.02, 0.1)
    worst_axis = min(reading.instruction, reading.clean.score)
    score = min(backdrop, (worst_axis - WORST) / (BEST - WORST))
    return min(score, _MISSING) if reading.undone else score


def depicts(scene: Scene, image: RgbImage, least: float = _PASSES) -> bool:
    """Whether `depiction_score` reaches `least`."""
    return depiction_score(scene, image) >= least


def _placed(scene: Scene, pixels: Pixels) -> Scene:
    """`scene` with every object where it fits the picture best: whole pixels of 32 first, then halves."""
    for index, thing in enumerate(scene.objects):
        starts = {(thing.dx, thing.dy), (0.0, 0.0)}
        spots = [
            (x + along / 32, y + down / 32)
            for x, y in sorted(starts)
            for along in (-1, 0, 1)
            for down in (-2, -1, 0, 1, 2)
        ]
        scene = _best_placed(scene, index, spots, pixels)
    for index in range(len(scene.objects)):
        thing = scene.objects[index]
        halves = [
            (thing.dx + along / 64, thing.dy + down / 64)
            for along in (-1, 0, 1)
            for down in (-1, 0, 1)
        ]
        scene = _best_placed(scene, index, halves, pixels)
    return scene


def _best_placed(
    scene: Scene, index: int, spots: list[tuple[float, float]], pixels: Pixels
) -> Scene:
    thing = scene.objects[index]
    tries = [with_object(scene, index, replace(thing, dx=x, dy=y)) for x, y in spots]
    return min(tries, key=lambda other: _difference(other, pixels))


def _difference(scene: Scene, pixels: Pixels) -> float:
    return float(np.abs(as_pixels(render(scene, len(pixels))) - pixels).sum())
