"""Mattes and object edges: quality measures, clean-up, foreground colours, compositing.

Everything is measured in pixels of a 768-px photograph and scaled by `size_factor`, so the same constants hold for
other sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.pixels import blur, check_image, size_factor
from editloop.models.roles import Mask, Matte, RgbImage
from editloop.records.record import Box

HARD = 0.5
"""Matte value from which a pixel counts as object."""


@dataclass(frozen=True, slots=True)
class MatteQuality:
    """Figures that tell a usable matte from a poor one."""

    area_frac: float
    """Object share of the frame, 0..1."""
    dominance: float
    """Share of the object that its largest piece holds, 0..1."""
    edge_width_px: float
    """Mean width of the half-transparent rim, in pixels of a 768-px photograph."""
    interior_opacity: float
    """Mean matte value away from the rim, 0..1."""
    hole_frac: float
    """Area of enclosed holes as a share of the filled object."""
    border_frac: dict[str, float]
    """For each side (left, top, right, bottom) the share of the object's extent along it that touches the frame."""


def check_pair(image: RgbImage, matte: Matte) -> None:
    """Raise unless `image` is a workable RGB picture and `matte` has its height and width.

    Raises:
        BadInputError: ``not_rgb``, ``too_small``, ``matte_mismatch``.
    """
    check_image(image)
    if matte.shape != image.shape[:2]:
        raise BadInputError(
            "matte_mismatch", f"the matte is {matte.shape}, the image {image.shape[:2]}"
        )


def disc(radius_px: float) -> NDArray[np.uint8]:
    """Round structuring element, at least 3 x 3."""
    size = 2 * max(1, round(radius_px)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def dilate(mask: Mask, radius_px: float) -> Mask:
    """`mask` grown by `radius_px`, at least one pixel."""
    if not mask.any():
        return mask.copy()
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(outside <= max(1.0, radius_px) + 0.1, bool)


def erode(mask: Mask, radius_px: float) -> Mask:
    """`mask` shrunk by `radius_px`, at least one pixel; the frame border does not eat into it."""
    return ~dilate(~mask, radius_px)


def bounding_box(mask: Mask) -> Box:
    """Tight box around the True pixels.

    Raises:
        BadInputError: ``empty_matte`` when there are none.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        raise BadInputError("empty_matte", "the matte holds no object")
    return Box(
        left=int(columns[0]), top=int(rows[0]), right=int(columns[-1]) + 1, bottom=int(rows[-1]) + 1
    )


def fill_holes(mask: Mask) -> Mask:
    """`mask` with every enclosed hole filled."""
    padded = np.pad((~mask).astype(np.uint8), 1, constant_values=1)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray(labels[1:-1, 1:-1] != labels[0, 0], bool)


def dominant_piece(matte: Matte, box: Box | None = None) -> tuple[Matte, float]:
    """The largest connected piece of the matte and its share of the whole.

    Args:
        matte: float32 (h, w) in 0..1.
        box: Prefer the piece with the largest area inside this box.

    Returns:
        The matte with every other piece set to 0 (the soft rim of the kept piece stays), and the kept piece's share
        of the hard area, 0..1.
    """
    hard = matte > HARD
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        hard.astype(np.uint8), connectivity=8
    )
    if count < 2:
        raise BadInputError("empty_matte", "the matte holds no object")
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    votes = areas
    if box is not None:
        inside = labels[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
        votes = np.bincount(inside.ravel(), minlength=count)[1:].astype(np.float64)
    keep = int(votes.argmax()) + 1
    kept = labels == keep
    others = hard & ~kept
    reach = dilate(kept, 6 * size_factor(matte))
    return np.where(reach & ~others, matte, 0).astype(np.float32), float(
        areas[keep - 1] / areas.sum()
    )


def border_contact(mask: Mask) -> dict[str, float]:
    """For each side, the share of the object's own extent along that side which touches the frame."""
    box = bounding_box(mask)
    return {
        "left": float(mask[:, 0].sum() / box.height),
        "top": float(mask[0].sum() / box.width),
        "right": float(mask[:, -1].sum() / box.height),
        "bottom": float(mask[-1].sum() / box.width),
    }


def matte_quality(matte: Matte) -> MatteQuality:
    """Measure a matte of one object; see `MatteQuality`."""
    hard = matte > HARD
    box = bounding_box(hard)
    scale = size_factor(matte)
    perimeter = max(1, int((hard & ~erode(hard, 1)).sum()))
    rim = (matte > 0.1) & (matte < 0.9)
    inside = erode(hard, max(2.0, 0.02 * min(box.width, box.height)))
    filled = fill_holes(hard)
    return MatteQuality(
        area_frac=float(hard.mean()),
        dominance=dominant_piece(matte)[1],
        edge_width_px=float(rim.sum() / perimeter / scale),
        interior_opacity=float(matte[inside].mean()) if inside.any() else 0.0,
        hole_frac=float(1 - hard.sum() / filled.sum()),
        border_frac=border_contact(hard),
    )


@dataclass(frozen=True, slots=True)
class Stance:
    """How an object stands on its lowest points."""

    span: float
    """Width of the foot line over the object's width, 0..1."""
    overhang: float
    """How far the centre of mass lies outside the foot line, in object widths; 0 = supported."""
    notches: float
    """Thin notches in the lower outline: blades of grass that hide the foot. 0 = smooth."""

    @property
    def stable(self) -> bool:
        """Whether the object would not topple: its weight lies above a foot of some width."""
        return self.span >= 0.30 and self.overhang <= 0.05


def stance(hard: Mask) -> Stance:
    """Measure how the object in `hard` stands; see `Stance`."""
    box = bounding_box(hard)
    shape = hard[box.top : box.bottom, box.left : box.right]
    height, width = shape.shape
    columns = np.flatnonzero(shape.any(0))
    lowest = height - 1 - shape[::-1, columns].argmax(0)
    foot = columns[lowest >= height - 1 - 0.09 * min(height, 1.5 * width)]
    first, last = int(foot.min()), int(foot.max())
    centre = float(np.nonzero(shape)[1].mean())
    return Stance(
        span=(last - first + 1) / width,
        overhang=max(0.0, first - centre, centre - last) / width,
        notches=_notches(shape),
    )


def _notches(shape: Mask) -> float:
    """Area that a small closing fills along the lower outline, per pixel of outline and of the closing's radius."""
    height, width = shape.shape
    radius = max(2.0, 0.016 * float(np.sqrt(height * width)))
    margin = 2 * round(radius) + 2
    padded = np.pad(shape, margin)
    closed = np.asarray(
        cv2.morphologyEx(padded.astype(np.uint8), cv2.MORPH_CLOSE, disc(radius)), bool
    )
    outline = padded & ~erode(padded, 1)
    low = slice(margin + round(height - 0.22 * min(height, 1.5 * width)), None)
    filled = int((closed & ~padded)[low].sum())
    return filled / (int(outline[low].sum()) + 1) / radius


def crisp(matte: Matte, low: float = 0.08, high: float = 0.92) -> Matte:
    """Stretch the matte so that values up to `low` become 0 and from `high` on 1."""
    return np.asarray(np.clip((matte - low) / (high - low), 0, 1), np.float32)


def foreground_colours(image: RgbImage, matte: Matte) -> RgbImage:
    """Colours of the object alone, with the old background taken out of soft edges.

    Two rounds of blurred foreground and background estimates with a residual step (Forte, arXiv:2006.14970, calls it
    blur fusion): F = blur(a I) / blur(a), B alike with 1 - a, then F += a (I - a F - (1 - a) B).

    Args:
        image: RGB uint8 (h, w, 3).
        matte: float32 (h, w) in 0..1.

    Returns:
        RGB uint8 (h, w, 3), meaningful where the matte is above 0.
    """
    scale = size_factor(image)
    alpha = matte[..., None]
    pixels = image.astype(np.float32)
    fore, back = pixels, pixels
    for sigma in (40 * scale, 8 * scale):
        weight = blur(matte, sigma)[..., None]
        fore = _divided(blur(fore * alpha, sigma), weight)
        back = _divided(blur(back * (1 - alpha), sigma), 1 - weight)
        residual = pixels - alpha * fore - (1 - alpha) * back
        fore = np.asarray(np.clip(fore + alpha * residual, 0, 255), np.float32)
    return np.rint(np.where(alpha >= 0.995, pixels, fore)).astype(np.uint8)


def _divided(total: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted mean from its sum, safe where the weight vanishes."""
    return np.asarray(total / np.maximum(weight, 1e-4), np.float32)


def composite(base: RgbImage, layer: RgbImage, alpha: Matte) -> RgbImage:
    """`layer` over `base`; where `alpha` is 0 the bytes of `base` stay as they are."""
    weight = alpha[..., None]
    mixed = np.rint(base * (1 - weight) + layer * weight).clip(0, 255).astype(np.uint8)
    return np.where(weight > 0, mixed, base)
