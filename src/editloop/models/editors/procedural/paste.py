"""Standing a cut-out in another photograph."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.cutout import Cutout
from editloop.models.editors.procedural.edges import HARD, bounding_box, composite, dilate
from editloop.models.editors.procedural.harmonise import (
    Harmony,
    grain,
    harmonise,
    light_wrap,
    match_grain,
    match_sharpness,
    sharpness,
)
from editloop.models.editors.procedural.pixels import blur, check_image, size_factor
from editloop.models.editors.procedural.placement import Placement
from editloop.models.editors.procedural.shadow import contact_shadow, darken, sunk_in_grass
from editloop.models.roles import EditResult, Mask, Matte, RgbImage

MAX_UPSCALE = 1.35
"""Beyond this a cut-out looks softer than the photograph around it."""
MIN_CONTRAST = 9.0
"""Mean Lab distance from the surroundings below which the object can hardly be seen."""
LEAST_LIGHT = 20
"""Median of the largest channel around the object (0..255) below which the night hides it."""
MAX_GROUND_RELIEF = 12.0
"""Standard deviation of coarse Lab values below the foot beyond which there is no one ground to stand on."""


def paste(
    image: RgbImage,
    cutout: Cutout,
    placement: Placement,
    *,
    seed: int,
    harmony: Harmony | None = None,
) -> EditResult:
    """The photograph with the object standing at `placement`.

    Args:
        image: RGB uint8 (h, w, 3).
        cutout: The object.
        placement: Where its foot stands and how tall it is.
        seed: For the grain.
        harmony: How far the object's light follows the scene.

    Returns:
        Image with every byte outside `changed` as it was; facts ``scale``, ``blur_px``, ``sharpness_ratio``,
        ``contrast`` (how far the object stands out from its surroundings, Lab), ``area_frac``.

    Raises:
        BadInputError: ``upscaled``, ``outside_frame``, ``no_ground``, ``too_dark``, ``camouflaged``,
            ``not_rgb``.
    """
    check_image(image)
    rng = np.random.default_rng(seed)
    scale = placement.height_px / cutout.height
    if scale > MAX_UPSCALE:
        raise BadInputError("upscaled", f"the cut-out would be enlarged {scale:.2f} times")
    rgb, alpha = _placed(image.shape[:2], cutout, placement)
    hard = alpha > HARD
    around = dilate(hard, 0.25 * placement.height_px) & ~dilate(hard, 2)
    ground = _ground_below(hard, placement)
    _check_ground(image, hard)
    target = sharpness(image, ground if ground.sum() > 400 else around)
    _check_light(image, around)
    rgb = harmonise(rgb, alpha, image, around, harmony)
    own_sharpness = sharpness(rgb, hard)
    rgb, alpha, sigma = match_sharpness(rgb, alpha, max(target, 0.12))
    rgb = match_grain(rgb, alpha, grain(image, ~hard), rng)
    lit = darken(image, contact_shadow(alpha, placement.shadow, lean=placement.lean))
    alpha = sunk_in_grass(alpha, image)
    result = light_wrap(composite(lit, rgb, alpha), alpha, image, 0.2)
    contrast = _contrast(result, hard, around)
    if contrast < MIN_CONTRAST:
        raise BadInputError(
            "camouflaged", f"the object differs from its surroundings by {contrast:.0f} Lab"
        )
    facts = {
        "scale": scale,
        "blur_px": sigma,
        "sharpness_ratio": own_sharpness / max(0.05, target),
        "contrast": contrast,
        "area_frac": float(hard.mean()),
    }
    return EditResult(result, (result != image).any(2), facts)


def _placed(shape: tuple[int, int], cutout: Cutout, placement: Placement) -> tuple[RgbImage, Matte]:
    """The cut-out scaled, mirrored if asked, and moved into an empty frame of `shape`."""
    scale = placement.height_px / cutout.height
    size = (max(1, round(cutout.width * scale)), max(1, round(placement.height_px)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    rgb = cv2.resize(cutout.rgb, size, interpolation=method)
    alpha = np.clip(cv2.resize(cutout.alpha, size, interpolation=method), 0, 1)
    if placement.mirrored:
        rgb, alpha = rgb[:, ::-1], alpha[:, ::-1]
    left, top = round(placement.x - size[0] / 2), round(placement.baseline - size[1])
    if left < 0 or top < 0 or left + size[0] > shape[1] or top + size[1] > shape[0]:
        raise BadInputError(
            "outside_frame",
            f"the object would span x {left}..{left + size[0]}, y {top}..{top + size[1]}",
        )
    full_rgb = np.zeros((*shape, 3), np.uint8)
    full_alpha = np.zeros(shape, np.float32)
    full_rgb[top : top + size[1], left : left + size[0]] = rgb
    full_alpha[top : top + size[1], left : left + size[0]] = alpha
    return full_rgb, full_alpha


def _ground_below(hard: Mask, placement: Placement) -> Mask:
    """A band of ground at the object's foot: where its depth, hence its focus, is."""
    rows = np.arange(hard.shape[0])[:, None]
    columns = np.arange(hard.shape[1])[None]
    half = 0.08 * placement.height_px + 6
    near = abs(rows - placement.baseline) < half
    beside = abs(columns - placement.x) < 0.8 * placement.height_px
    return np.asarray(near & beside & ~dilate(hard, 2), bool)


def _check_ground(image: RgbImage, hard: Mask) -> None:
    """Refuse where the strip below the foot is not one even surface (an arm, an edge, a gap)."""
    box = bounding_box(hard)
    depth = max(6, round(0.16 * min(box.height, 1.5 * box.width)))
    strip = image[box.bottom : box.bottom + depth, max(0, box.left) : box.right]
    if strip.shape[0] < 3:
        raise BadInputError("no_ground", "the object would stand on the lower border of the frame")
    lab = cv2.cvtColor(strip.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    coarse = blur(lab, 4 * size_factor(image))
    relief = float(np.sqrt((coarse.reshape(-1, 3).std(0) ** 2).sum()))
    if relief > MAX_GROUND_RELIEF:
        raise BadInputError("no_ground", f"the ground below the foot is uneven ({relief:.0f} Lab)")


def _check_light(image: RgbImage, around: Mask) -> None:
    light = float(np.median(image.max(2)[around]))
    if light < LEAST_LIGHT:
        raise BadInputError("too_dark", f"the surroundings are nearly black ({light:.0f} of 255)")


def _contrast(image: RgbImage, hard: Mask, around: Mask) -> float:
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    return float(np.linalg.norm(lab[hard].mean(0) - lab[around].mean(0)))
