"""Plants the flaws that real edit data has into good triplets, to measure how many a judge catches.

A corruptor takes a good specimen and returns it broken in one named way, or None where that flaw makes no sense (an
edit of the whole picture has no "wrong object"). What it returns holds no hint of the flaw but its pixels and words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from editloop.judges.base import JudgeRequest
from editloop.judges.intent import read_instruction
from editloop.models.roles import Mask, RgbImage
from editloop.records.taxonomy import EditType

MOVABLE = frozenset({EditType.REMOVE, EditType.ADJUST, EditType.REPLACE})
_NOTICEABLE = 10
ERASING = frozenset({EditType.REMOVE, EditType.REPLACE})


@dataclass(frozen=True, slots=True)
class Specimen:
    """A triplet with the edit type that it is known to be of (the judge never sees the type)."""

    request: JudgeRequest
    edit_type: EditType


Corruptor = Callable[[Specimen, Sequence[Specimen], Generator], JudgeRequest | None]


def no_op(good: Specimen, _others: Sequence[Specimen], rng: Generator) -> JudgeRequest:
    """Nothing was edited; the picture was only compressed once more."""
    return replace(good.request, edited=_jpeg(good.request.source, int(rng.integers(80, 96))))


def swapped_instruction(
    good: Specimen, others: Sequence[Specimen], rng: Generator
) -> JudgeRequest | None:
    """The instruction of another triplet: another kind of edit, or of another thing."""
    mine = _topic(good)
    strangers = [other for other in others if not _alike(mine, _topic(other))]
    if not strangers:
        return None
    other = strangers[int(rng.integers(len(strangers)))].request
    return replace(good.request, instruction=other.instruction, context=other.context)


def other_photo(good: Specimen, others: Sequence[Specimen], rng: Generator) -> JudgeRequest | None:
    """The result of another photograph."""
    strangers = [
        o.request for o in others if not np.array_equal(o.request.source, good.request.source)
    ]
    if not strangers:
        return None
    other = strangers[int(rng.integers(len(strangers)))]
    return replace(good.request, edited=_fit(other.edited, good.request.source))


def mirrored(good: Specimen, _others: Sequence[Specimen], _rng: Generator) -> JudgeRequest:
    """The right edit, but left and right have changed places."""
    return replace(good.request, edited=np.ascontiguousarray(good.request.edited[:, ::-1]))


def blurred(good: Specimen, _others: Sequence[Specimen], rng: Generator) -> JudgeRequest:
    """The whole result out of focus."""
    sigma = float(rng.uniform(0.006, 0.012)) * max(good.request.edited.shape)
    return replace(
        good.request,
        edited=np.asarray(cv2.GaussianBlur(good.request.edited, (0, 0), sigma), np.uint8),
    )


def jpeg_wreck(good: Specimen, _others: Sequence[Specimen], rng: Generator) -> JudgeRequest:
    """Compressed to visible blocks."""
    return replace(good.request, edited=_jpeg(good.request.edited, int(rng.integers(3, 9))))


def wrong_object(
    good: Specimen, _others: Sequence[Specimen], rng: Generator
) -> JudgeRequest | None:
    """The same edit somewhere else: the asked thing is untouched, and the mask says where it happened."""
    request = good.request
    if good.edit_type not in MOVABLE or request.mask is None:
        return None
    moved = _elsewhere(request.mask, rng)
    if moved is None:
        return None
    mask, shift = moved
    if good.edit_type is EditType.REMOVE:
        edited = _inpainted(request.source, mask)
    elif good.edit_type is EditType.ADJUST:
        delta = np.roll(request.edited.astype(np.int16) - request.source, shift, axis=(0, 1))
        edited = np.where(
            mask[..., None], np.clip(request.source + delta, 0, 255), request.source
        ).astype(np.uint8)
    else:
        edited = np.where(
            mask[..., None], np.roll(request.edited, shift, axis=(0, 1)), request.source
        )
    return replace(request, edited=edited, mask=mask)


def wrong_colour(
    good: Specimen, _others: Sequence[Specimen], rng: Generator
) -> JudgeRequest | None:
    """Another colour than the asked one."""
    request = good.request
    asked = any(
        step.colours for step in read_instruction(request.instruction, request.context).operations
    )
    if good.edit_type is not EditType.ADJUST or request.mask is None or not asked:
        return None
    angle = float(rng.uniform(100, 260))
    return replace(request, edited=_turned_hue(request.edited, request.mask, angle))


def half_done(good: Specimen, _others: Sequence[Specimen], rng: Generator) -> JudgeRequest | None:
    """Half of the thing that should have gone is still there."""
    request = good.request
    if good.edit_type not in ERASING or request.mask is None or not request.mask.any():
        return None
    rows, columns = np.nonzero(request.mask)
    height, width = np.ptp(rows), np.ptp(columns)
    grid_y, grid_x = np.mgrid[: request.mask.shape[0], : request.mask.shape[1]]
    middle = np.median(rows) if height > width else np.median(columns)
    back = ((grid_y if height > width else grid_x) > middle) == bool(rng.integers(2))
    return replace(
        request, edited=_blend(request.edited, request.source, back & request.mask, soft=2)
    )


def damage_outside(
    good: Specimen, others: Sequence[Specimen], rng: Generator
) -> JudgeRequest | None:
    """A patch far from the edit is smeared, recoloured or replaced, so that one can see it."""
    request = good.request
    for _ in range(6):
        spot = _free_spot(request, rng)
        if spot is None:
            return None
        kind = int(rng.integers(3))
        if kind == 0:
            damaged = _inpainted(request.edited, spot)
        elif kind == 1:
            damaged = _turned_hue(request.edited, spot, 150)
        else:
            strange = (
                others[int(rng.integers(len(others)))].request.source
                if others
                else request.edited[::-1, ::-1]
            )
            damaged = _fit(np.ascontiguousarray(strange), request.edited)
        broken = _blend(request.edited, damaged, spot, soft=2)
        if _visible(request.edited, broken, spot):
            return replace(request, edited=broken)
    return None


def shifted_outside(
    good: Specimen, _others: Sequence[Specimen], rng: Generator
) -> JudgeRequest | None:
    """Everything around the edit took on a cast."""
    request = good.request
    if request.mask is None or request.mask.mean() > 0.9:
        return None
    lab = cv2.cvtColor(request.edited.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(10, 16)
    lab += np.array(
        [rng.choice([-6, 6]), length * np.cos(angle), length * np.sin(angle)], np.float32
    )
    cast = _to_bytes(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))
    return replace(request, edited=_blend(request.edited, cast, ~request.mask, soft=2))


def heavy_seam(good: Specimen, _others: Sequence[Specimen], rng: Generator) -> JudgeRequest | None:
    """A hard rim of foreign pixels around the edit, or its content set off by some pixels."""
    request = good.request
    if request.mask is None or not good.edit_type.is_local or not 0.002 < request.mask.mean() < 0.8:
        return None
    side = max(request.mask.shape)
    if rng.integers(2):
        patch = _grown(request.mask, max(3, round(0.010 * side)))
        ring = patch & ~request.mask
        tone = np.uint8(245 if ring.any() and request.edited[ring].mean() < 140 else 12)
        broken = np.where(ring[..., None], tone, request.edited)
    else:
        patch = _grown(request.mask, max(2, round(0.01 * side)))
        ring = patch & ~_shrunk(patch, max(3, round(0.02 * side)))
        down, right = (round(0.03 * side) * int(rng.choice([-1, 1])) for _ in range(2))
        moved = np.roll(request.edited, (down, right), axis=(0, 1))
        broken = np.where(patch[..., None], moved, request.edited)
    if not _visible(request.edited, broken, ring):
        return None
    return replace(request, edited=broken, mask=patch)


FLAWS: dict[str, Corruptor] = {
    "no_op": no_op,
    "swapped_instruction": swapped_instruction,
    "other_photo": other_photo,
    "mirrored": mirrored,
    "blurred": blurred,
    "jpeg_wreck": jpeg_wreck,
    "wrong_object": wrong_object,
    "wrong_colour": wrong_colour,
    "half_done": half_done,
    "damage_outside": damage_outside,
    "shifted_outside": shifted_outside,
    "heavy_seam": heavy_seam,
}
"""Every flaw by name."""


def _topic(specimen: Specimen) -> tuple[EditType, frozenset[str]]:
    steps = read_instruction(specimen.request.instruction, specimen.request.context).operations
    nouns = {noun.whole for step in steps for noun in (*step.targets, *step.results)}
    return specimen.edit_type, frozenset(nouns)


def _alike(first: tuple[EditType, frozenset[str]], second: tuple[EditType, frozenset[str]]) -> bool:
    """Whether the second instruction may also describe the first edit."""
    if first[0] is second[0]:
        return not first[1] or not second[1] or bool(first[1] & second[1])
    looks = {EditType.STYLE, EditType.TONE, EditType.RELIGHT}
    return bool({first[0], second[0]} <= looks) or (
        EditType.COMPOSE in {first[0], second[0]} and bool(first[1] & second[1])
    )


def _jpeg(image: RgbImage, quality: int) -> RgbImage:
    data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1])


def _fit(image: RgbImage, like: RgbImage) -> RgbImage:
    size = (like.shape[1], like.shape[0])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _grown(mask: Mask, radius: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)


def _shrunk(mask: Mask, radius: int) -> Mask:
    return ~_grown(~mask, radius)


def _blend(base: RgbImage, over: RgbImage, where: Mask, soft: float) -> RgbImage:
    weight = cv2.GaussianBlur(where.astype(np.float32), (0, 0), soft)[..., None]
    return np.asarray(base * (1 - weight) + over * weight + 0.5, np.uint8)


def _to_bytes(values: NDArray[np.float32]) -> RgbImage:
    return np.asarray(np.clip(values * 255 + 0.5, 0, 255), np.uint8)


def _inpainted(image: RgbImage, mask: Mask) -> RgbImage:
    return np.asarray(
        cv2.inpaint(np.ascontiguousarray(image), mask.astype(np.uint8), 5, cv2.INPAINT_TELEA),
        np.uint8,
    )


def _turned_hue(image: RgbImage, mask: Mask, degrees: float) -> RgbImage:
    """Turns the hue where `mask`, and gives grey pixels a colour too."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    angle = np.arctan2(lab[..., 2], lab[..., 1]) + np.radians(degrees)
    strength = np.maximum(np.hypot(lab[..., 1], lab[..., 2]), 35)
    lab[..., 0] = np.clip(lab[..., 0], 25, 80)
    lab[..., 1], lab[..., 2] = strength * np.cos(angle), strength * np.sin(angle)
    return np.where(mask[..., None], _to_bytes(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)), image)


def _visible(before: RgbImage, after: RgbImage, where: Mask) -> bool:
    """Whether people would notice: a mean difference of at least ten levels."""
    apart = np.abs(before[where].astype(np.int16) - after[where]).mean() if where.any() else 0.0
    return bool(apart >= _NOTICEABLE)


def _elsewhere(mask: Mask, rng: Generator) -> tuple[Mask, tuple[int, int]] | None:
    """`mask` moved to where it overlaps itself least and stays whole, with the (down, right) shift."""
    height, width = mask.shape
    if not mask.any() or mask.mean() > 0.3:
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    best: tuple[float, Mask, tuple[int, int]] | None = None
    for _ in range(24):
        down = int(rng.integers(-rows[0], height - rows[-1]))
        right = int(rng.integers(-columns[0], width - columns[-1]))
        moved = np.roll(mask, (down, right), axis=(0, 1))
        overlap = float((moved & mask).sum() / mask.sum())
        if best is None or overlap < best[0]:
            best = overlap, moved, (down, right)
    return (best[1], best[2]) if best and best[0] < 0.15 else None


def _free_spot(request: JudgeRequest, rng: Generator) -> Mask | None:
    """An ellipse of 1.5 to 4 % of the frame, away from the mask."""
    if request.mask is None:
        return None
    height, width = request.mask.shape
    taken = _grown(request.mask, max(3, round(0.05 * max(height, width))))
    for _ in range(40):
        area = float(rng.uniform(0.015, 0.04)) * height * width
        stretch = float(rng.uniform(0.6, 1.6))
        axes = (
            max(4, int(np.sqrt(area / np.pi) * stretch)),
            max(4, int(np.sqrt(area / np.pi) / stretch)),
        )
        if 2 * axes[0] >= width or 2 * axes[1] >= height:
            continue
        centre = (
            int(rng.integers(axes[0], width - axes[0])),
            int(rng.integers(axes[1], height - axes[1])),
        )
        spot = np.zeros((height, width), np.uint8)
        cv2.ellipse(spot, centre, axes, 0, 0, 360, 1, -1)
        if not (taken & (spot > 0)).any():
            return np.asarray(spot > 0)
    return None
