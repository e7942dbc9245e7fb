"""Which regions may be edited, and how: ImgEdit's candidate rules (arXiv 2505.20275, released script `tools/5`).

With A = image area, a = box area, s = detector score, c = similarity, the paper takes an object when
0.01 A < a <= 0.6 A and (c >= 0.8 or (a >= 0.08 A and s >= 0.8)), and pairs two objects of different class whose boxes are
apart by more than 100 px at a short side of 1280. The area and distance rules mean the same here and are kept. s and c come from other models
(NanoDet, summed ImageNet probabilities), so their thresholds are ours, set on photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from editloop.mine.regions import box_distance
from editloop.mine.scene import Region, Scene

MIN_BOX_FRAC, MAX_BOX_FRAC = 0.01, 0.6
LARGE_BOX_FRAC = 0.08
SURE_SIMILARITY = 0.45
"""Stands where the paper has c >= 0.8."""
SURE_SCORE = 0.55
"""Stands where the paper has s >= 0.8."""
PAIR_DISTANCE_FRAC = 100 / 1280
"""Least distance of a pair of objects, as a share of the short side."""
MIN_CRISPNESS = 0.8
"""Below this the segmenter is guessing."""


def is_object(region: Region) -> bool:
    """The paper's rule for objects that may be removed, replaced or adjusted."""
    if not region.label or not MIN_BOX_FRAC < region.box_frac <= MAX_BOX_FRAC:
        return False
    if region.crispness < MIN_CRISPNESS:
        return False
    return region.similarity >= SURE_SIMILARITY or (
        region.box_frac >= LARGE_BOX_FRAC
        and (region.score >= SURE_SCORE or region.similarity >= 0.3)
    )


def is_subject(region: Region) -> bool:
    """A crisp main object that backgrounds, bokeh and light may be built around; it needs no certain name."""
    return region.salient and region.crispness >= MIN_CRISPNESS and 0.04 <= region.mask_frac <= 0.65


def is_removable(region: Region) -> bool:
    """Small enough for patches from the surroundings to fill the hole, and not cut by two sides of the frame."""
    return is_object(region) and region.mask_frac <= 0.35 and len(region.touches) <= 1


def removable(scene: Scene) -> list[Region]:
    """The removable objects of a scene: salient ones, and others only where they stand clear of everything else.

    A box's matte takes in what touches the object (a hand, a pot), and its removal leaves half of it.
    """
    return [
        region
        for region in scene.regions
        if is_removable(region)
        and (region.salient or not any(_overlap(region, other) for other in scene.regions))
    ]


def _overlap(region: Region, other: Region) -> bool:
    return region.key != other.key and box_distance(region.box, other.box) == 0


def is_donor(region: Region) -> bool:
    """A complete, certain, crisp object that can be pasted elsewhere."""
    return (
        is_object(region)
        and not region.cutout_problem
        and not region.touches
        and region.category != "person"
    )


def is_recolourable(region: Region) -> bool:
    """An object whose colour people do change, with a colour that will look right."""
    from editloop.models.editors.procedural.recolour import RECOLOURABLE

    return (
        is_object(region)
        and bool(region.recolours)
        and region.label.replace(" ", "_") in RECOLOURABLE
    )


def alone(region: Region, scene: Scene) -> bool:
    """Whether no other region has the same label, so that the noun alone says which one is meant."""
    return sum(r.label == region.label for r in scene.regions) == 1


class Pair(NamedTuple):
    """Two objects for one instruction."""

    first: Region
    second: Region


def pairs(regions: Sequence[Region], short_side: int) -> list[Pair]:
    """Pairs of different class, boxes apart by the paper's distance (scaled to `short_side` pixels)."""
    return [
        Pair(a, b)
        for i, a in enumerate(regions)
        for b in regions[i + 1 :]
        if a.label != b.label and box_distance(a.box, b.box) > PAIR_DISTANCE_FRAC * short_side
    ]
