"""Finds the part of an object that people name when they name its colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.colours import chroma, hue, hue_distance
from editloop.models.roles import Matte, RgbImage

_TWO_PARTS = 0.80
"""Share of lightness variance between two classes (Otsu) from which a neutral object counts as two-toned."""


@dataclass(frozen=True, slots=True)
class Part:
    """The dominant part of an object."""

    weight: NDArray[np.float32]
    """Soft membership, (h, w) in [0, 1], not yet multiplied by the matte."""
    share: float
    lab: tuple[float, float, float]
    chromatic: bool
    blurred_out: float
    """Share of the object that is left out although no edge in the picture sets it apart."""


def _dominant_hue(lab: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    strength = chroma(lab)[inside]
    bins = np.bincount(
        (hue(lab)[inside] // 5).astype(np.int64) % 72, weights=strength, minlength=72
    )
    window = np.hanning(9)[1:-1]
    wrapped = np.concatenate([bins[-3:], bins, bins[:3]])
    return float(np.argmax(np.convolve(wrapped, window, mode="valid")) * 5 + 2.5)


def _dominant_lightness(
    lightness: NDArray[np.float32], inside: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Soft membership in the larger of a neutral object's light and dark parts.

    Args:
        lightness: Of the whole picture, (h, w).
        inside: Of the object's neutral pixels, (n,).
    """
    counts, edges = np.histogram(inside, 64, (0, 1))
    share = np.cumsum(counts) / len(inside)
    centres = (edges[:-1] + edges[1:]) / 2
    moment = np.cumsum(counts * centres) / len(inside)
    mean = moment[-1]
    between = (mean * share - moment) ** 2 / np.maximum(share * (1 - share), 1e-6)
    cut = int(between.argmax())
    separable = between[cut] / max(float(inside.var()), 1e-6)
    dark, light = (
        moment[cut] / max(share[cut], 1e-6),
        (mean - moment[cut]) / max(1 - share[cut], 1e-6),
    )
    if separable < _TWO_PARTS or light - dark < 0.18:
        typical = float(np.median(inside))
        return 1 - pixels.smoothstep(np.abs(lightness - typical), 0.28, 0.42)
    rising = pixels.smoothstep(lightness, edges[cut + 1] - 0.05, edges[cut + 1] + 0.05)
    return 1 - rising if share[cut] > 0.5 else rising


def _refine(weight: NDArray[np.float32], image: RgbImage) -> NDArray[np.float32]:
    """Membership smoothed along the picture's own edges, so that speckles vanish."""
    radius = max(2, round(4 * pixels.size_factor(image)))
    smooth = cv2.ximgproc.guidedFilter(pixels.unit(image), weight, radius, 1e-3)
    return pixels.smoothstep(np.asarray(smooth, np.float32), 0.1, 0.75)


def _coloured_weight(
    lab: NDArray[np.float32], relative: NDArray[np.float32], coloured: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Membership in the object's main hue; `relative` is chroma over lightness."""
    strength = chroma(lab)
    away = hue_distance(hue(lab), _dominant_hue(lab, coloured))
    members = coloured & (away < 40)
    # A narrow range of hues (a yellow duck) must not swallow its neighbour (the orange beak).
    reach = float(np.clip(2.2 * np.average(away[members], weights=strength[members]), 13, 26))
    pale = float(np.clip(np.median(relative[members]), 0.04, 0.115))
    weight = 1 - pixels.smoothstep(away, reach, 1.7 * reach)
    return weight * pixels.smoothstep(relative, 0.25 * pale, 0.65 * pale)


def _neutral_weight(
    lab: NDArray[np.float32], relative: NDArray[np.float32], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Membership in the main tone of a white, grey or black object."""
    weight = 1 - pixels.smoothstep(relative, 0.07, 0.13)
    members = inside & (weight > 0.5)
    if members.any():
        weight = weight * _dominant_lightness(lab[..., 0], lab[..., 0][members])
    return weight


def dominant_part(image: RgbImage, lab: NDArray[np.float32], matte: Matte) -> Part:
    """The part of the object in its main colour.

    Args:
        image: RGB uint8 (h, w, 3).
        lab: The same in OKLab.
        matte: The object, float32 (h, w) in [0, 1].
    """
    inside = matte > 0.6
    relative = np.asarray(chroma(lab) / np.maximum(lab[..., 0], 0.25), np.float32)
    coloured = inside & (relative > 0.075)
    chromatic = bool(coloured.sum() > 0.35 * inside.sum())
    if chromatic:
        weight = _coloured_weight(lab, relative, coloured)
    else:
        weight = _neutral_weight(lab, relative, inside)
    weight = _refine(weight, image)
    members = inside & (weight > 0.5)
    if not members.any():
        return Part(weight, 0.0, (0.0, 0.0, 0.0), chromatic, 0.0)
    lightness, a, b = (float(value) for value in np.median(lab[members], axis=0))
    return Part(
        weight=weight,
        share=float(members.sum() / inside.sum()),
        lab=(lightness, a, b),
        chromatic=chromatic,
        blurred_out=_blurred_out(lab, inside, weight),
    )


def _blurred_out(
    lab: NDArray[np.float32], inside: NDArray[np.bool_], weight: NDArray[np.float32]
) -> float:
    """See `Part.blurred_out`; parts in deep shade do not count, nobody sees their colour."""
    factor = pixels.size_factor(weight)
    core = cv2.erode(inside.astype(np.uint8), np.ones((pixels.odd(9 * factor),) * 2, np.uint8)) > 0
    border = core & (_slope(weight, factor) > 0.03)
    if not border.any():
        return 0.0
    contrast = np.sqrt(
        sum(_slope(np.ascontiguousarray(lab[..., k]), 2 * factor) ** 2 for k in range(3))
    )
    if float(np.median(contrast[border])) > 0.006:
        return 0.0
    left_out = inside & (weight < 0.5) & (lab[..., 0] > 0.35)
    return float(left_out.sum() / max(1, inside.sum()))


def _slope(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gradient magnitude of the blurred values, per pixel."""
    smooth = pixels.blur(values, sigma)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down) / 8, np.float32)
