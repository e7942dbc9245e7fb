"""Objects as small anti-aliased pictures, ready to be laid on a canvas.

A kind is drawn once per pattern, size and quarter-pixel position, as the share of every pixel that each ink covers; any colour
is then one product with the ink table, because box-averaging is linear.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from editloop.world.render.palette import FloatImage, Ink, ink_table
from editloop.world.render.shapes import DRAWINGS, Pen
from editloop.world.scenes import RADII, Colour, Kind, Pattern, SceneObject, Size

PHASES = 4
"""An object's centre is rounded to this part of a pixel of the finished picture."""
_STROKE = 0.021
"""Width of the dark outline, fraction of the picture's side."""
_REACH = 1.3
_PATTERN_PERIOD = 0.62
_STRIPE_SHARE = 0.4
_DOT_RADIUS = 0.2


class Sprite(NamedTuple):
    """A drawn object and the window of the picture it falls on, clipped to the picture."""

    rows: slice
    columns: slice
    rgb: FloatImage
    """Colour times coverage, 0..255, shape (rows, columns, 3)."""
    alpha: FloatImage
    """Coverage, 0..1, shape (rows, columns, 1)."""


def sprite(thing: SceneObject, size: int) -> Sprite:
    """The object drawn for a picture of `size` x `size` pixels.

    A window outside the picture comes back empty.
    """
    column, phase_x = divmod(round(thing.x * size * PHASES), PHASES)
    row, phase_y = divmod(round(thing.y * size * PHASES), PHASES)
    tile = _tile(thing.kind, thing.colour, thing.pattern, thing.size, size, phase_x, phase_y)
    half = tile.shape[0] // 2
    top, left = row - half, column - half
    rows = slice(min(max(top, 0), size), max(min(top + 2 * half, size), 0))
    columns = slice(min(max(left, 0), size), max(min(left + 2 * half, size), 0))
    seen = tile[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return Sprite(rows, columns, seen[..., :3], seen[..., 3:])


@lru_cache(maxsize=16384)
def _tile(
    kind: Kind,
    colour: Colour,
    pattern: Pattern,
    size_name: Size,
    size: int,
    phase_x: int,
    phase_y: int,
) -> FloatImage:
    shares = _ink_shares(kind, pattern, size_name, size, phase_x, phase_y)
    return np.asarray(shares @ ink_table(colour), np.float32)


@lru_cache(maxsize=4096)
def _ink_shares(
    kind: Kind, pattern: Pattern, size_name: Size, size: int, phase_x: int, phase_y: int
) -> FloatImage:
    """The share of each pixel that each ink covers, shape (height, width, inks)."""
    finer = 8 if size <= 64 else 4
    stroke = _STROKE * size
    unit = RADII[size_name] * size - stroke
    half = math.ceil(_REACH * unit + stroke + 1)
    side = 2 * half * finer
    centre = ((half + phase_x / PHASES) * finer, (half + phase_y / PHASES) * finer)
    canvas = Image.new("L", (side, side), int(Ink.NONE))
    DRAWINGS[kind](Pen(canvas, unit * finer, centre))
    inks = np.asarray(canvas).copy()
    inks[(inks == Ink.BODY) & _pattern_mask(pattern, side, unit * finer, centre)] = Ink.PATTERN
    inks[(inks == Ink.NONE) & _grown(inks > 0, stroke * finer)] = Ink.OUTLINE
    return _shares_of_blocks(inks, finer)


def _shares_of_blocks(inks: NDArray[np.uint8], finer: int) -> FloatImage:
    """The share of every ink in every block of `finer` x `finer` values."""
    blocks = inks.shape[0] // finer
    block = np.arange(inks.shape[0]) // finer
    cells = (block[:, None] * blocks + block) * len(Ink) + inks
    counts = np.bincount(cells.ravel(), minlength=blocks * blocks * len(Ink))
    shares = counts.reshape(blocks, blocks, len(Ink)) / finer**2
    return np.asarray(shares, np.float32)


def _pattern_mask(
    pattern: Pattern, side: int, unit: float, centre: tuple[float, float]
) -> NDArray[np.bool_]:
    if pattern == "plain":
        return np.zeros((side, side), np.bool_)
    y, x = np.ogrid[:side, :side]
    across = (x + 0.5 - centre[0]) / (unit * _PATTERN_PERIOD)
    down = (y + 0.5 - centre[1]) / (unit * _PATTERN_PERIOD)
    if pattern == "striped":
        stripes = np.abs(across - np.round(across)) < _STRIPE_SHARE / 2
        return np.asarray(np.broadcast_to(stripes, (side, side)))
    line = np.round(down)
    shifted = across + 0.5 * (line % 2)
    distance = np.hypot(shifted - np.round(shifted), down - line) * _PATTERN_PERIOD
    return np.asarray(distance < _DOT_RADIUS)


def _grown(silhouette: NDArray[np.bool_], pixels: float) -> NDArray[np.bool_]:
    """The silhouette with a rounded rim of that width."""
    soft = Image.fromarray(silhouette.astype(np.uint8) * 255).filter(
        ImageFilter.GaussianBlur(pixels)
    )
    # One standard deviation outside a straight edge, a blurred edge has fallen to 16 %.
    return np.asarray(soft) > 0.16 * 255
