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
    gradient,
    grow,
    mean_in,
    ssim_map,
)
from editloop.models.roles import Mask

_LAYOUT_SIDE = 96
_FLAT = 3.0
"""Spread of coarse lightness below which a picture has no layout to compare (a thing on a plain wall)."""


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
        Nothing for a picture without layout, else ``layout`` (correlation of coarse edges and of coarse lightness, the larger one, in [-1, 1]) and ``mirrored``
        (how much better the mirror image fits).
    """
    seen = None if where is None else _coarse(where.astype(np.float32)) > 0.5
    source_edges, edited_edges = _coarse_edges(pair.source_lab), _coarse_edges(pair.edited_lab)
    source_light, edited_light = _coarse(pair.source_lab[..., 0]), _coarse(pair.edited_lab[..., 0])
    if float((source_light if seen is None else source_light[seen]).std()) < _FLAT:
        return {}
    straight = correlation(source_edges, edited_edges, seen)
    flipped = correlation(source_edges, np.ascontiguousarray(edited_edges[:, ::-1]), seen)
    light = correlation(source_light, edited_light, seen)
    flipped_light = correlation(source_light, np.ascontiguousarray(edited_light[:, ::-1]), seen)
    return {
        "layout": max(straight, light),
        "layout_edges": straight,
        "mirrored": (flipped + flipped_light - straight - light) / 2,
    }


def structure_kept(pair: Pair, mask: Mask | None = None) -> float:
    """Correlation of edges at middle scale (where `mask`): high when shapes survived a change of style or light."""
    source, edited = (
        cv2.GaussianBlur(gradient(lab), (0, 0), 2.0) for lab in (pair.source_lab, pair.edited_lab)
    )
    return correlation(np.sqrt(source), np.sqrt(edited), mask)


def _coarse(plane: Plane) -> Plane:
    return np.asarray(
        cv2.resize(plane, (_LAYOUT_SIDE, _LAYOUT_SIDE), interpolation=cv2.INTER_AREA), np.float32
    )


def _coarse_edges(lab: Planes) -> Plane:
    return np.asarray(cv2.GaussianBlur(np.sqrt(_coarse(gradient(lab))), (0, 0), 1.0), np.float32)
