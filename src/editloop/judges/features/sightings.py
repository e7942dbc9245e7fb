"""Numbers about what detector and tagger see: in the changed part and around it, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from editloop.judges.evidence.naming import GENERIC
from editloop.judges.evidence.pixels import Pair
from editloop.judges.evidence.scene import box_around
from editloop.judges.evidence.sights import Sights
from editloop.judges.features.change import part_of
from editloop.judges.features.words import CATEGORIES
from editloop.judges.intent import Intent
from editloop.models.nouns import category_of, nouns
from editloop.models.roles import Detection, Mask, Tagger
from editloop.records.record import Box

_SURE = 0.35
_SAME_PLACE = 0.5


@dataclass(frozen=True)
class _Views:
    """The four views that the tagger looks at, in this order."""

    probabilities: NDArray[np.float32]
    """(4, classes): part before, part after, frame before, frame after."""
    similarity: NDArray[np.float32]
    """(4, texts)."""


def tag_features(pair: Pair, area: Mask, intent: Intent, tagger: Tagger) -> dict[str, float]:
    """How recognisable the changed part is, what kind of thing it shows, and whether it is what the words name."""
    texts = _texts(intent)
    images = [
        part_of(pair.source, area),
        part_of(pair.edited, area),
        pair.source,
        pair.edited,
    ]
    views = _Views(tagger.probabilities(images), tagger.similarity(images, list(texts.values())))
    found: dict[str, float] = {}
    for place, name in enumerate(("part_before", "part_after", "frame_before", "frame_after")):
        row = np.clip(views.probabilities[place], 1e-9, 1)
        found[f"{name}_entropy"] = float(-(row * np.log(row)).sum())
        found[f"{name}_surest"] = float(row.max())
    found["part_surest_gain"] = found["part_after_surest"] - found["part_before_surest"]
    found["part_entropy_gain"] = found["part_after_entropy"] - found["part_before_entropy"]
    roots = np.sqrt(views.probabilities)
    found["part_same"] = float(roots[0] @ roots[1])
    found["frame_same"] = float(roots[2] @ roots[3])
    for column, name in enumerate(texts):
        before, after, whole_before, whole_after = map(float, views.similarity[:, column])
        found |= {
            f"{name}_part_before": before,
            f"{name}_part_after": after,
            f"{name}_part_gain": after - before,
            f"{name}_frame_gain": whole_after - whole_before,
        }
    for moment, place in (("before", 0), ("after", 1)):
        masses = _categories(views.probabilities[place])
        found |= {f"part_{moment}_{name}": mass for name, mass in masses.items()}
    return found


def detection_features(pair: Pair, area: Mask, intent: Intent, sights: Sights) -> dict[str, float]:
    """Counts and scores of detected things: lost, gained, kept; people and animals at the changed part."""
    before, after = (
        [d for d in sights.detections(image) if d.score >= _SURE]
        for image in (pair.source, pair.edited)
    )
    box = box_around(area)
    outside = [d for d in before if _overlap(d.box, box) < 0.3]
    kept = [_best_match(d, after) for d in outside]
    inside_before, inside_after = (
        [d for d in seen if _overlap(d.box, box) >= 0.3] for seen in (before, after)
    )
    found = {
        "things": float(np.log1p(len(before))),
        "things_gain": float(len(after) - len(before)),
        "people": float(np.log1p(sum(d.label == "person" for d in before))),
        "outside_lost": float(np.mean([m is None for m in kept])) if kept else 0.0,
        "outside_score_change": float(
            np.mean(
                [m.score - d.score for d, m in zip(outside, kept, strict=True) if m is not None]
                or [0.0]
            )
        ),
        "inside_best_before": _best(inside_before),
        "inside_best_after": _best(inside_after),
        "inside_best_gain": _best(inside_after) - _best(inside_before),
        "inside_count_gain": float(len(inside_after) - len(inside_before)),
    }
    for kind in ("person", "animal"):
        for moment, seen in (("before", before), ("after", after)):
            found[f"{kind}_at_part_{moment}"] = _covered(area, seen, kind)
    return found | _named(pair, intent, sights)


def _named(pair: Pair, intent: Intent, sights: Sights) -> dict[str, float]:
    found: dict[str, float] = {}
    step = intent.operations[0] if intent.operations else None
    for role, noun in (
        ("target", step.target if step else None),
        ("result", step.result if step else None),
    ):
        if noun is None or noun.whole in GENERIC:
            continue
        scores = [_best(sights.find(image, noun.whole)) for image in (pair.source, pair.edited)]
        counts = [
            sum(d.score >= _SURE for d in sights.find(image, noun.whole))
            for image in (pair.source, pair.edited)
        ]
        found |= {
            f"{role}_best_before": scores[0],
            f"{role}_best_after": scores[1],
            f"{role}_best_gain": scores[1] - scores[0],
            f"{role}_count_gain": float(counts[1] - counts[0]),
        }
    return found


def _texts(intent: Intent) -> dict[str, str]:
    """What the tagger compares with: the instruction, and the thing that should be there (or gone) afterwards."""
    step = intent.operations[0] if intent.operations else None
    texts = {"instruction": intent.text}
    if step and step.target and step.target.whole not in GENERIC:
        texts["target"] = step.target.text
    if step and step.result and step.result.whole not in GENERIC:
        texts["result"] = step.result.text
    return texts


def _categories(row: NDArray[np.float32]) -> dict[str, float]:
    """Square root of the tagger's mass on each category of everyday nouns."""
    masses = dict.fromkeys(CATEGORIES, 0.0)
    for name in masses:
        classes = {
            index for noun in nouns().values() if noun.category == name for index in noun.classes
        }
        masses[name] = float(np.sqrt(row[sorted(classes)].sum())) if classes else 0.0
    return {name: mass for name, mass in masses.items() if name not in ("person", "other")}


def _best(seen: Sequence[Detection]) -> float:
    return max((d.score for d in seen), default=0.0)


def _best_match(wanted: Detection, seen: Sequence[Detection]) -> Detection | None:
    same = [
        d for d in seen if d.label == wanted.label and _overlap(d.box, wanted.box) > _SAME_PLACE
    ]
    return max(same, key=lambda d: d.score, default=None)


def _covered(area: Mask, seen: Sequence[Detection], kind: str) -> float:
    """Largest share of `area` inside a detected thing of a kind."""
    if not area.any():
        return 0.0
    boxes = [
        d.box
        for d in seen
        if d.label == kind or (kind == "animal" and category_of(d.label) == "animal")
    ]
    return max(
        (float(area[b.top : b.bottom, b.left : b.right].sum() / area.sum()) for b in boxes),
        default=0.0,
    )


def _overlap(first: Box, second: Box) -> float:
    """Intersection over the smaller box."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / max(1, min(first.area, second.area))
