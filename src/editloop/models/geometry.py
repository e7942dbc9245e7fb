"""Boxes: overlap, suppression of duplicates, growth within a frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from editloop.records.record import Box


def grow_box(box: Box, fraction: float, width: int, height: int) -> Box:
    """`box` with `fraction` of its sides added on every side, cut to the frame of `width` x `height` pixels."""
    across, down = fraction * box.width, fraction * box.height
    return Box(
        left=max(0, int(box.left - across)),
        top=max(0, int(box.top - down)),
        right=min(width, int(np.ceil(box.right + across))),
        bottom=min(height, int(np.ceil(box.bottom + down))),
    )


def box_overlaps(boxes: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each of `boxes` (n, 4; left, top, right, bottom) with one `box` (4,)."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    intersection = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    union = areas + (box[2:] - box[:2]).prod() - intersection
    return np.asarray(intersection / np.maximum(union, 1e-12))


def suppress_duplicates(
    boxes: NDArray[np.float64],
    scores: NDArray[np.float64],
    classes: NDArray[np.int64],
    *,
    same_class: float,
    any_class: float,
) -> list[int]:
    """Indices to keep, best first: greedy non-maximum suppression.

    A box is dropped when it overlaps a better one by more than `same_class`, or by more than `any_class` where the
    classes differ.
    """
    left = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while left.size:
        best = int(left[0])
        kept.append(best)
        left = left[1:]
        limit = np.where(classes[left] == classes[best], same_class, any_class)
        left = left[box_overlaps(boxes[left], boxes[best]) <= limit]
    return kept


def drop_parts(
    boxes: NDArray[np.float64],
    scores: NDArray[np.float64],
    classes: NDArray[np.int64],
    kept: list[int],
    *,
    contained: float,
    weaker: float,
) -> list[int]:
    """The indices of `kept` (best first) that are not parts of a better box of their class.

    A part lies inside the better box with at least the fraction `contained` of its area, and scores less than
    `weaker` times as much: the hind half of a cow, not the second cow behind it.
    """
    whole: list[int] = []
    for index in kept:
        box = boxes[index]
        area = max(float((box[2:] - box[:2]).prod()), 1e-12)
        rivals = [
            i for i in whole if classes[i] == classes[index] and scores[index] < weaker * scores[i]
        ]
        inside = (
            np.clip(
                np.minimum(boxes[rivals, 2:], box[2:]) - np.maximum(boxes[rivals, :2], box[:2]),
                0,
                None,
            ).prod(axis=1)
            / area
        )
        if not (inside >= contained).any():
            whole.append(index)
    return whole
