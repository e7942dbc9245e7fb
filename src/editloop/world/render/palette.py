"""Which colour each ink of a drawing gets; a drawing is made once and coloured by a small table."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from editloop.world.scenes import Colour

FloatImage = NDArray[np.float32]
"""Height x width x 3, 0..255, not yet rounded."""

COLOUR_RGB: dict[Colour, tuple[int, int, int]] = {
    "red": (224, 34, 40),
    "green": (32, 150, 62),
    "blue": (38, 84, 230),
    "yellow": (255, 220, 36),
    "purple": (140, 52, 196),
    "orange": (250, 132, 20),
    "white": (250, 250, 250),
    "black": (30, 30, 34),
    "pink": (255, 146, 196),
    "brown": (126, 74, 38),
}
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
_BRIGHT = 190.0
"""Above this luminance a pattern is darker than the body, below it white."""
_BLACK_RIM = (150.0, 150.0, 156.0)
"""A black thing is drawn with a light rim, or it would be lost in space and at midnight."""
_BLACK_SHADE = (84.0, 84.0, 90.0)


class Ink(IntEnum):
    """What a pixel of a drawing stands for; the object's colour decides about the first five."""

    NONE = 0
    BODY = 1
    OUTLINE = 2
    SHADE = 3
    """A darker tone of the body: roofs, lids, wings."""
    TINT = 4
    """A paler tone of the body: highlights and sails."""
    PATTERN = 5
    WOOD = 6
    LEAF = 7
    CREAM = 8
    DARK = 9
    SUN = 10
    """Beaks and the hearts of flowers."""


@lru_cache(maxsize=32)
def ink_table(colour: Colour) -> FloatImage:
    """Premultiplied red, green, blue (0..255) and coverage (0 or 1) of every ink, shape (inks, 4)."""
    body = np.array(COLOUR_RGB[colour], np.float32)
    bright = float(body @ _LUMINANCE) > _BRIGHT
    table = np.zeros((len(Ink), 4), np.float32)
    table[1:, 3] = 1
    table[Ink.BODY, :3] = body
    table[Ink.OUTLINE, :3] = body * 0.36
    table[Ink.SHADE, :3] = body * 0.62
    table[Ink.TINT, :3] = body * 0.45 + 255 * 0.55
    table[Ink.PATTERN, :3] = body * 0.46 if bright else 250
    if colour == "black":
        table[[Ink.OUTLINE, Ink.PATTERN], :3] = _BLACK_RIM
        table[Ink.SHADE, :3] = _BLACK_SHADE
    table[Ink.WOOD, :3] = (112, 70, 40)
    table[Ink.LEAF, :3] = (44, 124, 48)
    table[Ink.CREAM, :3] = (246, 236, 214)
    table[Ink.DARK, :3] = (24, 24, 28)
    table[Ink.SUN, :3] = (150, 84, 20) if colour in ("yellow", "orange") else (255, 206, 40)
    table.setflags(write=False)
    return table
