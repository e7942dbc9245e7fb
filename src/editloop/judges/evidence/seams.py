"""Traces that a paste or a fill leaves along its border."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.judges.evidence.pixels import Pair, Plane, Planes, grow, shrink
from editloop.models.roles import Mask

_REACH = 7
"""Pixels (at working size) from the border at which "inside" and "outside" are read."""


def border_of(region: Mask) -> Mask:
    """A line two pixels wide along `region`, without the edge of the frame."""
    line = grow(region, 1) & ~shrink(region, 1)
    line[:2], line[-2:], line[:, :2], line[:, -2:] = False, False, False, False
    return line


def seam_evidence(pair: Pair, region: Mask) -> dict[str, float]:
    """How visible the border of `region` is in the edited image, beyond what was visible there before.

    Returns:
        ``seam_step`` (mean new edge strength along the border, Lab units a pixel), ``seam_share`` (share of the border
        with a strong new edge), ``halo`` (how far rim colours lie from both sides, Lab units, beyond the
        source's own) and ``straight_seam`` (longest straight axis-parallel new edge over the region's side).
    """
    border = border_of(region)
    if border.sum() < 16:
        return {}
    reach = 5 if pair.mask is None else 3  # a measured border is less sure than a declared one
    source_edges, edited_edges = (
        _strongest_nearby(edges, reach) for edges in (pair.source_edges, pair.edited_edges)
    )
    new = np.clip(edited_edges - source_edges, 0, None)
    return {
        "seam_step": float(new[border].mean()),
        "seam_share": float((new[border] > pair.config.new_edge).mean()),
        "halo": _rim_distance(pair.edited_lab, region, border)
        - _rim_distance(pair.source_lab, region, border),
        "straight_seam": _straight_run(pair, region),
    }


def _strongest_nearby(edges: Plane, reach: int) -> Plane:
    return np.asarray(cv2.dilate(edges, np.ones((reach, reach), np.uint8)), np.float32)


def _rim_distance(lab: Planes, region: Mask, border: Mask) -> float:
    """Mean distance of border colours from the line between the colours inside and outside.

    A natural outline mixes its two sides; a rim of foreign pixels lies off that line.
    """
    inner, outer = shrink(region, _REACH), ~grow(region, _REACH)
    if not inner.any() or not outer.any():
        return 0.0
    inside, outside = _spread(lab, inner)[border], _spread(lab, outer)[border]
    rim = cv2.GaussianBlur(lab, (0, 0), 1.0)[border]
    along = outside - inside
    length = np.maximum((along**2).sum(axis=1, keepdims=True), 1e-6)
    position = np.clip(((rim - inside) * along).sum(axis=1, keepdims=True) / length, 0, 1)
    return float(np.linalg.norm(rim - (inside + position * along), axis=1).mean())


def _spread(lab: Planes, mask: Mask) -> Planes:
    """Colours of `mask` carried to the pixels near it by a masked blur."""
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _REACH)[..., None]
    total = cv2.GaussianBlur(lab * mask[..., None].astype(np.float32), (0, 0), _REACH)
    return np.asarray(total / np.maximum(weight, 1e-4), np.float32)


def _straight_run(pair: Pair, region: Mask) -> float:
    """Longest run of a new edge along one row or column, over the smaller side of the region's box."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    top, bottom = max(0, rows[0] - 4), rows[-1] + 5
    left, right = max(0, columns[0] - 4), columns[-1] + 5
    runs = []
    for axis in (0, 1):
        kernel = (0, 1) if axis else (1, 0)
        before, after = (
            np.abs(cv2.Sobel(lab[top:bottom, left:right], cv2.CV_32F, *kernel, ksize=3)).max(axis=2)
            / 4
            for lab in (pair.source_lab, pair.edited_lab)
        )
        line = after - cv2.dilate(before, np.ones((3, 3), np.uint8)) > pair.config.new_edge
        runs.append(_longest_run(line if axis else line.T) / line.shape[1 if axis else 0])
    return float(max(runs))


def _longest_run(lines: Mask) -> int:
    """Length of the longest unbroken True run in any row."""
    best = 0
    for row in lines:
        padded = np.concatenate([[0], row.astype(np.int8), [0]])
        edges = np.diff(padded)
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        if starts.size:
            best = max(best, int((ends - starts).max()))
    return best
