"""What an edit did where it had no business: damage, global shifts, another photograph, a mirrored one."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.judges.evidence.pixels import (
    Pair,
    Plane,
    Planes,
    blobs,
    clean_map,
    correlation,
    grow,
    mean_in,
    ssim_map,
)
from editloop.models.roles import Mask

_LAYOUT_SIDE = 112
_WINDOW = 4.0
_FLAT_VARIANCE = 4.0
"""Local variance of lightness below which a place has no layout (a plain wall)."""
_LEAST_LAYOUT = 0.02
_FLOORS = (1.0, 0.02)
"""What keeps the correlation of flat lightness and flat edges from being noise."""
_NOTHING_COMMON = 0.2


def main_change(pair: Pair) -> Mask:
    """The large blobs of the change map: those with at least an eighth of the largest one's area."""
    labels, areas = blobs(pair.changed)
    if areas.size == 0:
        return np.zeros_like(pair.changed)
    return np.asarray(np.isin(labels, np.flatnonzero(areas >= areas.max() / 8) + 1))


def outside_of(pair: Pair, region: Mask) -> Mask:
    """Pixels that should have stayed: everything beyond a margin around `region` (soft edges, contact shadows)."""
    margin = max(2, round(pair.config.margin_frac * max(region.shape)))
    return ~grow(region, margin)


def outside_evidence(pair: Pair, region: Mask) -> dict[str, float]:
    """How much of the picture outside `region` stayed as it was.

    Returns:
        ``outside_frac`` (share of the frame looked at), ``outside_changed_frac`` (visibly changed share of it),
        ``outside_blob_frac`` (largest changed blob over the frame), ``outside_rewritten_frac`` (largest blob of other
        texture over the frame), ``outside_similarity`` (mean SSIM of lightness),
        ``outside_shift`` (distance of the median colours, CIELAB).
    """
    outside = outside_of(pair, region)
    if outside.mean() < pair.config.least_outside_frac:
        return {"outside_frac": float(outside.mean())}
    stray = pair.changed & outside
    similarity = ssim_map(pair.source_lab[..., 0], pair.edited_lab[..., 0])
    rewritten = clean_map(
        outside & (similarity < pair.config.rewritten_similarity), pair.config.smallest_change_frac
    )
    shift = np.median((pair.edited_lab - pair.source_lab)[outside], axis=0)
    return {
        "outside_frac": float(outside.mean()),
        "outside_changed_frac": float(stray.sum() / outside.sum()),
        "outside_blob_frac": _largest(stray),
        "outside_rewritten_frac": _largest(rewritten),
        "outside_similarity": mean_in(similarity, outside),
        "outside_shift": float(np.linalg.norm(shift)),
    }


def _largest(mask: Mask) -> float:
    _, areas = blobs(mask)
    return float(areas.max() / mask.size) if areas.size else 0.0


def layout_evidence(pair: Pair, where: Mask | None = None) -> dict[str, float]:
    """Whether the edited image still shows the same scene, and the right way round.

    Args:
        pair: The images.
        where: Pixels to compare (what a local edit should have left alone); the whole frame when None.

    Returns:
        Nothing for a scene without layout (a plain wall), else ``layout`` (mean local structure: about 0.15 between
        unrelated photographs, above 0.4 under a change of style, 0.9 under a change of tone), ``layout_gone`` (share
        of the scene without common structure) and ``mirrored`` (how much better the mirror image fits).
    """
    seen = np.ones((1, 1), bool) if where is None else _coarse(where.astype(np.float32)) > 0.5
    light = _planes(pair.source_lab, pair.source_edges)
    edges = _planes(pair.edited_lab, pair.edited_edges)
    textured = _variance(light[0]) > _FLAT_VARIANCE
    textured &= seen
    if textured.mean() < _LEAST_LAYOUT:
        return {}
    local = np.maximum(
        *(_local_correlation(a, b, e) for a, b, e in zip(light, edges, _FLOORS, strict=True))
    )[textured]
    straight = [correlation(a, b, textured) for a, b in zip(light, edges, strict=True)]
    flipped = [
        correlation(a, np.ascontiguousarray(b[:, ::-1]), textured)
        for a, b in zip(light, edges, strict=True)
    ]
    return {
        "layout": float(np.clip(local, 0, 1).mean()),
        "layout_gone": float((local < _NOTHING_COMMON).mean()),
        "mirrored": float(np.mean(flipped) - np.mean(straight)),
    }


def change_spread(pair: Pair) -> float:
    """Share of the frame's cells (8 x 8) that changed at all: near 1 for a new look, lower for one new thing."""
    cells = cv2.resize(pair.difference, (8, 8), interpolation=cv2.INTER_AREA)
    return float((cells > pair.config.cell_difference).mean())


def structure_kept(pair: Pair, mask: Mask | None = None) -> float:
    """Correlation of edges at middle scale (where `mask`): high when shapes survived a change of style or light."""
    source, edited = (
        cv2.GaussianBlur(edges, (0, 0), 2.0) for edges in (pair.source_edges, pair.edited_edges)
    )
    return correlation(np.sqrt(source), np.sqrt(edited), mask)


def _planes(lab: Planes, gradients: Plane) -> tuple[Plane, Plane]:
    """Coarse lightness and coarse edges."""
    edges = np.sqrt(cv2.GaussianBlur(_coarse(gradients), (0, 0), 1.0))
    return _coarse(lab[..., 0]), np.asarray(edges, np.float32)


def _coarse(plane: Plane) -> Plane:
    size = (_LAYOUT_SIDE, _LAYOUT_SIDE)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _window(plane: Plane) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), _WINDOW), np.float32)


def _variance(plane: Plane) -> Plane:
    return np.asarray(np.clip(_window(plane * plane) - _window(plane) ** 2, 0, None), np.float32)


def _local_correlation(first: Plane, second: Plane, floor: float) -> Plane:
    covariance = _window(first * second) - _window(first) * _window(second)
    return np.asarray(
        covariance / np.sqrt(_variance(first) * _variance(second) + floor**2), np.float32
    )
