"""The nine backgrounds: a sky and a ground with a line between them, and a few bold details."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from editloop.world.render.palette import FloatImage
from editloop.world.scenes import Background

Rgb = tuple[int, int, int]
_FINER = 4
_WHITE: Rgb = (255, 255, 255)


class _Canvas:
    """A square from 0 to 1, y down, drawn larger than it will be shown."""

    def __init__(self, side: int) -> None:
        self._image = Image.new("RGB", (side, side), _WHITE)
        self._draw = ImageDraw.Draw(self._image)
        self._side = side

    def fade(self, top: float, bottom: float, above: Rgb, below: Rgb) -> None:
        """A vertical run from one colour to another."""
        first, last = round(top * self._side), round(bottom * self._side)
        for row in range(first, last):
            share = (row - first) / max(1, last - first - 1)
            blend = tuple(round(a + (b - a) * share) for a, b in zip(above, below, strict=True))
            self._draw.line([(0, row), (self._side, row)], fill=blend)

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Rgb) -> None:
        box = [left * self._side, top * self._side, right * self._side - 1, bottom * self._side - 1]
        self._draw.rectangle(box, fill=colour)

    def ellipse(self, x: float, y: float, wide: float, high: float, colour: Rgb) -> None:
        box = [x - wide, y - high, x + wide, y + high]
        self._draw.ellipse([value * self._side for value in box], fill=colour)

    def polygon(self, points: list[tuple[float, float]], colour: Rgb) -> None:
        self._draw.polygon([(x * self._side, y * self._side) for x, y in points], fill=colour)

    def hills(self, line: float, height: float, waves: float, shift: float, colour: Rgb) -> None:
        """Ground whose upper edge goes up and down."""
        steps = [i / 64 for i in range(65)]
        edge = [(x, line - height * math.sin(math.tau * (waves * x + shift))) for x in steps]
        self.polygon([*edge, (1, 1), (0, 1)], colour)

    def pixels(self) -> FloatImage:
        small = self._image.reduce(_FINER)
        return np.asarray(small, np.float32)


def _meadow(canvas: _Canvas) -> None:
    canvas.fade(0, 0.62, (112, 190, 246), (198, 232, 252))
    canvas.ellipse(0.24, 0.16, 0.13, 0.05, _WHITE)
    canvas.ellipse(0.76, 0.1, 0.1, 0.04, _WHITE)
    canvas.hills(0.6, 0.025, 1, 0, (120, 200, 84))
    for x, y in ((0.08, 0.9), (0.36, 0.95), (0.66, 0.9), (0.92, 0.78)):
        canvas.rectangle(x - 0.04, y - 0.02, x + 0.04, y + 0.02, (84, 164, 60))


def _desert(canvas: _Canvas) -> None:
    canvas.fade(0, 0.6, (255, 196, 120), (255, 232, 184))
    canvas.ellipse(0.8, 0.16, 0.09, 0.09, (255, 250, 214))
    canvas.hills(0.56, 0.05, 1, 0.1, (226, 166, 92))
    canvas.hills(0.76, 0.04, 1, 0.55, (208, 142, 72))


def _sea(canvas: _Canvas) -> None:
    canvas.fade(0, 0.5, (176, 216, 240), (226, 242, 250))
    canvas.rectangle(0, 0.48, 1, 1, (24, 96, 166))
    for row, y in enumerate((0.56, 0.7, 0.84, 0.96)):
        for column in range(4):
            x = 0.25 * column + 0.125 * (row % 2)
            canvas.rectangle(x, y, x + 0.11, y + 0.032, (84, 154, 212))


def _snowfield(canvas: _Canvas) -> None:
    canvas.fade(0, 0.62, (150, 164, 204), (206, 214, 234))
    canvas.polygon([(0.02, 0.62), (0.26, 0.26), (0.5, 0.62)], (176, 188, 218))
    canvas.polygon([(0.17, 0.4), (0.26, 0.26), (0.35, 0.4)], _WHITE)
    canvas.hills(0.6, 0.025, 1, 0.5, (240, 245, 252))
    canvas.hills(0.86, 0.02, 1, 0.1, (220, 229, 243))


def _forest(canvas: _Canvas) -> None:
    canvas.rectangle(0, 0, 1, 0.64, (26, 74, 54))
    for x in (0.02, 0.2, 0.36, 0.56, 0.72, 0.9):
        canvas.rectangle(x, 0, x + 0.065, 0.64, (62, 54, 42))
    for x in (0.0, 0.28, 0.52, 0.8, 1.0):
        canvas.ellipse(x, 0.02, 0.17, 0.13, (46, 106, 62))
    canvas.rectangle(0, 0.62, 1, 1, (92, 104, 50))
    canvas.rectangle(0, 0.84, 1, 1, (76, 88, 40))


def _city(canvas: _Canvas) -> None:
    canvas.fade(0, 0.66, (232, 176, 190), (248, 220, 214))
    towers = (
        (0.0, 0.3, 0.18),
        (0.2, 0.14, 0.16),
        (0.4, 0.36, 0.2),
        (0.64, 0.2, 0.15),
        (0.82, 0.32, 0.18),
    )
    for left, top, wide in towers:
        canvas.rectangle(left, top, left + wide, 0.66, (128, 122, 148))
        for window in range(2):
            x = left + wide * (0.2 + 0.4 * window)
            canvas.rectangle(x, top + 0.06, x + 0.035, top + 0.12, (250, 226, 150))
    canvas.rectangle(0, 0.66, 1, 1, (98, 98, 106))
    for x in (0.04, 0.4, 0.76):
        canvas.rectangle(x, 0.86, x + 0.18, 0.9, (228, 228, 222))


def _beach(canvas: _Canvas) -> None:
    canvas.fade(0, 0.4, (92, 206, 224), (176, 236, 236))
    canvas.rectangle(0, 0.38, 1, 0.56, (20, 160, 176))
    canvas.hills(0.56, 0.015, 2, 0, _WHITE)
    canvas.hills(0.6, 0.015, 2, 0, (250, 230, 170))
    for x, y in ((0.12, 0.9), (0.44, 0.94), (0.84, 0.88)):
        canvas.ellipse(x, y, 0.045, 0.022, (226, 196, 126))


def _space(canvas: _Canvas) -> None:
    canvas.fade(0, 0.68, (10, 8, 34), (40, 26, 82))
    stars = (
        (0.1, 0.12),
        (0.3, 0.3),
        (0.42, 0.08),
        (0.6, 0.22),
        (0.9, 0.4),
        (0.06, 0.46),
        (0.7, 0.5),
    )
    for x, y in stars:
        canvas.ellipse(x, y, 0.018, 0.018, (255, 250, 220))
    canvas.ellipse(0.84, 0.15, 0.085, 0.085, (180, 120, 220))
    canvas.hills(0.68, 0.02, 0.5, 0, (92, 84, 124))
    for x, y in ((0.18, 0.88), (0.56, 0.94), (0.86, 0.82)):
        canvas.ellipse(x, y, 0.075, 0.03, (66, 58, 98))


def _paper(_canvas: _Canvas) -> None:
    """White, as the canvas comes."""


_DRAWINGS: dict[Background, Callable[[_Canvas], None]] = {
    "meadow": _meadow,
    "desert": _desert,
    "sea": _sea,
    "snowfield": _snowfield,
    "forest": _forest,
    "city": _city,
    "beach": _beach,
    "space": _space,
    "paper": _paper,
}


@lru_cache(maxsize=32)
def background_pixels(name: Background, size: int) -> FloatImage:
    """The empty background, shape (size, size, 3), 0..255, read-only."""
    canvas = _Canvas(size * _FINER)
    _DRAWINGS[name](canvas)
    pixels = canvas.pixels()
    pixels.setflags(write=False)
    return pixels
