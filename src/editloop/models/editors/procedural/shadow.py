"""Contact with the ground: the shadow an object casts, the one it should cast, and grass around its foot."""

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

_COARSE_SIDE = 192
"""Shadows are looked for at this resolution: they are soft, texture is not."""


def cast_shadow_mask(image: RgbImage, mask: Mask) -> Mask:
    """The soft shadow or reflection that hangs on an object.

    The lightness that the background would have is extrapolated from beyond the object's reach; a pixel belongs to
    the shadow when it is clearly darker than that, by the measure of the background's own unevenness, and connected
    to the object through other such pixels. Dark regions that run on beyond the reach are background.

    Args:
        image: RGB uint8 (h, w, 3).
        mask: bool (h, w), the object.

    Returns:
        bool (h, w), without the object itself; empty where no shadow stands out.
    """
    height, width = mask.shape
    factor = _COARSE_SIDE / max(height, width)
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    light = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32) * (100 / 255)
    light = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
    body = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    dark = _darker_than_expected(light, body)
    if not dark.any():
        return np.zeros_like(mask)
    shadow = cv2.resize(dark.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR) > 0
    shadow = dilate(shadow, 4 * size_factor(image)) & ~mask
    if shadow.sum() > 0.9 * mask.sum():
        return np.zeros_like(mask)
    return np.asarray(shadow, bool)


def _darker_than_expected(light: NDArray[np.float32], body: Mask) -> Mask:
    """Coarse shadow: pixels connected to `body` that are darker than the background further out suggests."""
    box = bounding_box(body)
    extent = float(np.sqrt(box.width * box.height))
    reach = dilate(body, max(3, 0.45 * extent))
    known = (~reach & dilate(body, max(6, 0.95 * extent))).astype(np.float32)
    if known.sum() < 30:
        return np.zeros_like(body)
    light = blur(light, 1.0)
    spread = 0.30 * extent
    weight = blur(known, spread)
    expected = blur(light * known, spread) / np.maximum(weight, 1e-5)
    uneven = float(np.abs(light - expected)[known > 0].mean())
    dark = (expected - light > max(3.0, 2.2 * uneven)) & (weight > 1e-4) & ~body
    _, labels = cv2.connectedComponents(dark.astype(np.uint8), connectivity=8)
    linked = np.unique(labels[dilate(body, 1) & dark])
    running_on = np.unique(labels[dark & ~reach])
    shadow = np.isin(labels, np.setdiff1d(linked, running_on)) & dark
    middle = (box.top + box.bottom) // 2
    if shadow[:middle].sum() > 0.06 * body.sum():
        shadow[:middle] = False
    return np.asarray(shadow, bool)


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
    flat_height = max(3, round(0.19 * min(box.height, 1.5 * box.width)))
    silhouette = alpha[box.top : box.bottom, box.left : box.right]
    flat = cv2.resize(silhouette, (box.width, flat_height), interpolation=cv2.INTER_AREA)
    wide = np.zeros((height, width), np.float32)
    _add(wide, flat, round(box.left + lean * box.width), box.bottom - round(0.58 * flat_height))
    wide = blur(wide, 0.035 * size)
    foot = contact_line(hard)
    narrow = _peaked(blur(foot, 0.012 * size)) + 0.6 * _peaked(blur(foot, 0.03 * size))
    taken = np.clip(strength * (0.8 * wide + 0.9 * narrow), 0, 0.85)
    return np.asarray(1 - taken, np.float32)


def contact_line(hard: Mask) -> NDArray[np.float32]:
    """Where the object touches the ground: the lowest pixel of each column that ends near the foot line.

    Returns:
        float32 (h, w), 1 on the contact, thickened to about one per cent of the object's size.
    """
    box = bounding_box(hard)
    depth = max(3, round(0.20 * min(box.height, 1.5 * box.width)))
    columns = np.flatnonzero(hard.any(0))
    lowest = hard.shape[0] - 1 - hard[::-1, columns].argmax(0)
    near = lowest >= box.bottom - 1 - depth
    weight = (1 - (box.bottom - 1 - lowest[near]) / (depth + 1)) ** 1.5
    line = np.zeros(hard.shape, np.float32)
    line[lowest[near], columns[near]] = weight
    thick = max(1, round(0.012 * np.sqrt(box.width * box.height)))
    for offset in range(1, thick + 1):
        rows = np.minimum(lowest[near] + offset, hard.shape[0] - 1)
        line[rows, columns[near]] = np.maximum(line[rows, columns[near]], weight)
    return line


def sunk_in_grass(alpha: Matte, image: RgbImage) -> Matte:
    """The object's matte with its lowest edge behind blades of grass, where it stands on grass.

    The blades are the photograph's own: bright streaks of the ground cover the foot, fewer the higher up.

    Args:
        alpha: float32 (h, w), the object's matte in its final place.
        image: RGB uint8 (h, w, 3), the photograph without the object.
    """
    hard = alpha > HARD
    box = bounding_box(hard)
    scale = size_factor(image)
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    below = (slice(box.bottom, box.bottom + round(30 * scale)), slice(box.left, box.right))
    light = lab[..., 0]
    fine = light - blur(light, 4 * scale)
    if not _is_grass(lab[below], fine[below]):
        return alpha
    height = max(3.0, min(0.05 * box.height, 16 * scale))
    streaks = cv2.blur(fine, (1, max(1, round(0.6 * height)))) / (float(fine[below].std()) + 1e-3)
    columns = np.flatnonzero(hard.any(0))
    lowest = np.full(hard.shape[1], -1)
    lowest[columns] = hard.shape[0] - 1 - hard[::-1, columns].argmax(0)
    rise = box.bottom - 1 - lowest
    above = (lowest[None] - np.arange(hard.shape[0])[:, None]) / height
    covered = 1 - np.clip(1.6 * above - 0.55 * streaks - 0.1, 0, 1)
    near_foot = np.clip(1.5 - rise / (0.14 * box.height + 1), 0, 1)[None]
    return np.asarray(alpha * (1 - covered * near_foot * (lowest >= 0)[None]), np.float32)


def _is_grass(lab: NDArray[np.float32], fine: NDArray[np.float32]) -> bool:
    """Green and rough."""
    if lab.size < 300:
        return False
    green, yellow = float(np.median(lab[..., 1])), float(np.median(lab[..., 2]))
    return green < -6 and yellow > 12 and float(np.abs(fine).mean()) > 4


def darken(image: RgbImage, factor: NDArray[np.float32]) -> RgbImage:
    """Multiply the linear light of `image` by `factor` (h, w); bytes stay as they are where it is 1."""
    linear = (image.astype(np.float32) / 255) ** 2.2
    out = np.rint(255 * (linear * factor[..., None]) ** (1 / 2.2)).clip(0, 255).astype(np.uint8)
    return np.where(factor[..., None] < 0.998, out, image)


def _peaked(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled so that the largest value is 1."""
    return values / np.float32(max(1e-6, float(values.max())))


def _add(canvas: NDArray[np.float32], patch: NDArray[np.float32], left: int, top: int) -> None:
    """Add `patch` onto `canvas` in place, clipped to the canvas."""
    height, width = canvas.shape
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + patch.shape[1]), min(height, top + patch.shape[0])
    if x0 < x1 and y0 < y1:
        canvas[y0:y1, x0:x1] += patch[y0 - top : y1 - top, x0 - left : x1 - left]
