"""What happens to a finished picture: light, tone, style and wear. Pixels are floats, 0..255."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from editloop.world.render.palette import FloatImage
from editloop.world.scenes import Light, Style, Tone, Wear

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
_SEPIA = np.array([1.12, 0.92, 0.66], np.float32)
_GRAIN_CELLS = 32
"""Grain is as coarse at every size, so that a larger picture is the same picture."""
_GRAIN_SPREAD = 34.0
_BLOCK_CELLS = 16
_BOKEH_SPREAD = 0.075
_WORN_BLUR_SPREAD = 0.038


def blurred(pixels: FloatImage, spread: float) -> FloatImage:
    """Gaussian blur.

    Args:
        pixels: Shape (size, size, channels).
        spread: Standard deviation, fraction of the side.
    """
    size = pixels.shape[0]
    weights = _blur_weights(size, spread)
    down = (weights @ pixels.reshape(size, -1)).reshape(pixels.shape)
    return np.asarray(np.matmul(weights, down), np.float32)


def out_of_focus(pixels: FloatImage) -> FloatImage:
    """What lies outside the plane of focus."""
    return blurred(pixels, _BOKEH_SPREAD)


def lit(pixels: FloatImage, light: Light) -> FloatImage:
    """A warm lamp on one side, shade on the other."""
    return np.asarray(pixels * _lamp(light, pixels.shape[0]), np.float32)


def toned(pixels: FloatImage, tone: Tone) -> FloatImage:
    """Time of day, weather or season as a cast over everything."""
    if tone == "dusk":
        return pixels * _rgb(0.86, 0.5, 0.36) + _rgb(36, 8, 30)
    if tone == "midnight":
        return pixels * _rgb(0.3, 0.34, 0.5) + _rgb(0, 4, 34)
    if tone == "fog":
        return pixels * 0.36 + _rgb(134, 136, 138)
    frozen = 0.5 * pixels + 0.5 * _grey(pixels)
    return frozen * _rgb(0.62, 0.7, 0.72) + _rgb(40, 70, 84)


def styled(pixels: FloatImage, style: Style) -> FloatImage:
    """The whole picture redone in one manner."""
    if style == "sepia":
        return _grey(pixels) * _SEPIA
    if style == "black and white":
        return np.broadcast_to(_grey(pixels), pixels.shape)
    if style == "negative":
        return 255 - pixels
    if style == "pastel":
        return pixels * 0.45 + _rgb(142, 134, 140)
    vivid = _grey(pixels) + 1.5 * (pixels - _grey(pixels))
    return np.asarray(np.clip(np.round(vivid / 127.5), 0, 2) * 127.5, np.float32)


def worn(pixels: FloatImage, wear: Wear, seed: int) -> FloatImage:
    """Damage to the whole picture; `seed` fixes the grain of ``noise``."""
    size = pixels.shape[0]
    if wear == "blur":
        return blurred(pixels, _WORN_BLUR_SPREAD)
    if wear == "fading":
        return pixels * 0.34 + _rgb(138, 124, 96)
    if wear == "blocks":
        cells = _cell_of(size, _BLOCK_CELLS)
        return _cell_means(pixels)[cells[:, None], cells]
    cells = _cell_of(size, _GRAIN_CELLS)
    grain = np.random.default_rng(seed).standard_normal((_GRAIN_CELLS, _GRAIN_CELLS, 3), np.float32)
    return pixels + _GRAIN_SPREAD * grain[cells[:, None], cells]


def _rgb(red: float, green: float, blue: float) -> FloatImage:
    return np.array([red, green, blue], np.float32)


def _grey(pixels: FloatImage) -> FloatImage:
    return np.asarray((pixels @ _LUMINANCE)[..., None], np.float32)


def _cell_means(pixels: FloatImage) -> FloatImage:
    size = pixels.shape[0]
    edges = np.searchsorted(_cell_of(size, _BLOCK_CELLS), np.arange(_BLOCK_CELLS))
    counts = np.diff(np.append(edges, size)).astype(np.float32)
    sums = np.add.reduceat(np.add.reduceat(pixels, edges, axis=0), edges, axis=1)
    return np.asarray(sums / (counts[:, None, None] * counts[:, None]), np.float32)


@lru_cache(maxsize=32)
def _cell_of(size: int, cells: int) -> NDArray[np.intp]:
    return np.arange(size) * cells // size


@lru_cache(maxsize=32)
def _lamp(light: Light, size: int) -> FloatImage:
    """Factor of every pixel and channel, shape (size or 1, size or 1, 3)."""
    away = (np.arange(size, dtype=np.float32) + 0.5) / size
    away = away[::-1] if light == "right" else away
    glow = np.asarray(1.3 - away**0.8, np.float32)
    factor = glow[:, None] * _rgb(1.06, 1.0, 0.86) + _rgb(0, 0, 0.04)
    return np.asarray(factor[:, None] if light == "above" else factor[None], np.float32)


@lru_cache(maxsize=32)
def _blur_weights(size: int, spread: float) -> FloatImage:
    """Blur along one axis as a matrix; what lies outside repeats the edge."""
    deviation = spread * size
    reach = int(np.ceil(3 * deviation))
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / deviation) ** 2)
    weights = np.zeros((size, size), np.float32)
    for row in range(size):
        np.add.at(weights[row], np.clip(row + offsets, 0, size - 1), kernel / kernel.sum())
    return weights
