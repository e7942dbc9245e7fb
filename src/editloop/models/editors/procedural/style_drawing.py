"""Drawn styles: graphite, coloured pencil, charcoal, blueprint, engraving, linocut."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.models.editors.procedural import pixels, strokes
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.roles import RgbImage

_GRAPHITE = np.array([0.20, 0.20, 0.22], np.float32)
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
    darkness = np.clip(1 - pixels.blur(lightness, 1.5 * factor) - 0.16, 0, 1) ** 1.25
    tooth = strokes.paper(lightness.shape, factor, rng)
    pressure = 0.80 * _hatched(darkness, factor, rng) + 0.85 * _contours(lightness, factor)
    coverage = np.clip(pressure * (1 + 0.22 * tooth), 0, 0.97)
    return _inked(coverage, _GRAPHITE, _PAPER + 0.008 * tooth[..., None])


def coloured_pencil(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Crayon hatching in the photograph's colours, white paper shining through."""
    factor = pixels.size_factor(image)
    vivid = strokes.saturated(strokes.flattened(image), 1.45)
    lightness = strokes.stretched(pixels.grey(image))
    tooth = strokes.paper(lightness.shape, factor, rng)
    first = strokes.hatching(lightness.shape, 55, 30, factor, rng)
    second = strokes.hatching(lightness.shape, 35, 22, factor, rng)
    chroma = cv2.cvtColor(vivid, cv2.COLOR_RGB2HSV)[..., 1].astype(np.float32) / 255
    pressure = np.clip(1.05 - 0.62 * lightness + 0.42 * chroma, 0, 1.1)
    body = pixels.smoothstep(
        pressure * 1.2 - 0.55 * first - 0.35 * second - 0.10 * tooth, -0.15, 0.42
    )
    coloured = _inked(0.94 * body, pixels.unit(vivid), _PAPER + 0.006 * tooth[..., None])
    lines = np.clip(0.75 * _contours(lightness, factor) * (1 + 0.2 * tooth), 0, 0.85)
    return _inked(lines, pixels.unit(vivid) * 0.35, coloured)


def charcoal(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Smudged black charcoal on rough grey-white paper."""
    factor = pixels.size_factor(image)
    lightness = strokes.equalised(strokes.stretched(pixels.grey(strokes.flattened(image))))
    grain = strokes.even(strokes.paper(lightness.shape, 1.5 * factor, rng))
    smudge = strokes.hatching(lightness.shape, 50, 46, factor, rng)
    darkness = np.clip(1.02 - pixels.blur(lightness, 2.2 * factor), 0, 1) ** 1.5
    tone = pixels.smoothstep(1.35 * darkness - 0.50 * grain - 0.30 * smudge, -0.12, 0.55)
    lines = 1 - strokes.ink_lines(lightness, 2.0 * factor, 45.0, 0.002)
    coverage = np.clip(0.93 * tone + 0.85 * lines * (0.55 + 0.45 * grain), 0, 0.96)
    ground = np.array([0.93, 0.915, 0.885], np.float32) + 0.012 * (grain[..., None] - 0.5)
    return _inked(coverage, np.array([0.085, 0.08, 0.08], np.float32), ground)


def blueprint(image: RgbImage, rng: np.random.Generator) -> Planes:
    """White construction lines and a grid on Prussian blue."""
    factor = pixels.size_factor(image)
    lightness = strokes.stretched(pixels.grey(strokes.flattened(image)))
    lines = 1 - strokes.ink_lines(lightness, 1.2 * factor, 130.0, -0.002)
    angle, _ = strokes.flow(lightness, 3 * factor)
    lines = strokes.along_flow(lines.astype(np.float32), angle, 2)
    shade = strokes.hatching(lightness.shape, 45, 60, factor, rng)
    tint = 0.20 * pixels.smoothstep(lightness - shade, -0.1, 0.5)
    cell = max(8, round(32 * factor))
    grid = np.zeros_like(lightness)
    grid[::cell], grid[:, ::cell] = 0.10, 0.10
    grid[:: 4 * cell], grid[:, :: 4 * cell] = 0.22, 0.22
    chalk = np.clip(1.25 * lines + tint + grid, 0, 0.96)
    wash = pixels.fractal_noise(lightness.shape, 240 * factor, rng, 3)
    fibre = strokes.paper(lightness.shape, factor, rng)
    blue = np.array([0.055, 0.185, 0.43], np.float32) * (1 + 0.06 * wash + 0.03 * fibre)[..., None]
    return _inked(chalk, np.array([0.93, 0.96, 1.0], np.float32), blue)


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
        width = 0.06 + 0.86 * amount**1.1 if start == 0.0 else 0.8 * amount
        ink = np.clip((width - (1 - line)) * pitch / 2 + 0.5, 0, 1) * (amount > 0.03)
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


def linocut(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Black block print: bold areas, gouge marks that follow the form."""
    factor = pixels.size_factor(image)
    lightness = strokes.equalised(strokes.stretched(pixels.grey(strokes.flattened(image))))
    smooth = pixels.blur(lightness, 1.8 * factor)
    angle, _ = strokes.flow(pixels.blur(lightness, 2 * factor), 9 * factor)
    noise = rng.standard_normal(smooth.shape).astype(np.float32)
    gouges = strokes.along_flow(pixels.blur(noise, 1.7 * factor), angle, max(6, round(14 * factor)))
    threshold = 0.47 + 0.34 * (strokes.even(gouges) - 0.5) * 1.5
    edge = 0.035
    bare = pixels.smoothstep(smooth - threshold, -edge, edge)
    bare *= strokes.ink_lines(lightness, 1.8 * factor, 90.0, -0.006)
    bare = pixels.smoothstep(pixels.blur(bare.astype(np.float32), 0.9 * factor), 0.35, 0.65)
    wear = pixels.smoothstep(strokes.paper(smooth.shape, factor, rng), 2.1, 2.6)
    coverage = 0.97 * pixels.clipped(1 - bare - 0.8 * wear)
    return _inked(
        coverage,
        np.array([0.09, 0.085, 0.09], np.float32),
        np.array([0.955, 0.925, 0.86], np.float32),
    )
