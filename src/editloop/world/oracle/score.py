"""Scores one edited picture against what was asked."""

from __future__ import annotations

import numpy as np
from PIL import Image

from editloop.core.errors import UsageError
from editloop.models.roles import RgbImage
from editloop.world.cases import Case
from editloop.world.oracle.alternatives import Sight
from editloop.world.oracle.failures import failure_of
from editloop.world.oracle.pixels import Pixels, as_pixels
from editloop.world.oracle.reading import read
from editloop.world.oracle.truth import truth_of
from editloop.world.oracle.verdicts import OracleScore

SMALLEST = 32
"""Side in pixels below which objects cannot be told apart."""


def score_edit(case: Case, edited: RgbImage, source: RgbImage | None = None) -> OracleScore:
    """What a fair person would say about an edited picture.

    Args:
        case: What was asked, and the true scenes.
        edited: Any editor's output, RGB uint8; a picture that is not square or not of the size of `source` is resized first.
        source: The pixels that were edited, where they are not the exact rendering of ``case.source`` (a drawn source).

    Returns:
        The score against the acceptable result that the picture comes nearest to.

    Raises:
        UsageError: `edited` or `source` is no RGB uint8 picture of at least 32 pixels a side.
    """
    size = _side(edited if source is None else source)
    truth = truth_of(case, size)
    image = truth.easel.view(squared(edited, size))
    drift = None
    if source is not None:
        drift = truth.easel.view(squared(source, size)) - truth.source.exact
        if float(np.abs(drift).max()) < 2 / 255:
            drift = None
    sight = Sight(image, drift)
    readings = [read(truth, place, sight) for place in range(len(truth.goals))]
    best = max(readings, key=lambda reading: (reading.overall, reading.instruction))
    failure, text = failure_of(truth, best, sight)
    return OracleScore(
        instruction=best.instruction,
        preservation=best.kept.score,
        quality=best.clean.score,
        overall=best.overall,
        right=failure is None,
        failure=failure,
        text=text,
    )


def squared(image: RgbImage, size: int) -> Pixels:
    """A picture as floats, brought to a square of `size` pixels.

    Raises:
        UsageError: `image` is no RGB uint8 picture of at least 32 pixels a side.
    """
    _side(image)
    if image.shape[:2] != (size, size):
        image = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BOX))
    return as_pixels(image)


def _side(image: RgbImage) -> int:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise UsageError(f"a picture is RGB uint8 (h, w, 3), got {image.dtype} {image.shape}")
    side = min(image.shape[:2])
    if side < SMALLEST:
        raise UsageError(
            f"storybook pictures are scored from {SMALLEST} px on, got {image.shape[1]} x {image.shape[0]}"
        )
    return int(side)
