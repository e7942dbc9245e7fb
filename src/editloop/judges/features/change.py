"""Numbers about the pixels: where and how much an edit changed, how well it fits its surroundings, how busy the scene is."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.judges.evidence.pixels import Pair, Planes, blobs, grow, mean_in, ssim_map
from editloop.judges.evidence.scene import box_around
from editloop.judges.evidence.texture import detail_energy, noise_level
from editloop.models.roles import Mask, QualityModel, RgbImage

_FLOOR = 0.2
_RING = 12


def change_features(pair: Pair, area: Mask) -> dict[str, float]:
    """Size, shape and place of the changed area, and how strongly it changed.

    Args:
        pair: Both images at working size.
        area: The main changed blobs.
    """
    share, difference = float(pair.changed.mean()), pair.difference
    found = {
        "share": float(np.log10(share + 1e-4)),
        "mean_difference": float(np.log1p(difference.mean())),
        "slight": float(((difference > 2) & ~pair.changed).mean()),
        "main_share": float(area.sum() / max(1, pair.changed.sum())),
    }
    if not area.any():
        return found
    _, sizes = blobs(area)
    box = box_around(area)
    rows, columns = np.nonzero(area)
    height, width = area.shape
    points = np.stack([columns, rows], axis=1).astype(np.int32)
    hull = float(cv2.contourArea(cv2.convexHull(points)))
    across, down = float(columns.mean() / width), float(rows.mean() / height)
    inside_before, inside_after = pair.source_lab[area], pair.edited_lab[area]
    return found | {
        "blobs": float(np.log1p(sizes.size)),
        "solidity": float(area.sum() / max(1.0, hull)),
        "box_share": float(np.log10(box.area / area.size)),
        "box_filled": float(area.sum() / max(1, box.area)),
        "aspect": float(abs(np.log(box.width / max(1, box.height)))),
        "tall": float(np.log(box.height / max(1, box.width))),
        "across": abs(across - 0.5),
        "down": down,
        "off_centre": float(np.hypot(across - 0.5, down - 0.5)),
        "touches_border": float(np.mean(_border_of_frame(area))),
        "strength": mean_in(difference, area),
        "lighter": float(inside_after[:, 0].mean() - inside_before[:, 0].mean()),
        "more_colour": float(_chroma(inside_after) - _chroma(inside_before)),
        "contrast_gain": float(
            np.log((inside_after[:, 0].std() + 1) / (inside_before[:, 0].std() + 1))
        ),
    }


def fit_features(pair: Pair, area: Mask) -> dict[str, float]:
    """How the changed area compares with the ring around it and with what was there before."""
    if not area.any() or area.all():
        return {}
    ring = grow(area, _RING) & ~grow(area, 2)
    ring = ring if ring.any() else ~area
    before, after = detail_energy(pair.source_lab[..., 0]), detail_energy(pair.edited_lab[..., 0])
    similarity = ssim_map(pair.source_lab[..., 0], pair.edited_lab[..., 0])
    edges_before, edges_after = pair.source_edges, pair.edited_edges
    outside = ~grow(area, 8)
    found = {
        "detail_gain": _log_ratio(mean_in(after, area), mean_in(before, area)),
        "detail_to_ring": _log_ratio(mean_in(after, area), mean_in(after, ring)),
        "detail_before_to_ring": _log_ratio(mean_in(before, area), mean_in(before, ring)),
        "edges_before": float(np.log(mean_in(edges_before, area) + _FLOOR)),
        "edges_after": float(np.log(mean_in(edges_after, area) + _FLOOR)),
        "edges_ring": float(np.log(mean_in(edges_after, ring) + _FLOOR)),
        "similarity_inside": mean_in(similarity, area),
        "colour_to_ring": _colour_distance(pair.edited_lab, area, ring),
        "colour_before_to_ring": _colour_distance(pair.source_lab, area, ring),
        "noise_to_ring": noise_level(pair, area, edited=True)
        - noise_level(pair, ring, edited=True),
        "noise_gain": noise_level(pair, area, edited=True) - noise_level(pair, area, edited=False),
    }
    if outside.any():
        found |= {
            "outside_difference": float(np.log1p(mean_in(pair.difference, outside))),
            "outside_similarity": mean_in(similarity, outside),
            "outside_detail": _log_ratio(mean_in(after, outside), mean_in(before, outside)),
        }
    return found


def scene_features(pair: Pair) -> dict[str, float]:
    """How light, colourful and busy the source is."""
    lab = pair.source_lab
    edges = pair.source_edges
    light = lab[..., 0]
    return {
        "light": float(light.mean()),
        "contrast": float(light.std()),
        "colour": _chroma(lab.reshape(-1, 3)),
        "busy": float(np.log(edges.mean() + _FLOOR)),
        "edge_share": float((edges > 4).mean()),
        "smooth_share": float((edges < 0.7).mean()),
        "detail": float(np.log(detail_energy(light).mean() + _FLOOR)),
    }


def quality_features(pair: Pair, area: Mask, quality: QualityModel) -> dict[str, float]:
    """No-reference quality of the frame and of the changed part, before and after."""
    found = {
        "frame_before": quality.quality(pair.source),
        "frame_after": quality.quality(pair.edited),
    }
    found["frame_gain"] = found["frame_after"] - found["frame_before"]
    if area.any():
        before, after = (
            quality.quality(part_of(image, area)) for image in (pair.source, pair.edited)
        )
        found |= {"part_before": before, "part_after": after, "part_gain": after - before}
    return found


def part_of(image: RgbImage, area: Mask, least: int = 48) -> RgbImage:
    """The box around `area`, at least `least` pixels a side where the frame has them."""
    box = box_around(area)
    height, width = area.shape
    left, right = _widened(box.left, box.right, least, width)
    top, bottom = _widened(box.top, box.bottom, least, height)
    return np.ascontiguousarray(image[top:bottom, left:right])


def _widened(low: int, high: int, least: int, limit: int) -> tuple[int, int]:
    missing = max(0, least - (high - low))
    low = max(0, low - missing // 2)
    return low, min(limit, max(high, low + least))


def _border_of_frame(area: Mask) -> Mask:
    return np.concatenate(
        [area[:3].ravel(), area[-3:].ravel(), area[:, :3].ravel(), area[:, -3:].ravel()]
    )


def _chroma(lab: Planes) -> float:
    return float(np.hypot(lab[:, 1], lab[:, 2]).mean())


def _colour_distance(lab: Planes, first: Mask, second: Mask) -> float:
    return float(np.linalg.norm(np.median(lab[first], axis=0) - np.median(lab[second], axis=0)))


def _log_ratio(first: float, second: float) -> float:
    return float(np.log((first + _FLOOR) / (second + _FLOOR)))
