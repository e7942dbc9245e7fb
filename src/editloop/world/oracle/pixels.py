"""Comparing pictures of the storybook world the way a person at arm's length does.

Pixels are float32 in 0..1, shape (..., height, width, 3). A `Reference` is a picture with, for each pixel, the range of values
that its neighbours take: soft or slightly displaced edges stay inside that range, so they cost half of what a wrong colour does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from editloop.models.roles import RgbImage

Pixels: TypeAlias = NDArray[np.float32]
Plane: TypeAlias = NDArray[np.float32]

JUST_NOTICEABLE = 0.012
"""Distance (0..1) that nobody sees: three grey levels."""
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


class Reference(NamedTuple):
    """One picture or a stack of pictures to compare with."""

    exact: Pixels
    low: Pixels
    """Smallest value in the neighbourhood of each pixel, channel by channel."""
    high: Pixels

    def shifted(self, drift: Pixels | None) -> Reference:
        """Also accepts every pixel moved by `drift`: how far a drawn source lies from the ideal one, if it does."""
        if drift is None:
            return self
        return Reference(
            self.exact + 0.5 * drift,
            np.minimum(self.low, self.low + drift),
            np.maximum(self.high, self.high + drift),
        )


def as_pixels(image: RgbImage) -> Pixels:
    """uint8 to float32 in 0..1."""
    return np.asarray(image, np.float32) * np.float32(1 / 255)


def reference(pixels: Pixels) -> Reference:
    """`pixels` with the range of each neighbourhood (one pixel at 32 px, more at larger sizes)."""
    reach = reach_of(pixels.shape[-2])
    return Reference(
        pixels, _extreme(pixels, reach, np.minimum), _extreme(pixels, reach, np.maximum)
    )


def reach_of(size: int) -> int:
    """Pixels that one pixel of a 32 px picture becomes at `size`."""
    return max(1, round(size / 32))


def residual(image: Pixels, to: Reference) -> Pixels:
    """What is left of `image` after `to`: half of the plain difference and half of the way out of the neighbours' range."""
    return image - 0.5 * (to.exact + np.clip(image, to.low, to.high))


def length(vectors: Pixels) -> Plane:
    """Length of each pixel's difference, 0..1, less what nobody sees."""
    squares = np.einsum("...c,...c->...", vectors, vectors)
    return np.asarray(np.maximum(np.sqrt(squares / 3) - JUST_NOTICEABLE, 0), np.float32)


def distance(image: Pixels, to: Reference) -> Plane:
    """How different each pixel looks, 0..1, shape (..., height, width)."""
    return length(residual(image, to))


def error(image: Pixels, to: Reference) -> Plane:
    """As `distance`, but grain counts half: what a 3 x 3 mean leaves of the difference is weighed as much as the rest."""
    left = residual(image, to)
    return 0.5 * (length(left) + length(box(left, reach_of(image.shape[-3]))))


def on_the_way(image: Pixels, start: Reference, end: Reference) -> Reference:
    """For every pixel the nearest point of the straight way between two pictures."""
    way = end.exact - start.exact
    run = np.einsum("...c,...c->...", way, way)
    along = np.einsum("...c,...c->...", image - start.exact, way) / np.maximum(run, 1e-4)
    nearest = np.asarray(start.exact + np.clip(along, 0, 1)[..., None] * way, np.float32)
    return Reference(nearest, nearest, nearest)


def off_the_way(image: Pixels, start: Reference, end: Reference) -> Pixels:
    """Difference of every pixel from the nearest point of the straight way between two pictures."""
    return image - on_the_way(image, start, end).exact


def box(values: Pixels, reach: int) -> Pixels:
    """Mean over squares of side ``2 * reach + 1``; edges are continued. Shape (height, width) or (..., height, width, channels)."""
    if values.ndim == 2:
        height, width = values.shape
        return np.asarray(_means(height, reach) @ values @ _means(width, reach).T, np.float32)
    *_, height, width, channels = values.shape
    lines = values.reshape(*values.shape[:-2], width * channels)
    down = np.matmul(_means(height, reach), lines).reshape(values.shape)
    return np.asarray(np.matmul(_means(width, reach), down), np.float32)


@lru_cache(maxsize=256)
def _means(length: int, reach: int) -> Pixels:
    """Matrix that averages a line of pixels with its neighbours, shape (length, length)."""
    places = np.arange(length)
    matrix = np.zeros((length, length), np.float32)
    for step in range(-reach, reach + 1):
        np.add.at(matrix, (places, np.clip(places + step, 0, length - 1)), 1 / (2 * reach + 1))
    return matrix


def softened(look: Reference) -> Reference:
    """A drawing out of focus."""
    soft = box(box(look.exact, reach := reach_of(look.exact.shape[-2])), reach)
    return Reference(soft, soft, soft)


def worst_window(values: Plane, where: NDArray[np.bool_], reach: int) -> tuple[float, Plane]:
    """Largest mean of `values` over a square, counting only pixels in `where`; squares that hold few of them do not count.

    Returns:
        The largest mean, and the mean around every pixel (0 outside `where`).
    """
    inside = where.astype(np.float32)
    share = box(inside, reach)
    means = np.asarray(box(values * inside, reach) / np.maximum(share, 0.35) * inside, np.float32)
    return float(means.max(initial=0.0)), means


def slopes(pixels: Pixels) -> Plane:
    """How fast brightness changes at each pixel, shape (height, width)."""
    grey = pixels @ _LUMINANCE
    right = np.diff(grey, axis=1, append=grey[:, -1:])
    down = np.diff(grey, axis=0, append=grey[-1:])
    return np.asarray(np.hypot(right, down), np.float32)


def sharpness(image: Pixels, like: Pixels) -> float:
    """How steep the edges of `image` are beside those of `like`, 0 to 1; 1 where there are none to compare.

    For each clear edge of `like` the steepest place nearby in `image` is taken, so that a displaced edge is as good; the median
    over edges leaves a local flaw without weight.
    """
    ideal = slopes(like)
    clear = ideal > 0.08
    if np.count_nonzero(clear) < 12 * reach_of(len(image)):
        return 1.0
    nearby = _extreme(slopes(image)[..., None], reach_of(len(image)), np.maximum)[..., 0]
    steepest = _extreme(ideal[..., None], reach_of(len(image)), np.maximum)[..., 0]
    return float(np.median(np.minimum(nearby[clear] / steepest[clear], 1.0)))


def grain_view(pixels: Pixels) -> Pixels:
    """Local mean, with the local unevenness laid over it: two pictures with other grains of one strength look alike.

    Used where the right picture is noisy, since nobody can be asked for the same grain.
    """
    reach = 2 * reach_of(pixels.shape[0])
    mean = box(pixels, reach)
    spread = np.sqrt(np.maximum(box(pixels * pixels, reach) - mean * mean, 0))
    return np.asarray(mean + 1.5 * spread.mean(axis=-1, keepdims=True), np.float32)


def grown(where: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """`where` and everything within `reach` pixels of it."""
    planes = where[..., None].astype(np.float32)
    spread: NDArray[np.bool_] = _extreme(planes, reach, np.maximum)[..., 0] > 0.5
    return spread


def _extreme(pixels: Pixels, reach: int, pick: np.ufunc) -> Pixels:
    """Smallest or largest value of each square, one axis after the other."""
    found = pixels
    for axis in (-3, -2):
        original = np.moveaxis(found, axis, 0)
        moved = original.copy()
        for step in range(1, reach + 1):
            pick(moved[step:], original[:-step], out=moved[step:])
            pick(moved[:-step], original[step:], out=moved[:-step])
        found = np.moveaxis(moved, 0, axis)
    return found


def ramp(value: float, start: float, end: float) -> float:
    """0 at `start`, 1 at `end`, straight between."""
    return float(np.clip((value - start) / (end - start), 0.0, 1.0))
