"""Evidence on looks: named colours, tone, light direction, blur of the background, white backdrops, style."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.judges.evidence.pixels import Pair, Plane, Planes, grow, mean_in
from editloop.judges.evidence.texture import detail_energy
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


def blur_evidence(pair: Pair, subject: Mask) -> dict[str, float]:
    """Fine detail that survived on the subject and behind it (edited over source, 1 = all)."""
    energy_before, energy_after = (
        cv2.GaussianBlur(detail_energy(lab[..., 0]), (0, 0), 3)
        for lab in (pair.source_lab, pair.edited_lab)
    )
    behind = ~grow(subject, 6)
    return {
        "subject_detail": (mean_in(energy_after, subject) + 0.2)
        / (mean_in(energy_before, subject) + 0.2),
        "behind_detail": (mean_in(energy_after, behind) + 0.2)
        / (mean_in(energy_before, behind) + 0.2),
        "behind_frac": float(behind.mean()),
    }


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
    """What a change of medium does to a photograph: flat areas, lost colour, stronger lines.

    Returns:
        ``flat_gain`` (rise of the share of flat pixels), ``chroma_ratio``, ``line_ratio`` (strong edges, edited over
        source) and ``palette_ratio`` (number of occupied colour cells, edited over source).
    """
    before, after = pair.source_lab, pair.edited_lab
    chroma_before, chroma_after = (
        float(np.hypot(lab[..., 1], lab[..., 2]).mean()) for lab in (before, after)
    )
    return {
        "flat_gain": _flat(after[..., 0]) - _flat(before[..., 0]),
        "chroma_ratio": (chroma_after + 1) / (chroma_before + 1),
        "line_ratio": float((detail_energy(after[..., 0]) > 12).mean() + 0.01)
        / float((detail_energy(before[..., 0]) > 12).mean() + 0.01),
        "palette_ratio": _palette(pair.edited) / _palette(pair.source),
    }


def _flat(lightness: Plane) -> float:
    return float((detail_energy(lightness) < 0.6).mean())


def _palette(image: RgbImage) -> float:
    cells = (image // 16).astype(np.int64) @ np.array([1, 16, 256])
    counts = np.bincount(cells.ravel(), minlength=4096)
    return float((counts > 0.0005 * cells.size).sum() + 1)
