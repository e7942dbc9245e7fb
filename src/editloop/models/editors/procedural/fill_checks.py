"""Does a filled hole look like its surroundings? Measures before and after filling.

The limits in `remove.RemoveLimits` were chosen on 92 removals from photographs that were sorted by eye into good and bad.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.models.editors.procedural.edges import bounding_box, dilate, erode
from editloop.models.editors.procedural.pixels import blur, size_factor
from editloop.models.roles import Mask, RgbImage

_COARSE_SIDE = 128
"""Side of the window in which patches are compared."""
_MAX_SOURCES = 6000


@dataclass(frozen=True, slots=True)
class Strangeness:
    """What stands around a hole and occurs nowhere further away."""

    area: float = 0.0
    """Largest connected strange region over the hole's size (root of its area), in coarse pixels."""
    distance: float = 0.0
    """95th percentile of the ring's nearest-neighbour distances, Lab units."""
    ratio: float = 0.0
    """`distance` over the 95th percentile of the distances among the patches further out."""


def strangeness(image: RgbImage, hole: Mask) -> Strangeness:
    """How much stands right around the hole that occurs nowhere further away.

    A fill can only repeat what it finds. Each small patch in a narrow ring around the hole is looked up among the
    patches further out; a ring patch is strange when its nearest neighbour is further than nearly all of those are
    from one another. What is left of an object whose mask was too small, its halo, a hand that holds it and the
    objects it touches are strange; grass, a wall or a horizon are not.

    Args:
        image: RGB uint8 (h, w, 3) before filling.
        hole: bool (h, w).
    """
    lab, inside = _coarse_window(image, hole)
    size = float(np.sqrt(inside.sum()))
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    frame = np.zeros_like(inside)
    frame[1:-1, 1:-1] = True
    ring = frame & (distance > 1.5) & (distance <= max(3.0, 0.10 * size) + 1)
    far = frame & (distance > 0.22 * size + 1)
    if ring.sum() < 10 or far.sum() < 100:
        return Strangeness()
    ring_at, far_at = np.argwhere(ring), np.argwhere(far)
    far_at = far_at[:: max(1, len(far_at) // _MAX_SOURCES)]
    sources = _patches(lab, far_at)
    nearest = _distances(_patches(lab, ring_at), sources).min(1)
    probe = far_at[:: max(1, len(far_at) // 600)]
    among = _distances(_patches(lab, probe), sources)
    gap = np.abs(probe[:, None] - far_at[None]).max(2)
    among[gap <= 0.1 * size] = np.inf
    usual = float(np.percentile(among.min(1), 95))
    strange = np.zeros_like(inside)
    strange[tuple(ring_at.T)] = nearest > max(4.0, usual)
    count, _, stats, _ = cv2.connectedComponentsWithStats(strange.astype(np.uint8), connectivity=8)
    largest = float(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0.0
    distance = float(np.percentile(nearest, 95))
    return Strangeness(largest / size, distance, distance / max(1.5, usual))


def layering(image: RgbImage, hole: Mask) -> float:
    """How much more the background changes along the hole's rim than away from it.

    Texture changes alike both ways, about 1 to 2; a skyline behind the object gives 2 to 3; above, several large
    distinct things end at the hole and a fill has to invent how they go on.
    """
    scale = size_factor(image)
    box = bounding_box(hole)
    step = max(4.0, 0.06 * float(np.sqrt(box.width * box.height)))
    lab = blur(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), step / 3)
    inner = _contour(dilate(hole, 4 * scale + step / 3), step)
    if len(inner) < 8:
        return 0.0
    away = blur(cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5), step / 2)
    slope = np.stack([cv2.Sobel(away, cv2.CV_32F, 1, 0), cv2.Sobel(away, cv2.CV_32F, 0, 1)], axis=2)
    normal = slope[inner[:, 1], inner[:, 0]]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-6
    outer = np.rint(inner + step * normal).astype(np.intp)
    limit = np.array(hole.shape[::-1]) - 1
    seen = ((outer >= 0) & (outer <= limit)).all(1)
    if not seen.any():
        return 0.0
    colours = lab[inner[:, 1], inner[:, 0]]
    beyond = lab[outer[seen, 1], outer[seen, 0]]
    along = np.linalg.norm(colours - np.roll(colours, 4, axis=0), axis=1).mean()
    return float(along / (np.linalg.norm(beyond - colours[seen], axis=1).mean() + 1))


def texture_kept(filled: RgbImage, hole: Mask) -> tuple[float, float]:
    """Fine and coarse texture of the fill relative to its surroundings; 1 = the same, towards 0 = a blur.

    The median local energy of two difference-of-Gaussian bands, 1.5..3 and 6..12 pixels at 768 px, inside over outside.
    """
    scale = size_factor(filled)
    box = bounding_box(hole)
    size = float(np.sqrt(box.width * box.height))
    light = cv2.cvtColor(filled.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)[..., 0]
    ring = dilate(hole, 0.15 * size) & ~dilate(hole, 3 * scale)
    core = erode(hole, 4 * scale)
    if not core.any() or not ring.any():
        return 1.0, 1.0
    window = max(4 * scale, 0.03 * size)

    def kept(low: float, high: float) -> float:
        energy = blur(np.abs(blur(light, low * scale) - blur(light, high * scale)), window)
        return float(np.median(energy[core]) / (np.median(energy[ring]) + 0.05))

    return kept(1.5, 3), kept(6, 12)


def seam_strength(filled: RgbImage, hole: Mask) -> float:
    """Mean gradient across the hole's rim over the mean gradient of the surroundings."""
    scale = size_factor(filled)
    box = bounding_box(hole)
    reach = max(8 * scale, 0.12 * float(np.sqrt(box.width * box.height)))
    ring = dilate(hole, reach) & ~dilate(hole, 3 * scale)
    grey = blur(cv2.cvtColor(filled, cv2.COLOR_RGB2GRAY).astype(np.float32), 1.0)
    slope = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    rim = dilate(hole, 2.5 * scale) & dilate(~hole, 2.5 * scale)
    if not ring.any() or not rim.any():
        return 1.0
    return float(slope[rim].mean() / (slope[ring].mean() + 1))


def ghost_frac(source: RgbImage, filled: RgbImage, hole: Mask, piece: Mask) -> float:
    """Share of the fill whose colours are common in the removed object and rare around it."""
    scale = size_factor(source)
    box = bounding_box(hole)
    reach = max(8 * scale, 0.12 * float(np.sqrt(box.width * box.height)))
    ring = dilate(hole, reach) & ~hole
    core = erode(hole, 4 * scale)
    if not core.any() or not ring.any() or not piece.any():
        return 0.0
    bins = 16**3
    of_object = np.bincount(_colour_cells(source, piece), minlength=bins) / piece.sum()
    of_ring = np.bincount(_colour_cells(source, ring), minlength=bins) / ring.sum()
    fill = _colour_cells(filled, core)
    return float(((of_object[fill] > 4 * of_ring[fill]) & (of_object[fill] > 0.004)).mean())


def _contour(region: Mask, step: float) -> NDArray[np.intp]:
    """Points (x, y) every `step` pixels along the region's longest outline, without those on the frame."""
    outlines, _ = cv2.findContours(
        region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    points = max(outlines, key=len)[:, 0].astype(np.intp)
    limit = np.array(region.shape[::-1]) - 3
    return np.asarray(
        points[((points > 2) & (points < limit)).all(1)][:: max(1, int(step))], np.intp
    )


def _coarse_window(image: RgbImage, hole: Mask) -> tuple[NDArray[np.float32], Mask]:
    """Lab colours and hole of the neighbourhood, at low resolution."""
    box = bounding_box(hole)
    margin = round(0.9 * max(box.width, box.height))
    rows = slice(max(0, box.top - margin), box.bottom + margin)
    columns = slice(max(0, box.left - margin), box.right + margin)
    part, inside = image[rows, columns], hole[rows, columns]
    factor = _COARSE_SIDE / max(inside.shape)
    size = (max(8, round(inside.shape[1] * factor)), max(8, round(inside.shape[0] * factor)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    covered = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(lab, np.float32), np.asarray(covered > 0.05, bool)


def _patches(lab: NDArray[np.float32], at: NDArray[np.intp]) -> NDArray[np.float32]:
    """The 3 x 3 patches centred `at` (n, 2), flattened to (n, 27)."""
    offsets = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]
    stacked = [lab[at[:, 0] + row, at[:, 1] + column] for row, column in offsets]
    return np.asarray(np.concatenate(stacked, axis=1), np.float32)


def _distances(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Root mean square Lab distance of every patch in `first` to every one in `second`."""
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    return np.asarray(np.sqrt(np.maximum(squares, 0) / 9), np.float32)


def _colour_cells(image: RgbImage, where: Mask) -> NDArray[np.intp]:
    """Coarse Lab cell of each pixel, 16 steps an axis."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[where].astype(np.intp) // 16
    return np.asarray(lab[:, 0] * 256 + lab[:, 1] * 16 + lab[:, 2], np.intp)
