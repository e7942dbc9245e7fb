"""Pixel arithmetic that the appearance editors share: light, OKLab, blurs, seeded noise.

Lengths are written for a short side of `REFERENCE_SIDE` pixels and scaled to the image by `size_factor`, so that an
edit looks the same on a thumbnail and on a large photograph.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.roles import Mask, Matte, RgbImage

Plane: TypeAlias = NDArray[np.float32]
"""One float32 value a pixel, shape (h, w)."""
Planes: TypeAlias = NDArray[np.float32]
"""Three float32 values a pixel, shape (h, w, 3)."""

REFERENCE_SIDE = 768.0
MINIMUM_SIDE = 64
VISIBLE_STEP = 4
"""A pixel counts as changed when one of its channels moved by at least this many of 255 levels."""


def check_image(image: RgbImage) -> None:
    """Refuse what is not an RGB picture of a workable size.

    Raises:
        BadInputError: ``not_rgb`` or ``too_small``.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise BadInputError(
            "not_rgb", f"expected uint8 RGB of shape (h, w, 3), got {image.dtype} {image.shape}"
        )
    if min(image.shape[:2]) < MINIMUM_SIDE:
        raise BadInputError(
            "too_small",
            f"the short side is {min(image.shape[:2])} px, at least {MINIMUM_SIDE} is needed",
        )


def check_matte(image: RgbImage, matte: Matte, smallest: float, largest: float) -> float:
    """The share of the frame that the object covers, when it lies in [`smallest`, `largest`].

    Raises:
        BadInputError: ``matte_mismatch``, ``object_too_small`` or ``object_too_large``.
    """
    check_image(image)
    if matte.shape != image.shape[:2]:
        raise BadInputError(
            "matte_mismatch", f"the matte is {matte.shape}, the image {image.shape[:2]}"
        )
    share = float((matte > 0.5).mean())
    if share < smallest:
        raise BadInputError(
            "object_too_small",
            f"the object covers {share:.1%} of the frame, at least {smallest:.1%} is needed",
        )
    if share > largest:
        raise BadInputError(
            "object_too_large",
            f"the object covers {share:.1%} of the frame, at most {largest:.1%} is allowed",
        )
    return share


def check_outline(matte: Matte, most: float) -> None:
    """Refuse a matte that is undecided about much of the object.

    Args:
        matte: The object, float32 (h, w) in [0, 1].
        most: Largest allowed ratio of undecided area (0.15 to 0.85) to solid area.

    Raises:
        BadInputError: ``uncertain_matte``.
    """
    undecided = float(((matte > 0.15) & (matte < 0.85)).sum() / max(1, (matte >= 0.85).sum()))
    if undecided > most:
        raise BadInputError(
            "uncertain_matte",
            f"undecided edge is {undecided:.0%} of the object, at most {most:.0%} is allowed",
        )


def size_factor(image: NDArray[np.generic]) -> float:
    """Short side over `REFERENCE_SIDE`."""
    return float(min(image.shape[:2]) / REFERENCE_SIDE)


def odd(length: float) -> int:
    """The nearest odd whole number >= 3: a kernel size."""
    return max(3, 2 * round((length - 1) / 2) + 1)


def unit(image: RgbImage) -> Planes:
    """Display values in [0, 1]."""
    return image.astype(np.float32) / np.float32(255)


def to_bytes(values: NDArray[np.floating]) -> RgbImage:
    """Display values in [0, 1] to uint8, rounded."""
    return np.asarray(np.clip(values * 255 + 0.5, 0, 255), dtype=np.uint8)


def clipped(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Values clipped to [0, 1] as float32."""
    return np.asarray(np.clip(values, 0, 1), np.float32)


def to_linear(values: NDArray[np.floating]) -> Planes:
    """Display values to linear light (the sRGB curve)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def from_linear(light: Planes) -> Planes:
    """Linear light to display values, clipped to [0, 1]."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(
        np.float32
    )


def grey(image: RgbImage) -> Plane:
    """Luma in [0, 1]."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)


def luminance(light: Planes) -> Plane:
    """Relative luminance of linear light."""
    return np.asarray(light @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def blur(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur; wide ones are computed at a lower resolution."""
    height, width = values.shape[:2]
    step = int(min(sigma // 6, min(height, width) // 8))
    if step < 2:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), max(sigma, 0.1)), np.float32)
    small = cv2.resize(values, (width // step, height // step), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def smoothstep(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.float32]:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def smooth_noise(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> Plane:
    """Noise of mean 0 and deviation 1 whose blobs are about `scale` pixels wide."""
    height, width = shape
    cells = (max(2, round(height / scale) + 2), max(2, round(width / scale) + 2))
    coarse = rng.standard_normal(cells).astype(np.float32)
    full = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray((full - full.mean()) / (full.std() + 1e-6), np.float32)


def fractal_noise(
    shape: tuple[int, int], scale: float, rng: np.random.Generator, octaves: int = 4
) -> Plane:
    """Sum of `smooth_noise` over `octaves` halvings of `scale`, mean 0, deviation 1."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        total += smooth_noise(shape, max(1.0, scale / 2**octave), rng) / 2**octave
    return np.asarray(total / (total.std() + 1e-6), np.float32)


def blend(image: RgbImage, edited: NDArray[np.floating], weight: Plane) -> RgbImage:
    """`edited` (display values) over `image` by `weight`; where the weight is 0 the bytes stay as they were."""
    mixed = to_bytes(unit(image) + weight[..., None] * (edited - unit(image)))
    return np.where(weight[..., None] > 0, mixed, image)


def changed_pixels(before: RgbImage, after: RgbImage, step: int = VISIBLE_STEP) -> Mask:
    """Where the two pictures differ visibly."""
    difference = np.abs(before.astype(np.int16) - after.astype(np.int16))
    return np.asarray(difference.max(axis=2) >= step)
