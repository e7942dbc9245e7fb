"""Geometry of boxes and mattes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from editloop.models.roles import Matte, RgbImage
from editloop.records.record import Box

MIN_PART_FRAC = 0.005
"""Smallest separate part of a salient matte that counts as an object, as a share of the image."""


class Shape(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def area(self) -> int:
        """Pixels in the image."""
        return self.width * self.height

    @classmethod
    def of(cls, image: RgbImage) -> Shape:
        """Shape of an (h, w, ...) array."""
        return cls(image.shape[1], image.shape[0])


def box_of(matte: Matte) -> Box:
    """The tightest box around everything above one half; an empty box at the origin when there is nothing."""
    mask = matte > 0.5
    if not mask.any():
        return Box(left=0, top=0, right=0, bottom=0)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(
        left=int(columns[0]), top=int(rows[0]), right=int(columns[-1]) + 1, bottom=int(rows[-1]) + 1
    )


def grown(box: Box, share: float, width: int, height: int) -> Box:
    """`box` grown by `share` of its own size on every side, inside the image."""
    dx, dy = round(box.width * share), round(box.height * share)
    return Box(
        left=max(0, box.left - dx),
        top=max(0, box.top - dy),
        right=min(width, box.right + dx),
        bottom=min(height, box.bottom + dy),
    )


def squared(box: Box, width: int, height: int) -> Box:
    """The square around `box`, as far as the image reaches: taggers look at the central square of what they get."""
    side = max(box.width, box.height)
    wide, tall = min(side, width), min(side, height)
    left = min(max(0, (box.left + box.right - wide) // 2), width - wide)
    top = min(max(0, (box.top + box.bottom - tall) // 2), height - tall)
    return Box(left=left, top=top, right=left + wide, bottom=top + tall)


def intersection_over_union(a: Box, b: Box) -> float:
    """Overlap of two boxes in [0, 1]."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    common = max(0, width) * max(0, height)
    union = a.area + b.area - common
    return common / union if union else 0.0


def box_distance(a: Box, b: Box) -> float:
    """Shortest distance between two boxes in pixels, 0 when they overlap."""
    dx = max(0, a.left - b.right, b.left - a.right)
    dy = max(0, a.top - b.bottom, b.top - a.bottom)
    return float(np.hypot(dx, dy))


def parts(matte: Matte) -> list[Matte]:
    """The separate objects of a matte, largest first, each a matte of its own.

    Soft edges go to the part that they touch; specks below `MIN_PART_FRAC` of the image are left out.
    """
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (matte > 0.3).astype(np.uint8), connectivity=8
    )
    area = matte.size
    order = sorted(range(1, count), key=lambda i: -int(stats[i, cv2.CC_STAT_AREA]))
    large = [i for i in order if stats[i, cv2.CC_STAT_AREA] >= MIN_PART_FRAC * area]
    separated: list[Matte] = []
    for index in large:
        near = cv2.dilate((labels == index).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        others = np.isin(labels, [i for i in large if i != index])
        part = np.where(near & ~others, matte, 0).astype(np.float32)
        if (part > 0.5).any():
            separated.append(part)
    return separated


def crispness(matte: Matte) -> float:
    """Share of the matte's mass that is decided (above 0.9), in [0, 1]: low for smoke, glass and guesses."""
    mass = float(matte.sum())
    return float(matte[matte > 0.9].sum()) / mass if mass else 0.0


def touches(matte: Matte, share: float = 0.08) -> tuple[str, ...]:
    """Sides of the frame that cut through the object: where it covers at least `share` of its own extent there."""
    mask = matte > 0.5
    box = box_of(matte)
    sides = {
        "left": (mask[:, 0], box.height),
        "top": (mask[0], box.width),
        "right": (mask[:, -1], box.height),
        "bottom": (mask[-1], box.width),
    }
    return tuple(
        side for side, (line, extent) in sides.items() if line.sum() > share * max(1, extent)
    )
