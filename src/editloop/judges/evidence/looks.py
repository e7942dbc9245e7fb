"""Evidence on looks: named colours, tone, light direction, blur of the background, white backdrops, style."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.judges.evidence.pixels import Pair, Plane, Planes, correlation
from editloop.models.editors.procedural.colours import (
    COLOURS,
    chroma,
    hue,
    hue_distance,
    named,
    oklab,
)
from editloop.models.roles import Mask, RgbImage

NAMES = {
    "gray": "grey", "golden": "yellow", "gold": "yellow", "turquoise": "teal", "cyan": "teal", "aqua": "teal",
    "navy": "blue", "indigo": "blue", "violet": "purple", "lavender": "purple", "magenta": "pink", "maroon": "red",
    "crimson": "red", "scarlet": "red", "burgundy": "red", "lime": "green", "olive": "green", "emerald": "green",
    "mint": "green", "cream": "beige", "tan": "beige", "ivory": "beige", "khaki": "beige", "blonde": "beige",
    "blond": "beige", "ginger": "orange", "coral": "orange", "peach": "orange", "amber": "orange", "copper": "brown",
    "bronze": "brown", "mustard": "yellow", "rose": "pink", "silver": "grey", "charcoal": "black",
}  # fmt: skip
"""Colour words -> the thirteen names that pixels are sorted into."""


def colour_share(image: RgbImage, mask: Mask, colour: str) -> float:
    """Share of `mask` whose pixels people would accept as `colour`, in [0, 1].

    Chromatic colours are judged by hue with a tolerance, so that shading and highlights do not count against them.
    """
    name = NAMES.get(colour, colour)
    if name not in COLOURS or not mask.any():
        return 0.0
    lab = oklab(image[mask])
    wanted = named(name).lab
    distance = np.linalg.norm(
        (lab - np.array(wanted, np.float32)) * np.array([0.5, 1, 1], np.float32), axis=1
    )
    strength = float(np.hypot(wanted[1], wanted[2]))
    if strength < 0.05:
        return float(((chroma(lab) < 0.06) & (np.abs(lab[:, 0] - wanted[0]) < 0.25)).mean())
    near_hue = (
        hue_distance(hue(lab), float(np.degrees(np.arctan2(wanted[2], wanted[1])) % 360)) < 28
    )
    fits = (near_hue & (chroma(lab) > 0.3 * strength) & (np.abs(lab[:, 0] - wanted[0]) < 0.33)) | (
        distance < 0.08
    )
    return float(fits.mean())


def tone_evidence(pair: Pair) -> dict[str, float]:
    """Change of the whole picture's lightness, warmth, chroma and contrast (CIELAB means, edited minus source)."""
    before, after = pair.source_lab, pair.edited_lab
    chroma_before, chroma_after = (
        float(np.hypot(lab[..., 1], lab[..., 2]).mean()) for lab in (before, after)
    )
    return {
        "lightness_shift": float(after[..., 0].mean() - before[..., 0].mean()),
        "red_shift": float(after[..., 1].mean() - before[..., 1].mean()),
        "warmth_shift": float(after[..., 2].mean() - before[..., 2].mean()),
        "chroma_before": chroma_before,
        "chroma_after": chroma_after,
        "contrast_ratio": float((after[..., 0].std() + 1) / (before[..., 0].std() + 1)),
        "changed_frac": float(pair.changed.mean()),
        "mean_difference": float(pair.difference.mean()),
    }


def light_evidence(pair: Pair) -> dict[str, float]:
    """Where the light grew: brightness gained on the left over the right, and at the top over the bottom (log2)."""
    before, after = (
        cv2.GaussianBlur(lab[..., 0] + 4, (0, 0), 12) for lab in (pair.source_lab, pair.edited_lab)
    )
    gain = np.log2(after / before)
    height, width = gain.shape
    return {
        "light_left": float(gain[:, : width // 3].mean() - gain[:, -(width // 3) :].mean()),
        "light_top": float(gain[: height // 3].mean() - gain[-(height // 3) :].mean()),
        "light_spread": float(gain.std()),
    }


_DETAIL_FLOOR = 0.1
_LEAST_DETAIL = 0.25
"""Fine detail of the source (Lab lightness) from which a place can be seen to lose some."""


def detail_survival(pair: Pair) -> tuple[Plane, Mask]:
    """Fine detail of the edited image over that of the source (1 = as sharp as before), and where there was any."""

    def detail(lab: Planes) -> Plane:
        fine = np.abs(lab[..., 0] - cv2.GaussianBlur(lab[..., 0], (0, 0), 1.5))
        return np.asarray(cv2.GaussianBlur(fine, (0, 0), 6), np.float32)

    before, after = detail(pair.source_lab), detail(pair.edited_lab)
    survival = (after + _DETAIL_FLOOR) / (before + _DETAIL_FLOOR)
    return np.asarray(survival, np.float32), before > _LEAST_DETAIL


def blur_evidence(pair: Pair) -> dict[str, float]:
    """Detail that survived where most and where least of it did; a bokeh splits the frame into the two.

    Returns:
        ``sharp_detail`` (90th percentile of `detail_survival`) and ``soft_detail`` (20th percentile); with a mask of
        what may change, the medians outside and inside it. A picture without detail counts as unblurred.
    """
    survival, detailed = detail_survival(pair)
    if pair.mask is not None and (detailed & pair.mask).any() and (detailed & ~pair.mask).any():
        inside, outside = survival[detailed & pair.mask], survival[detailed & ~pair.mask]
        return {"sharp_detail": float(np.median(outside)), "soft_detail": float(np.median(inside))}
    if not detailed.any():
        return {"sharp_detail": 1.0, "soft_detail": 1.0}
    soft, sharp = np.percentile(survival[detailed], [20, 90])
    return {"sharp_detail": float(sharp), "soft_detail": float(soft)}


def white_evidence(pair: Pair) -> dict[str, float]:
    """How clean and white the backdrop of a cut-out is.

    Returns:
        ``white_border`` (white share of the frame's border), ``white_frac`` (of the frame), ``object_frac``
        (the rest) and ``white_before`` (white share of the source's border).
    """
    after, before = _white(pair.edited_lab), _white(pair.source_lab)
    edge = np.ones_like(after)
    edge[4:-4, 4:-4] = False
    return {
        "white_border": float(after[edge].mean()),
        "white_frac": float(after.mean()),
        "object_frac": float(1 - after.mean()),
        "white_before": float(before[edge].mean()),
    }


def _white(lab: Planes) -> Mask:
    return np.asarray((lab[..., 0] > 96) & (np.hypot(lab[..., 1], lab[..., 2]) < 4))


def style_evidence(pair: Pair) -> dict[str, float]:
    """What a change of medium does to a photograph.

    Returns:
        ``detail_rewritten`` (1 - correlation of fine detail: 0 when only tone changed) and ``chroma_ratio``.
    """
    before, after = pair.source_lab, pair.edited_lab
    chroma_before, chroma_after = (
        float(np.hypot(lab[..., 1], lab[..., 2]).mean()) for lab in (before, after)
    )
    fine = [
        np.asarray(cv2.Laplacian(cv2.GaussianBlur(lab[..., 0], (0, 0), 1.0), cv2.CV_32F))
        for lab in (before, after)
    ]
    return {
        "detail_rewritten": 1 - correlation(*fine),
        "chroma_ratio": (chroma_after + 1) / (chroma_before + 1),
    }
