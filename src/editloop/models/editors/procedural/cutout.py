"""Cutting an object out so that it can stand elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.edges import (
    HARD,
    MatteQuality,
    Stance,
    bounding_box,
    check_pair,
    crisp,
    dominant_piece,
    foreground_colours,
    matte_quality,
    stance,
)
from editloop.models.editors.procedural.pixels import size_factor
from editloop.models.roles import Matte, RgbImage
from editloop.records.record import Box


@dataclass(frozen=True, slots=True)
class Cutout:
    """An object without its background, cropped tightly.

    The crop keeps the photograph's resolution; `facts` holds ``sharpness`` and ``grain`` of the object for matching,
    ``top``, ``left``, ``frame_width``, ``frame_height`` of the crop in its photograph, and the matte's quality.
    """

    rgb: RgbImage
    """RGB uint8 (h, w, 3): the object's own colours, free of background at soft edges."""
    alpha: Matte
    """float32 (h, w) in 0..1."""
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """Pixels from the object's top to its foot."""
        return int(self.alpha.shape[0])

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.alpha.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutLimits:
    """When a cut-out is refused."""

    min_side_px: float = 96
    """Shorter side of the object, in pixels of its photograph."""
    max_border_frac: float = 0.06
    """Share of the object's extent along any one side of the frame that may touch it."""
    min_dominance: float = 0.93
    """Share of the matte that the largest piece must hold."""
    max_edge_width_px: float = 5.5
    """Mean width of the half-transparent rim at 768 px."""
    min_interior_opacity: float = 0.97
    """Mean matte value away from the rim."""
    max_notches: float = 0.075
    """Notches in the lower outline (`edges.Stance`): grass that hides the foot."""
    must_stand: bool = True
    """Refuse objects whose centre of mass is not above their foot line."""


def make_cutout(
    image: RgbImage, matte: Matte, box: Box | None = None, *, limits: CutoutLimits | None = None
) -> Cutout:
    """The complete object with decontaminated edges.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: float32 (h, w) in 0..1.
        box: Which object, where the matte holds several.
        limits: When to refuse.

    Raises:
        BadInputError: ``cut_by_frame``, ``fragmented``, ``soft_matte``, ``too_small``, ``foot_hidden``,
            ``unstable_stance``, ``empty_matte``, ``matte_mismatch``.
    """
    check_pair(image, matte)
    limits = limits or CutoutLimits()
    piece, dominance = dominant_piece(matte, box)
    quality = matte_quality(piece)
    extent = bounding_box(piece > HARD)
    _check(quality, extent, dominance, box, limits)
    standing = stance(piece > HARD)
    _check_stance(standing, limits)
    alpha = crisp(piece)
    frame = bounding_box(alpha > 0.02)
    view = (slice(frame.top, frame.bottom), slice(frame.left, frame.right))
    facts = {
        "dominance": dominance,
        "edge_width_px": quality.edge_width_px,
        "interior_opacity": quality.interior_opacity,
        "area_frac": quality.area_frac,
        "stance_span": standing.span,
        "stance_overhang": standing.overhang,
        "foot_notches": standing.notches,
        "left": float(frame.left),
        "top": float(frame.top),
        "frame_width": float(image.shape[1]),
        "frame_height": float(image.shape[0]),
        "source_scale": size_factor(image),
    }
    colours = foreground_colours(image, piece)
    return Cutout(colours[view].copy(), alpha[view].copy(), facts)


def _check(
    quality: MatteQuality, extent: Box, dominance: float, box: Box | None, limits: CutoutLimits
) -> None:
    side, contact = max(quality.border_frac.items(), key=lambda item: item[1])
    if contact > limits.max_border_frac:
        raise BadInputError(
            "cut_by_frame", f"{contact:.0%} of the object's extent lies on the {side} border"
        )
    if box is None and dominance < limits.min_dominance:
        raise BadInputError("fragmented", f"the largest piece holds {dominance:.0%} of the matte")
    if quality.edge_width_px > limits.max_edge_width_px:
        raise BadInputError("soft_matte", f"the rim is {quality.edge_width_px:.1f} px wide")
    if quality.interior_opacity < limits.min_interior_opacity:
        raise BadInputError("soft_matte", f"the interior is {quality.interior_opacity:.0%} opaque")
    if min(extent.width, extent.height) < limits.min_side_px:
        raise BadInputError("too_small", f"the object is {extent.width} x {extent.height} px")


def _check_stance(standing: Stance, limits: CutoutLimits) -> None:
    if standing.notches > limits.max_notches:
        raise BadInputError(
            "foot_hidden", f"something hides the object's foot (notches {standing.notches:.2f})"
        )
    if limits.must_stand and not standing.stable:
        raise BadInputError(
            "unstable_stance",
            f"the foot line spans {standing.span:.0%} of the object's width and its weight lies "
            f"{standing.overhang:.0%} beside it",
        )
