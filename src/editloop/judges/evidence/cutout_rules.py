"""What must be true when one thing was cut out and set on white."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from editloop.judges.evidence import looks
from editloop.judges.evidence.naming import GENERIC
from editloop.judges.evidence.object_rules import convincing
from editloop.judges.evidence.pixels import (
    Pair,
    Planes,
    blobs,
    clean_map,
    mean_in,
    shrink,
    ssim_map,
)
from editloop.judges.evidence.scene import Scene, box_around
from editloop.judges.evidence.scoring import Axis, ramp
from editloop.judges.intent import IntentStep, NounPhrase
from editloop.models.roles import Mask
from editloop.records.record import Box

_ASKED = Axis.INSTRUCTION
_SEARCH_SIDE = 160
_SCALES = (1.0, 0.8, 1.25, 0.65, 1.5, 2.0)
_AT_HOME = 0.6
"""Similarity from which a cut-out counts as standing where it stood in the source."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How well the cut-out fits the source where it fits best."""

    similarity: float
    """Mean SSIM of lightness."""
    shift: float
    """Distance of the median colours, CIELAB."""
    rewritten: float
    """Largest blob of other texture, of the thing's area."""
    mirrored: float
    """Similarity won by mirroring the cut-out."""


def judge_extract(scene: Scene, step: IntentStep) -> None:
    """One thing alone on white, as it was in the source."""
    limits = scene.config
    measured = looks.white_evidence(scene.pair)
    scene.note(**measured)
    white = ramp(measured["white_border"], limits.white_border)
    scene.check(
        "not_white", _ASKED, white, "The backdrop is not plain white.", "The backdrop is white."
    )
    single = min(
        ramp(measured["object_frac"], limits.object_frac),
        ramp(measured["white_frac"], limits.white_frac),
    )
    scene.check("nothing_extracted", _ASKED, single, "No single thing was cut out.")
    things = _things(scene.pair)
    if not things.any():
        return
    like = likeness(scene.pair, things)
    scene.note(
        object_similarity=like.similarity,
        object_shift=like.shift,
        object_rewritten=like.rewritten,
        object_mirrored=like.mirrored,
    )
    value = min(
        ramp(like.similarity, limits.object_similarity),
        ramp(like.shift, limits.object_shift),
        ramp(like.rewritten, limits.object_rewritten),
        ramp(like.mirrored, limits.mirrored),
    )
    scene.check(
        "object_changed",
        Axis.NATURAL,
        value,
        "The thing no longer looks as in the source.",
        "The thing looks as in the source.",
    )
    if step.target is not None and step.target.whole not in GENERIC:
        _right_thing(scene, step.target, things)


def _right_thing(scene: Scene, noun: NounPhrase, things: Mask) -> None:
    box = box_around(things)
    alone = scene.sights.presence(scene.pair.edited, box, noun.whole)
    at_home = scene.sights.presence(scene.pair.source, box, noun.whole)
    scene.note(
        identity_known=alone.known,
        result_detector=alone.detector,
        result_tagger=alone.tagger,
        result_rank=alone.rank,
    )
    in_place = scene.evidence["object_similarity"] > _AT_HOME
    value = max(
        convincing(scene.config, alone), convincing(scene.config, at_home) if in_place else 0.0
    )
    scene.check(
        "wrong_object",
        _ASKED,
        value,
        f"What was cut out is not a {noun.whole}.",
        f"The {noun.whole} was cut out.",
        identity=True,
    )


def _things(pair: Pair) -> Mask:
    lab = pair.edited_lab
    return clean_map(
        (lab[..., 0] < 92) | (np.hypot(lab[..., 1], lab[..., 2]) > 8),
        pair.config.smallest_change_frac,
    )


def likeness(pair: Pair, things: Mask) -> Likeness:
    """Compares the cut-out with the source at its own place or, where it was moved or scaled, where it fits best."""
    inner = shrink(things, 2)
    inner = inner if inner.any() else things
    direct = _compare(pair.source_lab, pair.edited_lab, inner)
    flipped = _compare(
        pair.source_lab, np.ascontiguousarray(pair.edited_lab[:, ::-1]), inner[:, ::-1]
    )
    if max(direct[0], flipped[0]) < _AT_HOME:
        moved = _aligned(pair, things)
        direct = max(direct, _compare(moved, pair.edited_lab, inner))
    return Likeness(*direct, mirrored=flipped[0] - direct[0])


def _compare(source: Planes, edited: Planes, where: Mask) -> tuple[float, float, float]:
    similarity = ssim_map(source[..., 0], edited[..., 0])
    shift = np.median((edited - source)[where], axis=0)
    _, areas = blobs(clean_map(where & (similarity < 0.45), 0.0004))
    worst = float(areas.max() / where.sum()) if areas.size else 0.0
    return mean_in(similarity, where), float(np.linalg.norm(shift)), worst


def _aligned(pair: Pair, things: Mask) -> Planes:
    """The source's CIELAB moved and scaled so that the cut-out's best match lies under it."""
    height, width = things.shape
    small = _SEARCH_SIDE / max(height, width)
    rows, columns = np.flatnonzero(things.any(axis=1)), np.flatnonzero(things.any(axis=0))
    box = Box(
        left=int(columns[0]), top=int(rows[0]), right=int(columns[-1]) + 1, bottom=int(rows[-1]) + 1
    )
    scene = cv2.resize(pair.source_lab, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    crop = pair.edited_lab[box.top : box.bottom, box.left : box.right]
    shape = things[box.top : box.bottom, box.left : box.right].astype(np.float32)
    best = (-1.0, 1.0, 0, 0)
    for scale in _SCALES:
        size = max(4, round(box.width * small * scale)), max(4, round(box.height * small * scale))
        if size[0] > scene.shape[1] or size[1] > scene.shape[0]:
            continue
        template = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
        weight = cv2.resize(shape, size, interpolation=cv2.INTER_AREA)
        fit = cv2.matchTemplate(scene[..., 0], template[..., 0], cv2.TM_CCOEFF_NORMED, mask=weight)
        fit[~np.isfinite(fit)] = -1.0
        _, peak, _, (across, down) = cv2.minMaxLoc(fit)
        best = max(best, (float(peak), scale, across, down))
    _, scale, across, down = best
    to_source = np.array(
        [[scale, 0, across / small - scale * box.left], [0, scale, down / small - scale * box.top]],
        np.float32,
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(pair.source_lab, to_source, (width, height), flags=flags), np.float32
    )
