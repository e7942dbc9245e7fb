"""Shadows: finding the one an object casts, drawing the one it should cast."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.models.editors.procedural.edges import (
    HARD,
    bounding_box,
    dilate,
)
from editloop.models.editors.procedural.pixels import blur, size_factor
from editloop.models.roles import Mask, Matte, RgbImage


def cast_shadow_mask(image: RgbImage, mask: Mask) -> Mask:
    """The soft shadow or reflection that hangs on the lower part of an object.

    A pixel belongs to it when it is clearly darker than the ground further away, lies near the object's foot, and is
    connected to the object through other such pixels.

    Args:
        image: RGB uint8 (h, w, 3).
        mask: bool (h, w), the object.

    Returns:
        bool (h, w), without the object itself; empty where no shadow stands out.
    """
    box = bounding_box(mask)
    reach_x, reach_y = round(0.45 * box.width), round(0.22 * box.height)
    height, width = mask.shape
    top = max(0, box.bottom - round(0.35 * box.height))
    window = np.zeros_like(mask)
    window[
        top : min(height, box.bottom + reach_y),
        max(0, box.left - reach_x) : min(width, box.right + reach_x),
    ] = True
    scale = size_factor(image)
    light = blur(
        cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32) * (100 / 255), 3 * scale
    )
    ground = window & ~dilate(mask, 3 * scale)
    if ground.sum() < 200 * scale * scale:
        return np.zeros_like(mask)
    typical = float(np.percentile(light[ground], 65))
    spread = float(np.percentile(light[ground], 85) - np.percentile(light[ground], 45))
    dark = window & ~mask & (light < typical - max(7.0, 1.2 * spread))
    seeds = dilate(mask, 5 * scale) & window
    _, labels = cv2.connectedComponents((dark | (seeds & ~mask)).astype(np.uint8), connectivity=8)
    linked = np.setdiff1d(np.unique(labels[seeds & dark]), _reaching_out(labels, window))
    shadow = np.isin(labels, linked[linked > 0]) & dark
    if shadow.sum() > 0.6 * mask.sum() or shadow.sum() < 30 * scale * scale:
        return np.zeros_like(mask)
    return dilate(shadow, 4 * scale) & ~mask


def _reaching_out(labels: NDArray[np.int32], window: Mask) -> NDArray[np.int32]:
    """Labels of dark regions that run out of the search window: dark ground, not a shadow of the object."""
    box = bounding_box(window)
    inner = labels[box.top : box.bottom, box.left : box.right]
    edge = np.concatenate([inner[-1], inner[:, 0], inner[:, -1]])
    return np.unique(edge)


def contact_shadow(
    alpha: Matte, strength: float = 0.55, *, lean: float = 0.0
) -> NDArray[np.float32]:
    """How much light a standing object takes from the ground around its foot.

    Two parts: a narrow dark one right where the object touches the ground, and a wide faint one, the silhouette laid
    flat on the ground and blurred.

    Args:
        alpha: float32 (h, w), the object's matte in its final place.
        strength: Darkening at the contact, 0..1.
        lean: Sideways shift of the wide shadow in object widths, away from the light; negative = to the left.

    Returns:
        float32 (h, w) factor in 0..1 for linear light; 1 = untouched.
    """
    height, width = alpha.shape
    hard = alpha > HARD
    box = bounding_box(hard)
    size = float(np.sqrt(box.width * box.height))
    flat_height = max(3, round(0.13 * min(box.height, 1.6 * box.width)))
    silhouette = alpha[box.top : box.bottom, box.left : box.right]
    flat = cv2.resize(silhouette, (box.width, flat_height), interpolation=cv2.INTER_AREA)
    wide = np.zeros((height, width), np.float32)
    _add(wide, flat, round(box.left + lean * box.width), box.bottom - round(0.62 * flat_height))
    wide = blur(wide, 0.035 * size)
    foot = contact_line(hard)
    narrow = blur(foot, 0.014 * size)
    narrow = np.maximum(narrow / max(1e-6, float(narrow.max())), 0)
    taken = np.clip(0.55 * strength * wide + 0.85 * strength * narrow, 0, 0.85)
    return np.asarray(1 - taken, np.float32)


def contact_line(hard: Mask) -> NDArray[np.float32]:
    """Where the object touches the ground: the lowest pixel of each column that ends near the foot line.

    Returns:
        float32 (h, w), 1 on the contact, thickened to about one per cent of the object's size.
    """
    box = bounding_box(hard)
    depth = max(3, round(0.10 * min(box.height, 1.5 * box.width)))
    columns = np.flatnonzero(hard.any(0))
    lowest = hard.shape[0] - 1 - hard[::-1, columns].argmax(0)
    near = lowest >= box.bottom - 1 - depth
    weight = np.clip(1 - (box.bottom - 1 - lowest[near]) / (depth + 1), 0.15, 1)
    line = np.zeros(hard.shape, np.float32)
    line[lowest[near], columns[near]] = weight
    thick = max(1, round(0.012 * np.sqrt(box.width * box.height)))
    for offset in range(1, thick + 1):
        rows = np.minimum(lowest[near] + offset, hard.shape[0] - 1)
        line[rows, columns[near]] = np.maximum(line[rows, columns[near]], weight)
    return line


def darken(image: RgbImage, factor: NDArray[np.float32]) -> RgbImage:
    """Multiply the linear light of `image` by `factor` (h, w); bytes stay as they are where it is 1."""
    linear = (image.astype(np.float32) / 255) ** 2.2
    out = np.rint(255 * (linear * factor[..., None]) ** (1 / 2.2)).clip(0, 255).astype(np.uint8)
    return np.where(factor[..., None] < 0.998, out, image)


def _add(canvas: NDArray[np.float32], patch: NDArray[np.float32], left: int, top: int) -> None:
    """Add `patch` onto `canvas` in place, clipped to the canvas."""
    height, width = canvas.shape
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + patch.shape[1]), min(height, top + patch.shape[0])
    if x0 < x1 and y0 < y1:
        canvas[y0:y1, x0:x1] += patch[y0 - top : y1 - top, x0 - left : x1 - left]
