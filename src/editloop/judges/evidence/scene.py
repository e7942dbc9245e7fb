"""One triplet under examination: images, intention, regions, and the evidence collected so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from editloop.judges.base import JudgeRequest
from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.pixels import Pair, Plane, blobs, grow, shrink
from editloop.judges.evidence.scoring import Axis, Finding
from editloop.judges.evidence.sights import Presence, Sights
from editloop.judges.evidence.surroundings import main_change
from editloop.judges.intent import Intent, IntentStep, NounPhrase
from editloop.models.roles import Detection, Mask
from editloop.records.record import Box

_CONTEXT = 0.12
_BLOCK = 12


@dataclass
class Scene:
    """Everything the rules look at."""

    request: JudgeRequest
    pair: Pair
    intent: Intent
    sights: Sights
    config: EvidenceConfig
    evidence: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @cached_property
    def change(self) -> Mask:
        """The main blobs of the change map."""
        return main_change(self.pair)

    @cached_property
    def region(self) -> Mask:
        """Where the edit was to happen: the given mask, else where it did happen."""
        return self.change if self.pair.mask is None else self.pair.mask

    @cached_property
    def acted(self) -> Mask:
        """Where the edit happened inside the region; the region itself when nothing did."""
        both = self.change & grow(self.region, 6)
        return both if both.any() else self.region

    def note(self, **numbers: float) -> None:
        """Keeps numbers as evidence."""
        self.evidence.update({name: float(value) for name, value in numbers.items()})

    def check(
        self,
        code: str,
        axis: Axis,
        value: float,
        fault: str,
        praise: str = "",
        *,
        identity: bool = False,
    ) -> float:
        """Adds a finding and returns its value."""
        self.findings.append(
            Finding(code, axis, float(np.clip(value, 0, 1)), fault, praise, identity)
        )
        return value

    def step_area(self, step: IntentStep) -> Mask:
        """The part of the acted area that belongs to `step`: all of it, or its blobs at the named object."""
        if len(self.intent.operations) < 2:
            return self.acted
        noun = step.target or step.result
        image = self.pair.source if step.target else self.pair.edited
        seen = self.sights.find(image, noun.whole) if noun else []
        labels, areas = blobs(self.acted)
        shares = [_share_in(labels == n + 1, [d.box for d in seen]) for n in range(areas.size)]
        mine = [n + 1 for n, share in enumerate(shares) if share > 0.4]
        return np.asarray(np.isin(labels, mine)) if mine else self.acted

    def is_shared(self, area: Mask) -> bool:
        """Whether `area` also holds what another operation did (a new background around a recoloured thing)."""
        return len(self.intent.operations) > 1 and bool(area.mean() > 0.5)

    def source_presence(self, area: Mask, noun: NounPhrase) -> Presence:
        """How surely the source shows `noun` where `area` is."""
        return self.sights.presence(self.pair.source, box_around(area), noun.whole)

    def edited_presence(self, area: Mask, noun: NounPhrase) -> Presence:
        """How surely the edited image shows `noun` where `area` is."""
        return self.sights.presence(self.pair.edited, box_around(area), noun.whole)

    def sightings(self, noun: NounPhrase) -> list[Detection]:
        """Detections of `noun` in the source that can be relied on."""
        return [d for d in self.sights.find(self.pair.source, noun.whole) if d.score >= 0.45]


def _share_in(blob: Mask, boxes: list[Box]) -> float:
    """Largest share of `blob` inside one of `boxes`."""
    return max(
        (float(blob[b.top : b.bottom, b.left : b.right].sum() / blob.sum()) for b in boxes),
        default=0.0,
    )


def box_around(area: Mask) -> Box:
    """The box of `area` with some context, inside the frame; the frame for an empty area."""
    height, width = area.shape
    if not area.any():
        return Box(left=0, top=0, right=width, bottom=height)
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    pad_y, pad_x = _CONTEXT * (rows[-1] - rows[0]) + 4, _CONTEXT * (columns[-1] - columns[0]) + 4
    return Box(
        left=max(0, int(columns[0] - pad_x)),
        top=max(0, int(rows[0] - pad_y)),
        right=min(width, int(columns[-1] + pad_x) + 1),
        bottom=min(height, int(rows[-1] + pad_y) + 1),
    )


def texture_left(pair: Pair, region: Mask, *, recoloured: bool) -> float:
    """Share of the blocks inside `region` that still show the source's texture, in [0, 1].

    A textured block counts as left when its lightness pattern still correlates with the source and its colour barely
    moved, or, with `recoloured`, whatever its colour; a flat one when its colour barely moved.
    """
    inner = shrink(region, max(2, round(0.04 * np.sqrt(region.sum() + 1))))
    inner = inner if inner.sum() > 0.25 * region.sum() else region
    before, after = pair.source_lab[..., 0], pair.edited_lab[..., 0]

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, (_BLOCK, _BLOCK)), np.float32)

    variance_before = np.clip(mean(before * before) - mean(before) ** 2, 0, None)
    variance_after = np.clip(mean(after * after) - mean(after) ** 2, 0, None)
    covariance = mean(before * after) - mean(before) * mean(after)
    similar = covariance / np.sqrt(variance_before * variance_after + 1.0)
    moved = mean(np.linalg.norm(pair.source_lab - pair.edited_lab, axis=2))
    textured = variance_before > 4.0
    left = np.where(textured, (similar > 0.8) & (recoloured | (moved < 8)), moved < 2.5)
    return float(left[inner].mean()) if inner.any() else 0.0
