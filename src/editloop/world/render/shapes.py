"""The sixteen kinds as drawings in a square from -1 to 1, x to the right and y down, in a few inks.

Bold outlines and few details: what is drawn here has to survive being nine pixels wide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

from editloop.world.render.palette import Ink
from editloop.world.scenes import Kind

Point = tuple[float, float]
_LINE = 0.15


class Pen:
    """Draws inks on a single-channel canvas.

    Args:
        canvas: Image of mode ``L`` whose values are `Ink` numbers.
        unit: Canvas pixels that one unit of the drawing takes.
        centre: Where the drawing's (0, 0) lies on the canvas, pixels.
    """

    def __init__(self, canvas: Image.Image, unit: float, centre: Point) -> None:
        self._draw = ImageDraw.Draw(canvas)
        self._unit = unit
        self._centre = centre

    def polygon(self, points: Sequence[Point], ink: Ink = Ink.BODY) -> None:
        """Fill a closed polygon."""
        self._draw.polygon([self._at(point) for point in points], fill=int(ink))

    def ellipse(
        self, centre: Point, radius_x: float, radius_y: float | None = None, ink: Ink = Ink.BODY
    ) -> None:
        """Fill an ellipse, a circle where only one radius is given."""
        radius_y = radius_x if radius_y is None else radius_y
        (x, y) = centre
        corners = [
            self._at((x - radius_x, y - radius_y)),
            self._at((x + radius_x, y + radius_y)),
        ]
        self._draw.ellipse(corners, fill=int(ink))

    def rectangle(
        self, left: float, top: float, right: float, bottom: float, ink: Ink = Ink.BODY
    ) -> None:
        """Fill an upright rectangle."""
        self._draw.rectangle([self._at((left, top)), self._at((right, bottom))], fill=int(ink))

    def line(self, points: Sequence[Point], ink: Ink = Ink.OUTLINE, width: float = _LINE) -> None:
        """Draw a bent line."""
        pixels = max(1, round(width * self._unit))
        self._draw.line(
            [self._at(point) for point in points], fill=int(ink), width=pixels, joint="curve"
        )

    def _at(self, point: Point) -> Point:
        return (
            self._centre[0] + point[0] * self._unit - 0.5,
            self._centre[1] + point[1] * self._unit - 0.5,
        )


def _ball(pen: Pen) -> None:
    pen.ellipse((0, 0), 1)
    pen.ellipse((-0.34, -0.38), 0.3, ink=Ink.TINT)


def _box(pen: Pen) -> None:
    pen.rectangle(-0.96, -0.4, 0.96, 0.92)
    pen.polygon([(-0.96, -0.4), (-0.6, -1), (0.6, -1), (0.96, -0.4)], Ink.SHADE)
    pen.line([(-0.96, -0.38), (0.96, -0.38)])
    pen.rectangle(-0.2, -0.3, 0.2, 0.3, Ink.CREAM)


def _cone(pen: Pen) -> None:
    pen.polygon([(-0.14, -1.12), (0.14, -1.12), (0.68, 0.72), (-0.68, 0.72)])
    pen.polygon([(-0.32, -0.48), (0.32, -0.48), (0.47, 0.06), (-0.47, 0.06)], Ink.TINT)
    pen.rectangle(-1, 0.66, 1, 1, Ink.SHADE)


def _star(pen: Pen) -> None:
    points = []
    for corner in range(10):
        reach = 1.14 if corner % 2 == 0 else 0.5
        angle = math.pi * corner / 5
        points.append((reach * math.sin(angle), 0.1 - reach * math.cos(angle)))
    pen.polygon(points)


def _heart(pen: Pen) -> None:
    pen.ellipse((-0.48, -0.4), 0.52)
    pen.ellipse((0.48, -0.4), 0.52)
    pen.polygon([(-0.96, -0.22), (0, -0.5), (0.96, -0.22), (0, 1.02)])


def _house(pen: Pen) -> None:
    pen.rectangle(-0.76, -0.2, 0.76, 1)
    pen.polygon([(-1.04, -0.06), (0, -1.16), (1.04, -0.06)], Ink.SHADE)
    pen.line([(-0.9, -0.04), (0.9, -0.04)])
    pen.rectangle(-0.22, 0.34, 0.26, 1, Ink.DARK)


def _tree(pen: Pen) -> None:
    pen.rectangle(-0.2, 0.2, 0.2, 1.16, Ink.WOOD)
    pen.ellipse((-0.48, -0.08), 0.5)
    pen.ellipse((0.48, -0.08), 0.5)
    pen.ellipse((0, -0.56), 0.6)
    pen.rectangle(-0.3, -0.3, 0.3, 0.4)


def _flower(pen: Pen) -> None:
    pen.line([(0, 0.2), (0, 1.2)], Ink.LEAF, 0.22)
    pen.polygon([(0, 1.1), (-0.72, 0.72), (-0.2, 0.7)], Ink.LEAF)
    pen.polygon([(0, 1.1), (0.72, 0.72), (0.2, 0.7)], Ink.LEAF)
    for petal in range(5):
        angle = 2 * math.pi * petal / 5
        pen.ellipse((0.56 * math.sin(angle), -0.3 - 0.52 * math.cos(angle)), 0.4)
    pen.ellipse((0, -0.3), 0.34, ink=Ink.SUN)


def _car(pen: Pen) -> None:
    pen.polygon([(-0.62, 0), (-0.4, -0.72), (0.36, -0.72), (0.66, 0)])
    pen.rectangle(-1.06, -0.12, 1.06, 0.48)
    pen.polygon([(-0.4, -0.1), (-0.26, -0.52), (0.22, -0.52), (0.42, -0.1)], Ink.CREAM)
    for x in (-0.56, 0.56):
        pen.ellipse((x, 0.5), 0.34, ink=Ink.DARK)
        pen.ellipse((x, 0.5), 0.13, ink=Ink.CREAM)


def _boat(pen: Pen) -> None:
    pen.line([(0, -1.1), (0, 0.4)], Ink.WOOD, 0.16)
    pen.polygon([(0.14, -1.06), (0.84, 0.16), (0.14, 0.16)], Ink.CREAM)
    pen.polygon([(-0.14, -0.7), (-0.66, 0.16), (-0.14, 0.16)], Ink.CREAM)
    pen.polygon([(-1.06, 0.3), (1.06, 0.3), (0.66, 0.98), (-0.66, 0.98)])


def _fish(pen: Pen) -> None:
    pen.polygon([(0.36, 0), (1.06, -0.6), (1.06, 0.6)], Ink.SHADE)
    pen.polygon([(-0.4, -0.4), (0.2, -0.88), (0.3, -0.3)], Ink.SHADE)
    pen.ellipse((-0.24, 0), 0.8, 0.58)
    pen.ellipse((-0.62, -0.12), 0.19, ink=Ink.CREAM)
    pen.ellipse((-0.64, -0.12), 0.12, ink=Ink.DARK)


def _cup(pen: Pen) -> None:
    pen.ellipse((0.5, 0.02), 0.54, 0.56)
    pen.ellipse((0.52, 0.02), 0.24, 0.26, Ink.NONE)
    pen.polygon([(-1, -0.8), (0.34, -0.8), (0.18, 0.94), (-0.84, 0.94)])
    pen.ellipse((-0.33, -0.8), 0.67, 0.26, Ink.CREAM)
    pen.ellipse((-0.33, -0.78), 0.46, 0.15, Ink.WOOD)


def _mushroom(pen: Pen) -> None:
    pen.polygon([(-0.3, -0.1), (0.3, -0.1), (0.44, 1), (-0.44, 1)], Ink.CREAM)
    pen.ellipse((0, 0), 1.06, 0.98)
    pen.rectangle(-1.2, 0.14, 1.2, 1.2, Ink.NONE)
    pen.polygon([(-0.34, 0.15), (0.34, 0.15), (0.44, 1.04), (-0.44, 1.04)], Ink.CREAM)
    pen.line([(-1, 0.1), (1, 0.1)])


def _kite(pen: Pen) -> None:
    pen.line([(0, 0.5), (-0.3, 0.76), (0.26, 0.98), (-0.1, 1.24)], Ink.OUTLINE, 0.17)
    pen.polygon([(0, -1.2), (0.86, -0.34), (0, 0.66), (-0.86, -0.34)])
    pen.line([(0, -1.1), (0, 0.6)], Ink.SHADE, 0.18)
    pen.line([(-0.8, -0.34), (0.8, -0.34)], Ink.SHADE, 0.18)


def _bell(pen: Pen) -> None:
    pen.ellipse((0, -0.96), 0.2, ink=Ink.SHADE)
    pen.ellipse((0, 0.84), 0.28, ink=Ink.DARK)
    pen.ellipse((0, -0.3), 0.62, 0.66)
    pen.polygon(
        [(-0.62, -0.3), (0.62, -0.3), (0.74, 0.3), (1.02, 0.68), (-1.02, 0.68), (-0.74, 0.3)]
    )
    pen.line([(-0.78, 0.36), (0.78, 0.36)], Ink.SHADE, 0.2)


def _bird(pen: Pen) -> None:
    pen.line([(-0.18, 0.5), (-0.18, 1.1)], Ink.SUN, 0.17)
    pen.line([(0.2, 0.5), (0.2, 1.1)], Ink.SUN, 0.17)
    pen.polygon([(-0.4, 0.3), (-1.14, -0.5), (-0.96, 0.36)], Ink.SHADE)
    pen.polygon([(0.7, -0.72), (1.18, -0.46), (0.7, -0.26)], Ink.SUN)
    pen.ellipse((-0.06, 0.18), 0.76, 0.54)
    pen.ellipse((0.42, -0.46), 0.46)
    pen.ellipse((-0.22, 0.16), 0.42, 0.26, Ink.SHADE)
    pen.ellipse((0.5, -0.54), 0.14, ink=Ink.DARK)


DRAWINGS: dict[Kind, Callable[[Pen], None]] = {
    "ball": _ball,
    "box": _box,
    "cone": _cone,
    "star": _star,
    "heart": _heart,
    "house": _house,
    "tree": _tree,
    "flower": _flower,
    "car": _car,
    "boat": _boat,
    "fish": _fish,
    "cup": _cup,
    "mushroom": _mushroom,
    "kite": _kite,
    "bell": _bell,
    "bird": _bird,
}
"""How each kind is drawn."""
