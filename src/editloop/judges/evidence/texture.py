"""Sharpness, noise and compression, inside and outside the edit."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.judges.evidence.pixels import Pair, Plane
from editloop.models.roles import Mask, RgbImage

_BLOCK = 8
_BLANK_LIGHTNESS = 99.5


def detail_energy(lightness: Plane) -> Plane:
    """Local energy of fine detail (absolute Laplacian)."""
    return np.abs(np.asarray(cv2.Laplacian(lightness, cv2.CV_32F), np.float32))


def detail_ratio(pair: Pair, mask: Mask) -> float:
    """Fine detail of the edited image over that of the source where `mask`; 1 = as sharp as before."""
    if not mask.any():
        return 1.0
    before = float(detail_energy(pair.source_lab[..., 0])[mask].mean())
    after = float(detail_energy(pair.edited_lab[..., 0])[mask].mean())
    return (after + 0.2) / (before + 0.2)


def focus_ratio(pair: Pair) -> float:
    """Strength of the sharpest edges (99.5th percentile of fine detail), edited over source; near 0 = out of focus.

    Blank parts of the edited image (the white around a cut-out) are left out of both.
    """
    where = pair.edited_lab[..., 0] < _BLANK_LIGHTNESS
    if where.mean() < 0.01:
        return 1.0
    before, after = (
        float(np.percentile(detail_energy(lab[..., 0])[where], 99.5))
        for lab in (pair.source_lab, pair.edited_lab)
    )
    return (after + 0.1) / (before + 0.1)


def detail_inside_out(pair: Pair, region: Mask, outside: Mask) -> float:
    """Fine detail inside `region` over that of its surroundings, both in the edited image."""
    if not region.any() or not outside.any():
        return 1.0
    energy = detail_energy(pair.edited_lab[..., 0])
    return (float(energy[region].mean()) + 0.2) / (float(energy[outside].mean()) + 0.2)


def noise_level(pair: Pair, mask: Mask, *, edited: bool) -> float:
    """Noise sigma of lightness where `mask`: median absolute deviation of the finest diagonal detail."""
    if not mask.any():
        return 0.0
    plane = (pair.edited_lab if edited else pair.source_lab)[..., 0]
    kernel = np.array([[1, -1], [-1, 1]], np.float32) / 2
    detail = cv2.filter2D(plane, cv2.CV_32F, kernel)[mask]
    return float(np.median(np.abs(detail)) / 0.6745)


def blockiness(image: RgbImage) -> float:
    """How much steps on the 8-pixel grid of JPEG exceed the other steps; about 1 without visible blocks."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    ratios = []
    for steps in (
        np.abs(np.diff(grey, axis=1)).mean(axis=0),
        np.abs(np.diff(grey, axis=0)).mean(axis=1),
    ):
        on_grid = np.arange(1, steps.size + 1) % _BLOCK == 0
        if on_grid.any() and not on_grid.all():
            ratios.append(
                (float(steps[on_grid].mean()) + 0.5) / (float(steps[~on_grid].mean()) + 0.5)
            )
    return float(np.mean(ratios)) if ratios else 1.0
