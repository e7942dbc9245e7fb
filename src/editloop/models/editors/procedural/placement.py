"""Where an object may stand, and how large it must be there."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.cutout import Cutout
from editloop.models.editors.procedural.edges import HARD, bounding_box
from editloop.models.editors.procedural.pixels import blur, size_factor
from editloop.models.roles import Matte, RgbImage
from editloop.records.record import Box


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a cut-out's foot stands."""

    x: float
    """Horizontal middle of the object, pixels."""
    baseline: float
    """Row of the foot line, pixels."""
    height_px: float
    """Height of the object in the photograph."""
    mirrored: bool = False
    shadow: float = 0.6
    """Strength of the contact shadow, 0..1."""
    lean: float = 0.0
    """Sideways shift of the shadow, in object widths."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A thing with its usual size."""

    name: str
    height_cm: float
    length_cm: float
    group: str
    surfaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class Anchor:
    """An object in the photograph whose size is known: it sets the scale of its surroundings."""

    noun: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementLimits:
    """What counts as plausible."""

    min_height_frac: float = 0.08
    """Object height over the frame's short side."""
    max_height_frac: float = 0.70
    max_ground_distance: float = 11.0
    """Lab distance between the ground under the new object and the ground under the anchor."""
    max_ground_relief: float = 9.0
    """Standard deviation of coarse Lab lightness within the new foot area."""
    max_anchor_relief: float = 15.0
    """Standard deviation of coarse Lab values below the anchor's foot: more is an arm, an edge or a gap."""
    max_replace_ratio: float = 1.8
    """Largest height of a replacement over the height of what it replaces (and inverse of the smallest)."""


@cache
def nouns() -> dict[str, Noun]:
    """The table of typical sizes, by noun."""
    text = files(__package__).joinpath("placement_nouns.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return {
        name: Noun(
            name,
            row["height"],
            row["length"],
            row["group"],
            frozenset(table["groups"][row["group"]]),
        )
        for name, row in table["nouns"].items()
    }


def known_noun(name: str) -> Noun:
    """The table's entry for `name`.

    Raises:
        BadInputError: ``unknown_noun``.
    """
    if name not in nouns():
        raise BadInputError("unknown_noun", f"no typical size is known for {name!r}")
    return nouns()[name]


def may_stand(noun: str, surface: str) -> bool:
    """Whether a thing of this kind may plausibly stand on `surface` (grass, road, table ...)."""
    return surface in known_noun(noun).surfaces


def pixels_per_cm(noun: str, width_px: float, height_px: float) -> float:
    """Scale that an object of known size sets; the larger of both readings, since a lying or turned object is short one way."""
    size = known_noun(noun)
    return max(height_px / size.height_cm, width_px / size.length_cm)


def placement_for_replace(
    removed: Matte,
    removed_noun: str,
    cutout: Cutout,
    noun: str,
    *,
    mirrored: bool = False,
    limits: PlacementLimits | None = None,
) -> Placement:
    """The new object on the foot line of the removed one, as tall as the ratio of their usual sizes says.

    Args:
        removed: float32 (h, w), matte of the object that goes.
        removed_noun: What it was.
        cutout: The object that comes.
        noun: What it is.
        mirrored: Turn it to face the other way.
        limits: What counts as plausible.

    Raises:
        BadInputError: ``size_mismatch``, ``size_out_of_range``, ``removed_cut_by_frame``, ``unknown_noun``, ``outside_frame``.
    """
    limits = limits or PlacementLimits()
    box = bounding_box(removed > HARD)
    height, width = removed.shape
    if box.bottom > 0.985 * height or box.left < 0.005 * width or box.right > 0.995 * width:
        raise BadInputError("removed_cut_by_frame", "the replaced object runs out of the frame")
    scale = pixels_per_cm(removed_noun, box.width, box.height)
    height_px = _height_at(scale, cutout, noun)
    ratio = height_px / box.height
    if not 1 / limits.max_replace_ratio <= ratio <= limits.max_replace_ratio:
        raise BadInputError(
            "size_mismatch", f"{noun!r} would be {ratio:.2f} times as tall as {removed_noun!r}"
        )
    _check_height(height_px, removed.shape, limits)
    placement = Placement((box.left + box.right) / 2, box.bottom, height_px, mirrored)
    return _inside(placement, cutout, (height, width))


def placement_for_add(
    image: RgbImage,
    anchor: Anchor,
    cutout: Cutout,
    noun: str,
    *,
    rng: np.random.Generator,
    occupied: Sequence[Box] = (),
    mirrored: bool = False,
    limits: PlacementLimits | None = None,
) -> Placement:
    """Free ground beside a known object, at a similar depth.

    Candidates lie left and right of the anchor on foot lines near its own; size follows perspective. A candidate
    counts when its whole foot area looks like the ground at the anchor's foot, is even, and overlaps nothing.

    Args:
        image: RGB uint8 (h, w, 3).
        anchor: An object that stands on the ground, complete in the frame.
        cutout: The object to add.
        noun: What it is.
        rng: Chooses among good candidates.
        occupied: Boxes to keep clear of, beside the anchor's.
        mirrored: Turn it to face the other way.
        limits: What counts as plausible.

    Raises:
        BadInputError: ``anchor_cut_by_frame``, ``anchor_in_the_air``, ``no_free_ground``, ``size_out_of_range``, ``unknown_noun``.
    """
    limits = limits or PlacementLimits()
    height, width = image.shape[:2]
    box = anchor.box
    if box.bottom > 0.985 * height or box.left < 0.01 * width or box.right > 0.99 * width:
        raise BadInputError("anchor_cut_by_frame", f"the {anchor.noun} runs out of the frame")
    scale = pixels_per_cm(anchor.noun, box.width, box.height)
    _check_height(_height_at(scale, cutout, noun), (height, width), limits)
    ground = _Ground.measure(image, box)
    if ground.relief > limits.max_anchor_relief:
        raise BadInputError("anchor_in_the_air", f"there is no even ground below the {anchor.noun}")
    found = []
    for placement in _candidates(anchor, cutout, noun, scale, (height, width)):
        area = _footprint(placement, cutout)
        if _overlaps(placement, cutout, [box, *occupied]):
            continue
        misfit = max(ground.misfit(area, limits), ground.misfit(_bridge(area, box), limits))
        if misfit < 1:
            found.append((misfit, replace(placement, mirrored=mirrored)))
    if not found:
        raise BadInputError("no_free_ground", f"no free stretch of ground beside the {anchor.noun}")
    best = sorted(found, key=lambda pair: pair[0])[: max(1, len(found) // 4)]
    return best[int(rng.integers(len(best)))][1]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Coarse Lab colours and fine texture of a photograph, with the look of the ground at an anchor's foot."""

    lab: NDArray[np.float32]
    texture: NDArray[np.float32]
    colour: NDArray[np.float32]
    roughness: float
    relief: float

    @classmethod
    def measure(cls, image: RgbImage, anchor: Box) -> _Ground:
        scale = size_factor(image)
        sharp = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
        lab = blur(sharp, 4 * scale)
        texture = blur(np.abs(sharp[..., 0] - blur(sharp[..., 0], 2 * scale)), 8 * scale)
        below = slice(
            anchor.bottom, min(image.shape[0], anchor.bottom + max(6, anchor.height // 6))
        )
        beside = slice(max(0, anchor.left - anchor.width // 4), anchor.right + anchor.width // 4)
        foot = lab[below, beside].reshape(-1, 3)
        relief = float(
            np.sqrt((lab[below, anchor.left : anchor.right].reshape(-1, 3).std(0) ** 2).sum())
        )
        rough = float(np.median(texture[below, beside]))
        return cls(lab, texture, np.median(foot, axis=0), rough, relief)

    def misfit(self, area: tuple[slice, slice], limits: PlacementLimits) -> float:
        """How unlike the anchor's ground this area is: below 1 is accepted, 0 is the same."""
        patch = self.lab[area].reshape(-1, 3)
        if len(patch) < 4:
            return 9.0
        distance = np.linalg.norm(np.median(patch, axis=0) - self.colour)
        relief = patch[:, 0].std()
        rough = float(np.median(self.texture[area])) + 0.3
        ratio = max(rough / (self.roughness + 0.3), (self.roughness + 0.3) / rough)
        return float(
            max(
                distance / limits.max_ground_distance,
                relief / limits.max_ground_relief,
                ratio / 2.2,
            )
        )


def _height_at(scale: float, cutout: Cutout, noun: str) -> float:
    """Pixel height of the cut-out where one centimetre is `scale` pixels."""
    return scale * cutout.height / pixels_per_cm(noun, cutout.width, cutout.height)


def _candidates(
    anchor: Anchor, cutout: Cutout, noun: str, scale: float, shape: tuple[int, int]
) -> Iterator[Placement]:
    """Placements inside the frame on a grid of foot lines and positions around the anchor."""
    height, width = shape
    box = anchor.box
    horizon = min(0.42 * height, box.bottom - 0.6 * box.height)
    margin = 0.04 * width
    for baseline in np.linspace(
        box.bottom - 0.03 * height, min(0.955 * height, box.bottom + 0.07 * height), 6
    ):
        depth = (baseline - horizon) / (box.bottom - horizon)
        tall = _height_at(scale * depth, cutout, noun)
        wide = tall * cutout.width / cutout.height
        for x in np.linspace(margin + wide / 2, width - margin - wide / 2, 25):
            if wide < width - 2 * margin and tall < baseline - margin:
                yield Placement(float(x), float(baseline), float(tall))


def _footprint(placement: Placement, cutout: Cutout) -> tuple[slice, slice]:
    """The ground that must look right: under the object and a little around it."""
    wide = placement.height_px * cutout.width / cutout.height
    depth = max(6.0, 0.16 * min(placement.height_px, 1.5 * wide))
    return (
        slice(round(placement.baseline - depth), round(placement.baseline + 0.7 * depth)),
        slice(max(0, round(placement.x - 0.6 * wide)), round(placement.x + 0.6 * wide)),
    )


def _bridge(area: tuple[slice, slice], anchor: Box) -> tuple[slice, slice]:
    """The ground between the anchor and `area`: one surface must join them."""
    rows, columns = area
    if columns.start >= anchor.right:
        return rows, slice(anchor.right, max(columns.start, anchor.right + 4))
    return rows, slice(min(columns.stop, anchor.left - 4), anchor.left)


def _overlaps(placement: Placement, cutout: Cutout, boxes: Sequence[Box]) -> bool:
    """Whether the object would come within a tenth of its width of any of `boxes`."""
    wide = placement.height_px * cutout.width / cutout.height
    gap = 0.1 * wide
    left, right = placement.x - wide / 2 - gap, placement.x + wide / 2 + gap
    top, bottom = placement.baseline - placement.height_px, placement.baseline + gap
    return any(
        left < box.right and right > box.left and top < box.bottom and bottom > box.top
        for box in boxes
    )


def _inside(placement: Placement, cutout: Cutout, shape: tuple[int, int]) -> Placement:
    """The placement moved sideways into the frame.

    Raises:
        BadInputError: ``outside_frame`` when it does not fit.
    """
    width = shape[1]
    wide = placement.height_px * cutout.width / cutout.height
    margin = 0.015 * width
    if wide > width - 2 * margin or placement.height_px > placement.baseline - 2:
        raise BadInputError("outside_frame", "the object does not fit into the frame at its size")
    x = float(np.clip(placement.x, margin + wide / 2, width - margin - wide / 2))
    return Placement(x, placement.baseline, placement.height_px, placement.mirrored)


def _check_height(height_px: float, shape: tuple[int, ...], limits: PlacementLimits) -> None:
    share = height_px / min(shape[:2])
    if not limits.min_height_frac <= share <= limits.max_height_frac:
        raise BadInputError(
            "size_out_of_range", f"the object would be {share:.0%} of the frame's short side"
        )
