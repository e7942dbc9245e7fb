"""Which noun, if any, may stand in an instruction for a detected region.

ImgEdit trusts a region when CLIP similarity is at least 0.8, or when it is large and the detector is sure
(arXiv 2505.20275, candidate rules). The embedded tagger's numbers mean something else, so these thresholds are our own:
set by hand on 70 of the photographs that the recipe was developed on. The tagger looks three times (the region tight,
with some surroundings, and cut out on grey) and the mean counts: what it says of the surroundings averages out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from editloop.models.nouns import COCO_NOUNS, NounScore, nouns

TAGGER_ALONE = 0.45
"""Least summed probability for a name that the detector does not confirm (a beer can called a bottle reaches 0.43)."""
TAGGER_MARGIN = 0.15
"""Least distance to the tagger's second noun for such a name."""
TAGGER_CONFIRMS = 0.2
"""Least summed probability that counts as a confirmation of the detector's label."""
DETECTOR_ALONE = 0.6
"""Least detector confidence for a name that the tagger neither confirms nor contradicts."""
DETECTOR_SURE = 0.7
"""From this confidence on the detector is overruled only by a tagger that is as sure (a white horse called a dog: 0.46)."""
TAGGER_CONTRADICTS = 0.4
"""Another noun at this summed probability overrules a detector that is not sure."""

DETECTOR_TRUSTED = frozenset(
    [
        "person",
        "bicycle",
        "car",
        "motorcycle",
        "airplane",
        "bus",
        "train",
        "truck",
        "boat",
        "bird",
        "cat",
        "dog",
        "horse",
        "sheep",
        "cow",
        "elephant",
        "zebra",
        "giraffe",
        "bench",
        "umbrella",
        "clock",
        "vase",
        "cup",
        "bottle",
        "glass",
    ]
) | {"potted plant", "teddy bear"}
"""Labels that NanoDet gets right on its own; the rest of COCO serves it as a bin for what it does not know."""

UNTAGGABLE = frozenset({"person", "potted plant", "glass", "motorcycle", "giraffe"})
"""Nouns outside the tagger's vocabulary: it can contradict them, but never confirm them."""


class Name(NamedTuple):
    """A noun with the tagger's summed probability for it."""

    word: str
    similarity: float


def detector_noun(label: str) -> str:
    """The everyday noun of a COCO label."""
    label = label.replace("_", " ")
    return COCO_NOUNS.get(label, label)


def name_region(
    detected: str | None, detector_score: float, tags: Sequence[NounScore], *, salient: bool
) -> Name | None:
    """The noun for a region, or None when the models do not agree on one.

    Args:
        detected: The detector's label, or None when only the segmenter found the region.
        detector_score: The detector's confidence in [0, 1].
        tags: Summed noun probabilities on the region's crop, best first.
        salient: Whether the segmenter finds the region salient: a tag of the crop then speaks of the region.
    """
    best = tags[0] if tags else NounScore("", 0.0)
    if detected is not None:
        noun = detector_noun(detected)
        confirmed = _probability(noun, tags)
        if confirmed >= TAGGER_CONFIRMS:
            return Name(best.word if _is_kind_of(best.word, noun) else noun, confirmed)
        limit = DETECTOR_SURE if detector_score >= DETECTOR_SURE else TAGGER_CONTRADICTS
        contradicted = best.probability >= limit and noun not in UNTAGGABLE
        if noun in DETECTOR_TRUSTED and detector_score >= DETECTOR_ALONE and not contradicted:
            return Name(noun, confirmed)
    second = tags[1].probability if len(tags) > 1 else 0.0
    if salient and best.probability >= max(TAGGER_ALONE, second + TAGGER_MARGIN):
        return Name(best.word, best.probability)
    return None


def _probability(noun: str, tags: Sequence[NounScore]) -> float:
    return max(
        (t.probability for t in tags if t.word == noun or _is_kind_of(t.word, noun)), default=0.0
    )


def _is_kind_of(word: str, noun: str) -> bool:
    """Whether all classes of `word` are among those of `noun`, or the words say so (polar bear, bear)."""
    table = nouns()
    if word in table and noun in table and set(table[word].classes) <= set(table[noun].classes):
        return True
    return word.endswith(f" {noun}")
