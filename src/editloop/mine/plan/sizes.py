"""Usual sizes of things, asked before a pixel is touched: a giant mug on a meadow need not be tried."""

from __future__ import annotations

from editloop.mine.scene import Donor, Region, Scene
from editloop.models.editors.procedural.background import (
    LANDSCAPE_GROUPS,
    LEAST_LANDSCAPE_HEIGHT_CM,
)
from editloop.models.editors.procedural.placement import PlacementLimits, nouns, pixels_per_cm


def stands_in_landscapes(label: str) -> bool:
    """Whether a thing of this kind may be set before mountains or a beach."""
    thing = nouns().get(label)
    return (
        thing is not None
        and thing.group in LANDSCAPE_GROUPS
        and thing.height_cm >= LEAST_LANDSCAPE_HEIGHT_CM
    )


def fits_in_place_of(donor: Donor, region: Region, scene: Scene) -> bool:
    """Whether the donor would be about as tall as what it replaces, and stay inside the picture."""
    height = _height_px(donor, region)
    limit = PlacementLimits().max_replace_ratio
    return (
        height is not None
        and 1 / limit <= height / region.box.height <= limit
        and height <= min(0.9 * scene.photo.image.height, region.box.bottom)
    )


def fits_beside(donor: Donor, anchor: Region, scene: Scene) -> bool:
    """Whether the donor, at the anchor's depth, would be neither lost nor larger than the picture."""
    height = _height_px(donor, anchor)
    short_side = min(scene.photo.image.width, scene.photo.image.height)
    limits = PlacementLimits()
    return (
        height is not None
        and limits.min_height_frac <= height / short_side <= limits.max_height_frac
    )


def _height_px(donor: Donor, known: Region) -> float | None:
    """Height of the donor where `known` stands, or None when either's usual size is not known."""
    if donor.label not in nouns() or known.label not in nouns() or donor.box is None:
        return None
    scale = pixels_per_cm(known.label, known.box.width, known.box.height)
    return scale * donor.box.height / pixels_per_cm(donor.label, donor.box.width, donor.box.height)
