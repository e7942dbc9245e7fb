"""Drawn styles: graphite, charcoal, engraving."""

from __future__ import annotations

import numpy as np

from editloop.models.editors.procedural import pixels, strokes
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.roles import RgbImage

_GRAPHITE = np.array([0.21, 0.21, 0.23], np.float32)
_PAPER = np.array([0.985, 0.975, 0.955], np.float32)


def _inked(coverage: Plane, ink: Planes, ground: Planes) -> Planes:
    """`ink` laid over `ground` by `coverage` in [0, 1]."""
    return np.asarray(ground + coverage[..., None] * (ink - ground), np.float32)


def _contours(lightness: Plane, factor: float) -> Plane:
    """Soft pencil contours: 0 = none, 1 = full pressure."""
    smooth = pixels.blur(lightness, 0.8 * factor)
    dodge = smooth / np.maximum(pixels.blur(smooth, 7 * factor), 0.04)
    soft = 1 - np.clip(dodge, 0, 1)
    lines = 1 - strokes.ink_lines(lightness, 1.1 * factor, 60.0, 0.0)
    return pixels.clipped(1.5 * soft + 0.55 * lines)


def _hatched(darkness: Plane, factor: float, rng: np.random.Generator) -> Plane:
    """Pencil tone: more hatching directions the darker it gets."""
    total = np.zeros_like(darkness)
    for degrees, start in ((58, 0.0), (40, 0.22), (118, 0.45)):
        field = strokes.hatching(darkness.shape, degrees, 26, factor, rng)
        amount = np.clip((darkness - start) / (1 - start), 0, 1)
        total += pixels.smoothstep(amount * 1.15 - field, -0.22, 0.30) * (0.30 + 0.35 * amount)
    return pixels.clipped(total)


def pencil_sketch(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Graphite contours and hatching on white paper."""
    factor = pixels.size_factor(image)
    lightness = strokes.equalised(strokes.stretched(pixels.grey(image)))
    darkness = np.clip(1 - pixels.blur(lightness, 1.5 * factor) - 0.14, 0, 1) ** 1.2
    tooth = strokes.paper(lightness.shape, factor, rng)
    pressure = 0.66 * _hatched(darkness, factor, rng) + 0.62 * _contours(lightness, factor)
    coverage = np.clip(1 - np.exp(-1.85 * pressure * (1 + 0.24 * tooth)), 0, 0.95)
    return _inked(coverage, _GRAPHITE, _PAPER + 0.008 * tooth[..., None])


def charcoal(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Smudged black charcoal on rough grey-white paper."""
    factor = pixels.size_factor(image)
    lightness = strokes.equalised(strokes.stretched(pixels.grey(strokes.flattened(image, 0.5))))
    grain = strokes.even(strokes.paper(lightness.shape, 1.5 * factor, rng))
    smudge = strokes.hatching(lightness.shape, 50, 46, factor, rng)
    darkness = np.clip(1.02 - pixels.blur(lightness, 1.4 * factor), 0, 1) ** 1.35
    tone = pixels.smoothstep(1.35 * darkness - 0.50 * grain - 0.30 * smudge, -0.12, 0.55)
    lines = 1 - strokes.ink_lines(lightness, 2.0 * factor, 45.0, 0.002)
    coverage = np.clip(0.86 * tone + 0.70 * lines * (0.45 + 0.55 * grain), 0, 0.94)
    ground = np.array([0.93, 0.915, 0.885], np.float32) + 0.012 * (grain[..., None] - 0.5)
    return _inked(coverage, np.array([0.085, 0.08, 0.08], np.float32), ground)


def engraving(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Swelling parallel lines, as on a banknote."""
    factor = pixels.size_factor(image)
    lightness = strokes.equalised(strokes.stretched(pixels.grey(image)))
    smooth = pixels.blur(lightness, 1.2 * factor)
    rows, columns = np.mgrid[0 : smooth.shape[0], 0 : smooth.shape[1]].astype(np.float32)
    relief = 16 * factor * pixels.blur(lightness, 10 * factor)
    darkness = np.clip(1 - smooth, 0, 1)
    pitch = max(4.0, 5.2 * factor)
    coverage = np.zeros_like(smooth)
    for degrees, start in ((24.0, 0.0), (-52.0, 0.58)):
        turn = np.radians(degrees)
        wave = (rows * np.cos(turn) + columns * np.sin(turn) + relief) / pitch
        line = np.abs((wave % 1.0) - 0.5) * 2
        amount = np.clip((darkness - start) / (1 - start), 0, 1)
        width = 0.92 * amount if start == 0.0 else 0.8 * amount
        ink = np.clip((width - (1 - line)) * pitch / 2 + 0.5, 0, 1) * pixels.smoothstep(
            amount, 0.0, 0.08
        )
        coverage = np.maximum(coverage, ink)
    lines = 1 - strokes.ink_lines(lightness, 1.0 * factor, 80.0, -0.004)
    ground = (
        np.array([0.965, 0.945, 0.895], np.float32)
        + 0.008 * strokes.paper(smooth.shape, factor, rng)[..., None]
    )
    return _inked(
        np.clip(np.maximum(coverage, lines), 0, 0.97).astype(np.float32),
        np.array([0.10, 0.11, 0.13], np.float32),
        ground,
    )
