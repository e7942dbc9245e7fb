"""Where and how large a thing is, in words: from pixel boxes to "the small cup near the bottom right".

ImgEdit's writers are told to weave approximate position and size into the sentence (arXiv 2505.20275, prompts); here the
same is worked out from the box and the picture's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from editloop.records.record import Box

LOW_THIRD, HIGH_THIRD = 0.37, 0.63
"""A centre between these is neither left nor right, top nor bottom."""
CORNER = 0.25
"""A small thing whose centre is this close to two edges is in the corner."""
SMALL_FRAC, LARGE_FRAC = 0.035, 0.3
"""Box area as a share of the picture's."""
WIDE_FRAC = 0.62
"""A thing that spans this share of a side has no place along it."""
APART_FRAC = 0.1
"""Least distance of centres, as a share of the side, for one thing to be left of another."""
SIZE_RATIO = 1.6
"""Least ratio of areas for one thing to be the larger."""


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """A place in keys of `places.toml`.

    `position` is a side, a corner region or ``centre``; empty when the thing spans the picture. `rank` tells it from
    others of the same noun and is empty when there are none. `certain` is False when there are others and no words
    tell them apart: such a thing should not be edited.
    """

    position: str = ""
    corner: bool = False
    size: Literal["", "small", "large"] = ""
    rank: str = ""
    certain: bool = True


NOWHERE = PlaceWords()


def describe_place(box: Box, width: int, height: int, others: Sequence[Box] = ()) -> PlaceWords:
    """Words for the place and size of `box` in a picture of `width` x `height` pixels.

    Args:
        box: The thing, in pixels.
        width: Of the picture.
        height: Of the picture.
        others: Boxes of all other things that the same noun could mean.
    """
    x, y = _centre(box, width, height)
    area_frac = box.area / (width * height)
    across = "" if box.width > WIDE_FRAC * width else _third(x, "left", "right")
    down = "" if box.height > WIDE_FRAC * height else _third(y, "top", "bottom")
    spans = box.width > WIDE_FRAC * width and box.height > WIDE_FRAC * height
    position = f"{down} {across}".strip() or ("" if spans else "centre")
    near_edges = min(x, 1 - x) < CORNER and min(y, 1 - y) < CORNER
    rank = _rank(box, others, width, height) if others else ""
    return PlaceWords(
        position=position,
        corner=bool(across and down) and near_edges and area_frac < SMALL_FRAC,
        size="small" if area_frac < SMALL_FRAC else "large" if area_frac > LARGE_FRAC else "",
        rank=rank,
        certain=bool(rank) or not others,
    )


def _centre(box: Box, width: int, height: int) -> tuple[float, float]:
    return (box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height


def _third(value: float, low: str, high: str) -> str:
    return low if value < LOW_THIRD else high if value > HIGH_THIRD else ""


def _rank(box: Box, others: Sequence[Box], width: int, height: int) -> str:
    """What alone is true of `box`: its order from left to right, from top to bottom, or by size; else nothing."""
    centre = _centre(box, width, height)
    centres = [_centre(other, width, height) for other in others]
    return (
        _order_across(centre[0], [x for x, _ in centres])
        or _order_down(centre[1], [y for _, y in centres])
        or _order_by_size(box.area, [other.area for other in others])
    )


def _order_across(x: float, others: Sequence[float]) -> str:
    if any(abs(x - other) < APART_FRAC for other in others):
        return ""
    before, after = sum(other < x for other in others), sum(other > x for other in others)
    if not before:
        return "left" if after == 1 and x < 0.5 else "leftmost"
    if not after:
        return "right" if before == 1 and x > 0.5 else "rightmost"
    if before == after == 1:
        return "middle"
    return {1: "second from the left"}.get(before) or {1: "second from the right"}.get(after, "")


def _order_down(y: float, others: Sequence[float]) -> str:
    if len(others) != 1 or abs(y - others[0]) < APART_FRAC:
        return ""
    return "upper" if y < others[0] else "lower"


def _order_by_size(area: int, others: Sequence[int]) -> str:
    if area > SIZE_RATIO * max(others):
        return "larger" if len(others) == 1 else "largest"
    if area * SIZE_RATIO < min(others):
        return "smaller" if len(others) == 1 else "smallest"
    return ""
