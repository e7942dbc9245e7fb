"""Another background behind the same subject: a photograph, a studio backdrop or one colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.edges import (
    HARD,
    border_contact,
    bounding_box,
    check_pair,
    composite,
    crisp,
    dilate,
    dominant_piece,
    foreground_colours,
    matte_quality,
    stance,
)
from editloop.models.editors.procedural.harmonise import (
    Harmony,
    grain,
    harmonise,
    light_wrap,
    match_grain,
    sharpness,
)
from editloop.models.editors.procedural.pixels import blur, size_factor
from editloop.models.editors.procedural.placement import nouns
from editloop.models.editors.procedural.shadow import contact_shadow, darken
from editloop.models.roles import EditResult, Mask, Matte, RgbImage

LANDSCAPE_GROUPS = frozenset({"animal", "pet", "bird", "person"})
"""Groups of `placement_nouns.toml` that may stand in front of any landscape."""
LEAST_LANDSCAPE_HEIGHT_CM = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapLimits:
    """When a background swap is refused."""

    min_area_frac: float = 0.08
    max_area_frac: float = 0.70
    min_dominance: float = 0.93
    max_edge_width_px: float = 6.5
    """Mean width of the half-transparent rim at 768 px."""
    min_interior_opacity: float = 0.97
    max_side_border_frac: float = 0.25
    """Share of the subject's extent that may touch the left, right or top border; the bottom may be cut."""
    min_portrait_frac: float = 0.3
    """Share of the subject's width that runs out of the frame below, from which on it needs no ground."""
    max_light_gap: float = 26.0
    """Lab lightness between the old and the new surroundings beyond which the light cannot match."""
    max_foot_relief: float = 11.0
    """Standard deviation of coarse Lab values where the subject's foot will stand."""
    min_foot_row: float = 0.68
    """Highest foot line in a photograph, as a share of the frame's height: above it there is no near ground."""
    max_notches: float = 0.075
    """Notches in the subject's lower outline: something in the old photograph hides its foot."""
    max_gloom: float = 0.42
    """How much brighter (largest channel, 0..1) the new surroundings may be than the subject's own bright parts."""


def swap_background(
    image: RgbImage,
    matte: Matte,
    background: RgbImage,
    *,
    seed: int,
    noun: str | None = None,
    limits: SwapLimits | None = None,
) -> EditResult:
    """The subject in front of another photograph.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: float32 (h, w) in 0..1 of the subject.
        background: RGB uint8 of any size, without a main subject; scaled to cover the frame.
        seed: For the grain.
        noun: What the subject is, for subjects whose foot is in the picture: only people and animals of some size
            can stand in any landscape. A portrait that runs out of the frame below needs none.
        limits: When to refuse.

    Returns:
        The new image; facts ``area_frac``, ``edge_width_px``, ``light_gap``, ``background_blur_px``.

    Raises:
        BadInputError: ``soft_matte``, ``fragmented``, ``cut_by_frame``, ``subject_size``, ``light_mismatch``,
            ``no_ground_at_foot``, ``background_too_small``, ``unstable_stance``, ``foot_hidden``, ``scale_mismatch``,
            ``underexposed``, ``matte_mismatch``, ``not_rgb``, ``empty_matte``.
    """
    limits = limits or SwapLimits()
    piece, facts = _checked_subject(image, matte, limits)
    scene = cover(background, image.shape[:2])
    outside = ~dilate(piece > HARD, 6 * size_factor(image))
    facts["light_gap"] = abs(_lightness(scene, outside) - _lightness(image, outside))
    if facts["light_gap"] > limits.max_light_gap:
        raise BadInputError(
            "light_mismatch",
            f"old and new surroundings differ by {facts['light_gap']:.0f} in lightness",
        )
    _check_gloom(image, piece, scene, limits)
    standing = _stands(piece, limits)
    if standing:
        _check_belongs(noun)
        _check_foot(scene, piece, limits)
    scene, facts["background_blur_px"] = _focus_like(
        scene, image, piece, outside, standing=standing
    )
    alpha = crisp(piece)
    colours = harmonise(
        foreground_colours(image, piece),
        alpha,
        scene,
        outside,
        Harmony(lightness=0.22, contrast=0.15, colour=0.45),
    )
    scene = match_grain(
        scene, np.ones_like(alpha), grain(image, outside), np.random.default_rng(seed)
    )
    lit = darken(scene, contact_shadow(alpha, 0.5)) if standing else scene
    result = light_wrap(composite(lit, colours, alpha), alpha, scene, 0.3)
    return EditResult(result, (result != image).any(2), facts)


def swap_for_studio(
    image: RgbImage,
    matte: Matte,
    colour: tuple[int, int, int],
    *,
    seed: int,
    limits: SwapLimits | None = None,
) -> EditResult:
    """The subject in front of seamless studio paper, with a soft shadow where it stands.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: float32 (h, w) in 0..1 of the subject.
        colour: Of the paper, sRGB.
        seed: For the paper's grain and the side of the light.
        limits: When to refuse.

    Raises:
        BadInputError: as `swap_background`, without the reasons that concern a photograph.
    """
    limits = limits or SwapLimits()
    piece, facts = _checked_subject(image, matte, limits)
    alpha = crisp(piece)
    standing = _stands(piece, limits)
    foot = bounding_box(piece > HARD).bottom if standing else None
    rng = np.random.default_rng(seed)
    paper = studio_backdrop(image.shape[:2], colour, foot, rng)
    outside = ~dilate(piece > HARD, 6 * size_factor(image))
    _check_gloom(image, piece, paper, limits)
    paper = match_grain(paper, np.ones_like(alpha), min(2.5, grain(image, outside)), rng)
    colours = harmonise(
        foreground_colours(image, piece),
        alpha,
        paper,
        outside,
        Harmony(lightness=0.08, contrast=0.0, colour=0.12),
    )
    lit = darken(paper, contact_shadow(alpha, 0.55)) if standing else paper
    result = light_wrap(composite(lit, colours, alpha), alpha, paper, 0.2)
    return EditResult(result, (result != image).any(2), facts)


def swap_for_colour(
    image: RgbImage, matte: Matte, colour: tuple[int, int, int], *, limits: SwapLimits | None = None
) -> EditResult:
    """The subject in front of one plain colour.

    Raises:
        BadInputError: as `swap_for_studio`.
    """
    piece, facts = _checked_subject(image, matte, limits or SwapLimits())
    plain = np.full_like(image, np.array(colour, np.uint8))
    result = composite(plain, foreground_colours(image, piece), crisp(piece))
    outside = ~dilate(crisp(piece) > 0, 1)
    facts["background_purity"] = float((result[outside] == plain[outside]).all(1).mean())
    return EditResult(result, (result != image).any(2), facts)


def studio_backdrop(
    shape: tuple[int, int],
    colour: tuple[int, int, int],
    foot: int | None,
    rng: np.random.Generator,
) -> RgbImage:
    """Seamless paper: a wall lit from one side, bending softly into a slightly lighter floor.

    Args:
        shape: (h, w).
        colour: sRGB of the paper in full light.
        foot: Row where the subject stands; None = a wall only.
        rng: Decides the side of the light.
    """
    height, width = shape
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(0, 1, width, dtype=np.float32)[None]
    centre = 0.5 + 0.18 * rng.choice([-1.0, 1.0])
    falloff = ((columns - centre) / 0.95) ** 2 + ((rows - 0.42) / 1.05) ** 2
    light = 1.0 - 0.30 * falloff
    if foot is not None:
        bend = foot / height - 0.10
        floor = 1 / (1 + np.exp(-(rows - bend) / 0.045))
        light = light + 0.07 * floor - 0.05 * np.exp(-(((rows - bend + 0.02) / 0.06) ** 2))
    linear = (np.array(colour, np.float32) / 255) ** 2.2
    paper = 255 * np.clip(linear * light[..., None], 0, 1) ** (1 / 2.2)
    dither = rng.uniform(-0.5, 0.5, (height, width, 1)).astype(np.float32)
    return np.asarray(np.rint(paper + dither).clip(0, 255), np.uint8)


def cover(background: RgbImage, shape: tuple[int, int]) -> RgbImage:
    """`background` scaled and centrally cropped to `shape`, keeping its lower edge.

    Raises:
        BadInputError: ``background_too_small`` when it would be enlarged more than 1.5 times.
    """
    height, width = shape
    scale = max(height / background.shape[0], width / background.shape[1])
    if scale > 1.5:
        raise BadInputError(
            "background_too_small", f"the background would be enlarged {scale:.1f} times"
        )
    size = (
        max(width, round(background.shape[1] * scale)),
        max(height, round(background.shape[0] * scale)),
    )
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(background, size, interpolation=method)
    left = (size[0] - width) // 2
    return np.ascontiguousarray(scaled[size[1] - height :, left : left + width])


def _checked_subject(
    image: RgbImage, matte: Matte, limits: SwapLimits
) -> tuple[Matte, dict[str, float]]:
    """The subject's matte and its facts, or a refusal."""
    check_pair(image, matte)
    piece, dominance = dominant_piece(matte)
    quality = matte_quality(piece)
    if dominance < limits.min_dominance:
        raise BadInputError("fragmented", f"the largest piece holds {dominance:.0%} of the matte")
    if not limits.min_area_frac <= quality.area_frac <= limits.max_area_frac:
        raise BadInputError(
            "subject_size", f"the subject covers {quality.area_frac:.0%} of the frame"
        )
    if quality.edge_width_px > limits.max_edge_width_px:
        raise BadInputError("soft_matte", f"the rim is {quality.edge_width_px:.1f} px wide")
    if quality.interior_opacity < limits.min_interior_opacity:
        raise BadInputError("soft_matte", f"the interior is {quality.interior_opacity:.0%} opaque")
    sides = {side: quality.border_frac[side] for side in ("left", "top", "right")}
    side, contact = max(sides.items(), key=lambda item: item[1])
    if contact > limits.max_side_border_frac:
        raise BadInputError(
            "cut_by_frame", f"{contact:.0%} of the subject's extent lies on the {side} border"
        )
    return piece, {
        "area_frac": quality.area_frac,
        "dominance": dominance,
        "edge_width_px": quality.edge_width_px,
        "interior_opacity": quality.interior_opacity,
    }


def _stands(piece: Matte, limits: SwapLimits) -> bool:
    """Whether the subject's foot is in the picture; a subject that runs out below needs no ground.

    Raises:
        BadInputError: ``unstable_stance``, ``foot_hidden``, or ``cut_by_frame`` for a foot that is half in the picture.
    """
    hard = piece > HARD
    contact = border_contact(hard)["bottom"]
    if contact >= limits.min_portrait_frac:
        return False
    if contact > 0:
        raise BadInputError(
            "cut_by_frame", f"{contact:.0%} of the subject's width runs out of the frame below"
        )
    standing = stance(hard)
    if not standing.stable:
        raise BadInputError("unstable_stance", "the subject's weight is not above its foot line")
    if standing.notches > limits.max_notches:
        raise BadInputError(
            "foot_hidden", f"something hides the foot (notches {standing.notches:.2f})"
        )
    return True


def _check_belongs(noun: str | None) -> None:
    """Refuse what would look like a giant, or lost, in a landscape."""
    thing = nouns().get(noun or "")
    if (
        thing is None
        or thing.group not in LANDSCAPE_GROUPS
        or thing.height_cm < LEAST_LANDSCAPE_HEIGHT_CM
    ):
        raise BadInputError(
            "scale_mismatch", f"{noun or 'a thing of unknown size'!r} does not stand in landscapes"
        )


def _check_gloom(image: RgbImage, piece: Matte, scene: RgbImage, limits: SwapLimits) -> None:
    """Refuse a subject lit far more darkly than its new surroundings."""
    subject = np.percentile(image.max(2)[piece > HARD], 90) / 255
    gap = float(np.median(scene.max(2)) / 255 - subject)
    if gap > limits.max_gloom:
        raise BadInputError(
            "underexposed", f"the new surroundings are brighter than the subject by {gap:.0%}"
        )


def _check_foot(scene: RgbImage, piece: Matte, limits: SwapLimits) -> None:
    """Refuse unless the new background is one even ground from the subject's foot down to the frame's lower border."""
    box = bounding_box(piece > HARD)
    lab = _coarse_lab(scene)
    depth = max(6, round(0.12 * box.height))
    beside = slice(max(0, box.left - box.width // 6), box.right + box.width // 6)
    foot = lab[max(0, box.bottom - depth) : box.bottom + depth, beside].reshape(-1, 3)
    below = lab[box.bottom :, beside].reshape(-1, 3)
    relief = float(np.sqrt((foot.std(0) ** 2).sum()))
    if box.bottom < limits.min_foot_row * len(lab):
        raise BadInputError("no_ground_at_foot", "the subject's foot is too high in the frame")
    gap = float(np.linalg.norm(np.median(foot, 0) - np.median(below, 0))) if len(below) else 0.0
    if relief > limits.max_foot_relief or gap > 1.5 * limits.max_foot_relief:
        raise BadInputError(
            "no_ground_at_foot",
            f"where the subject would stand the background is uneven ({relief:.0f} L)",
        )


def _focus_like(
    scene: RgbImage, image: RgbImage, piece: Matte, outside: Mask, *, standing: bool
) -> tuple[RgbImage, float]:
    """The new background blurred as strongly as the old one, the ground at the foot least."""
    box = bounding_box(piece > HARD)
    far = outside.copy()
    far[round(0.75 * box.bottom) :] = False
    if far.sum() < 0.05 * far.size:
        far = outside
    target = sharpness(image, far)
    sigma, low, high = 0.0, 0.0, 12 * size_factor(image)
    if sharpness(scene, far) > 1.2 * target:
        for _ in range(5):
            sigma = (low + high) / 2
            blurred = cv2.GaussianBlur(scene, (0, 0), max(0.3, sigma))
            low, high = (sigma, high) if sharpness(blurred, far) > 1.2 * target else (low, sigma)
    sigma = max(sigma, 1.0 * size_factor(image))
    soft = cv2.GaussianBlur(scene, (0, 0), sigma)
    if not standing:
        return soft, sigma
    rows = np.arange(scene.shape[0], dtype=np.float32)[:, None]
    distance = np.clip(abs(rows - box.bottom) / (0.35 * box.height) - 0.25, 0, 1)
    weight = np.broadcast_to(distance, scene.shape[:2])[..., None]
    return np.rint(scene * (1 - weight) + soft * weight).astype(np.uint8), sigma


def _coarse_lab(image: RgbImage) -> NDArray[np.float32]:
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    return blur(lab, 4 * size_factor(image))


def _lightness(image: RgbImage, where: Mask) -> float:
    light = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0][where].astype(np.float32) * (100 / 255)
    return float(light.mean()) if light.size else 50.0
