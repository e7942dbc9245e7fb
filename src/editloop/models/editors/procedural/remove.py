"""Removing an object: a grown hole, filled from its surroundings, then checked."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

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
from editloop.models.editors.procedural.fill_checks import (
    ghost_frac,
    layering,
    seam_strength,
    strangeness,
    texture_kept,
)
from editloop.models.editors.procedural.pixels import size_factor
from editloop.models.editors.procedural.shadow import cast_shadow_mask
from editloop.models.roles import EditResult, Mask, Matte, Remover, RgbImage
from editloop.records.record import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLimits:
    """When a removal is refused, before or after filling."""

    max_hole_frac: float = 0.45
    """Largest share of the frame that may be invented."""
    max_border_frac: float = 0.35
    """Largest share of any one side of the hole's extent that may lie on the frame."""
    max_strange_area: float = 0.9
    max_strange_distance: float = 8.0
    max_strange_ratio: float = 3.0
    """Area and one of the others exceeded: what surrounds the hole occurs nowhere else (`fill_checks.Strangeness`)."""
    max_layering: float = 3.1
    """Colour changes along the hole's rim over those away from it (`fill_checks.layering`)."""
    min_fine_texture: float = 0.66
    min_coarse_texture: float = 0.57
    """Texture of the fill relative to its surroundings (`fill_checks.texture_kept`): less is a blur."""
    max_fine_texture: float = 2.0
    max_coarse_texture: float = 1.6
    """More is a blotch on a smooth ground."""
    max_seam: float = 1.6
    """Mean gradient across the seam relative to the gradient of the surroundings."""
    max_ghost: float = 0.12
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
        Image with every byte outside `changed` as it was; facts ``hole_frac``, ``shadow_frac``,
        ``strange_area``, ``strange_distance``, ``strange_ratio``, ``layering``, ``fine_texture``, ``coarse_texture``, ``seam``, ``ghost``.

    Raises:
        BadInputError: ``hole_too_large``, ``hole_at_border``, ``structured_background``, ``visible_seam``,
            ``flat_fill``, ``blotchy_fill``, ``ghost``, ``empty_matte``, ``matte_mismatch``.
    """
    check_pair(image, matte)
    limits = limits or RemoveLimits()
    piece = dominant_piece(matte, box)[0] > 0.15
    hole, shadow_frac = grown_hole(image, piece)
    facts = {"hole_frac": float(hole.mean()), "shadow_frac": shadow_frac}
    strange = strangeness(image, hole)
    facts |= {
        "strange_area": strange.area,
        "strange_distance": strange.distance,
        "strange_ratio": strange.ratio,
        "layering": layering(image, hole),
    }
    _check_hole(hole, facts, limits)
    view = _working_window(hole)
    filled = image.copy()
    filled[view] = remover.remove(
        np.ascontiguousarray(image[view]), np.ascontiguousarray(hole[view]), seed=seed
    )
    result = composite(image, filled, _feather(hole))
    facts["fine_texture"], facts["coarse_texture"] = texture_kept(result, hole)
    facts["seam"] = seam_strength(result, hole)
    facts["ghost"] = ghost_frac(image, result, hole, piece)
    _check_fill(facts, limits)
    return EditResult(result, (result != image).any(2), facts)


def grown_hole(image: RgbImage, piece: Mask) -> tuple[Mask, float]:
    """The hole to fill: the object grown by about three per cent of its size, most at the foot, and its shadow.

    Returns:
        The hole and the shadow's share of it.
    """
    box = bounding_box(piece)
    growth = 4 * size_factor(image) + 0.025 * float(np.sqrt(box.width * box.height))
    body = dilate(fill_holes(piece), growth)
    foot = body.copy()
    foot[: box.bottom - round(0.2 * box.height)] = False
    body |= dilate(foot, 0.8 * growth)
    shadow = cast_shadow_mask(image, body)
    hole = fill_holes(body | shadow)
    return hole, float(shadow.sum() / hole.sum())


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
    unlike = (
        facts["strange_distance"] > limits.max_strange_distance
        or facts["strange_ratio"] > limits.max_strange_ratio
    )
    if facts["strange_area"] > limits.max_strange_area and unlike:
        raise BadInputError(
            "structured_background",
            f"what surrounds the object occurs nowhere else (area {facts['strange_area']:.1f})",
        )
    if facts["layering"] > limits.max_layering:
        raise BadInputError(
            "structured_background",
            f"several distinct things end at the object (layering {facts['layering']:.1f})",
        )


def _check_fill(facts: dict[str, float], limits: RemoveLimits) -> None:
    if facts["seam"] > limits.max_seam:
        raise BadInputError(
            "visible_seam", f"gradient at the seam is {facts['seam']:.1f} times its surroundings'"
        )
    for name, least, most in (
        ("fine_texture", limits.min_fine_texture, limits.max_fine_texture),
        ("coarse_texture", limits.min_coarse_texture, limits.max_coarse_texture),
    ):
        if facts[name] > most:
            raise BadInputError(
                "blotchy_fill",
                f"the fill has {facts[name]:.1f} times its surroundings' {name.replace('_', ' ')}",
            )
        if facts[name] < least:
            raise BadInputError(
                "flat_fill",
                f"the fill has {facts[name]:.0%} of its surroundings' {name.replace('_', ' ')}",
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
