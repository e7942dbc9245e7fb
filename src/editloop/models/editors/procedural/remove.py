"""Removing an object: a grown hole, filled from its surroundings, then checked."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.edges import (
    border_contact,
    bounding_box,
    check_pair,
    composite,
    dilate,
    dominant_piece,
    fill_holes,
)
from editloop.models.editors.procedural.pixels import blur, size_factor
from editloop.models.editors.procedural.shadow import cast_shadow_mask
from editloop.models.roles import EditResult, Mask, Matte, Remover, RgbImage
from editloop.records.record import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLimits:
    """When a removal is refused, before or after filling."""

    max_hole_frac: float = 0.40
    """Largest share of the frame that may be invented."""
    max_border_frac: float = 0.35
    """Largest share of any one side of the hole's extent that may lie on the frame."""
    max_rim_changes: float = 6.0
    """How many clearly different stretches of background may meet at the hole's rim."""
    max_seam: float = 1.6
    """Mean gradient across the seam relative to the gradient of the surroundings."""
    min_texture: float = 0.45
    """Fine texture in the hole relative to its surroundings, lowest accepted."""
    max_ghost: float = 0.25
    """Share of the filled hole that looks like the removed object and unlike the surroundings."""


def remove_object(
    image: RgbImage,
    matte: Matte,
    remover: Remover,
    *,
    seed: int,
    box: Box | None = None,
    limits: RemoveLimits | None = None,
) -> EditResult:
    """The photograph without the object.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: float32 (h, w) in 0..1 of the object.
        remover: Fills the hole.
        seed: For the remover.
        box: Where the object is; picks the piece of the matte.
        limits: When to refuse.

    Returns:
        Image with every byte outside `changed` as it was; facts ``hole_frac``, ``shadow_frac``, ``rim_changes``,
        ``seam``, ``texture``, ``ghost``.

    Raises:
        BadInputError: ``hole_too_large``, ``hole_at_border``, ``structured_background``, ``visible_seam``,
            ``flat_fill``, ``ghost``, ``empty_matte``, ``matte_mismatch``.
    """
    check_pair(image, matte)
    limits = limits or RemoveLimits()
    piece = dominant_piece(matte, box)[0] > 0.15
    hole, shadow_frac = grown_hole(image, piece)
    facts = {
        "hole_frac": float(hole.mean()),
        "shadow_frac": shadow_frac,
        "rim_changes": rim_changes(image, hole),
    }
    _check_hole(hole, facts, limits)
    view = _working_window(hole)
    filled = image.copy()
    filled[view] = remover.remove(
        np.ascontiguousarray(image[view]), np.ascontiguousarray(hole[view]), seed=seed
    )
    alpha = _feather(hole)
    result = composite(image, filled, alpha)
    facts |= fill_facts(image, result, hole, piece)
    _check_fill(facts, limits)
    return EditResult(result, (result != image).any(2), facts)


def grown_hole(image: RgbImage, piece: Mask) -> tuple[Mask, float]:
    """The hole to fill: the object grown by about two per cent of its size, plus the shadow below it.

    Returns:
        The hole and the shadow's share of it.
    """
    box = bounding_box(piece)
    growth = max(3 * size_factor(image), 0.02 * max(box.width, box.height))
    body = dilate(fill_holes(piece), growth)
    shadow = cast_shadow_mask(image, body)
    hole = fill_holes(body | shadow)
    return hole, float(shadow.sum() / hole.sum())


def rim_changes(image: RgbImage, hole: Mask) -> float:
    """How structured the background around the hole is: colour changes met on a walk along its rim.

    The rim's colours are smoothed along the contour; the summed colour distance of neighbouring points, in steps of
    25 Lab units, counts the clearly different stretches. Grass all round gives about 0, a horizon behind gives 2.
    """
    scale = size_factor(image)
    box = bounding_box(hole)
    size = float(np.sqrt(box.width * box.height))
    lab = blur(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), 2 * scale)
    grown = dilate(hole, 4 * scale)
    contours, _ = cv2.findContours(grown.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = max(contours, key=len)[:, 0]
    inside = (points[:, 0] > 0) & (points[:, 1] > 0)
    inside &= (points[:, 0] < hole.shape[1] - 1) & (points[:, 1] < hole.shape[0] - 1)
    points = points[inside]
    if len(points) < 8:
        return 0.0
    step = max(2, round(0.05 * size))
    profile = lab[points[:, 1], points[:, 0]]
    usable = len(profile) // step * step
    means = profile[:usable].reshape(-1, step, 3).mean(1)
    if len(means) < 3:
        return 0.0
    jumps = np.linalg.norm(means - np.roll(means, 1, axis=0), axis=1)
    return float(np.clip(jumps - 6, 0, None).sum() / 25)


def fill_facts(source: RgbImage, result: RgbImage, hole: Mask, piece: Mask) -> dict[str, float]:
    """Honest measures of how a filled hole fits: ``seam``, ``texture``, ``ghost``."""
    scale = size_factor(source)
    box = bounding_box(hole)
    reach = max(8 * scale, 0.12 * np.sqrt(box.width * box.height))
    ring = dilate(hole, reach) & ~dilate(hole, 3 * scale)
    core = hole & ~_rim(hole, 4 * scale)
    slope = _gradient(result)
    detail = _fine_detail(result, scale)
    around = float(slope[ring].mean()) + 1.0
    return {
        "seam": float(slope[_rim(hole, 2.5 * scale)].mean() / around),
        "texture": float((detail[core].mean() + 0.4) / (detail[ring].mean() + 0.4)),
        "ghost": _ghost_frac(source, result, core, ring, piece),
    }


def _check_hole(hole: Mask, facts: dict[str, float], limits: RemoveLimits) -> None:
    if facts["hole_frac"] > limits.max_hole_frac:
        raise BadInputError(
            "hole_too_large", f"{facts['hole_frac']:.0%} of the frame would be invented"
        )
    side, contact = max(border_contact(hole).items(), key=lambda item: item[1])
    if contact > limits.max_border_frac:
        raise BadInputError(
            "hole_at_border", f"{contact:.0%} of the object's extent lies on the {side} border"
        )
    if facts["rim_changes"] > limits.max_rim_changes:
        raise BadInputError(
            "structured_background",
            f"{facts['rim_changes']:.1f} different stretches of background meet at the hole, at most "
            f"{limits.max_rim_changes:.1f} can be continued",
        )


def _check_fill(facts: dict[str, float], limits: RemoveLimits) -> None:
    if facts["seam"] > limits.max_seam:
        raise BadInputError(
            "visible_seam", f"gradient at the seam is {facts['seam']:.1f} times its surroundings'"
        )
    if facts["texture"] < limits.min_texture:
        raise BadInputError(
            "flat_fill", f"the fill has {facts['texture']:.0%} of its surroundings' texture"
        )
    if facts["ghost"] > limits.max_ghost:
        raise BadInputError(
            "ghost", f"{facts['ghost']:.0%} of the fill still looks like the object"
        )


def _working_window(hole: Mask) -> tuple[slice, slice]:
    """The part of the frame the fill may copy from: the hole and once its size around it."""
    box = bounding_box(hole)
    margin = round(1.0 * max(box.width, box.height)) + round(24 * size_factor(hole))
    height, width = hole.shape
    return (
        slice(max(0, box.top - margin), min(height, box.bottom + margin)),
        slice(max(0, box.left - margin), min(width, box.right + margin)),
    )


def _feather(hole: Mask) -> Matte:
    """Blend weight of the fill: 1 inside, falling to 0 at the hole's own border."""
    width = max(1.5, 3 * size_factor(hole))
    distance = cv2.distanceTransform(np.pad(hole, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(np.clip(distance[1:-1, 1:-1] / width, 0, 1), np.float32)


def _rim(hole: Mask, width_px: float) -> Mask:
    return dilate(hole, width_px) & dilate(~hole, width_px)


def _gradient(image: RgbImage) -> NDArray[np.float32]:
    grey = blur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), 1.0)
    return np.asarray(
        cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)),
        np.float32,
    )


def _fine_detail(image: RgbImage, scale: float) -> NDArray[np.float32]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(np.abs(grey - blur(grey, 2 * scale)), np.float32)


def _ghost_frac(source: RgbImage, result: RgbImage, core: Mask, ring: Mask, piece: Mask) -> float:
    """Share of the fill whose colours are common in the object and rare around it."""
    if not core.any() or not ring.any():
        return 0.0

    def cells(image: RgbImage, where: Mask) -> NDArray[np.intp]:
        lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[where].astype(np.intp) // 16
        return np.asarray(lab[:, 0] * 256 + lab[:, 1] * 16 + lab[:, 2], np.intp)

    bins = 16 * 16 * 16
    of_object = np.bincount(cells(source, piece), minlength=bins) / max(1, piece.sum())
    of_ring = np.bincount(cells(source, ring), minlength=bins) / max(1, ring.sum())
    fill = cells(result, core)
    return float(((of_object[fill] > 4 * of_ring[fill]) & (of_object[fill] > 0.004)).mean())
