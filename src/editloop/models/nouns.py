"""Everyday nouns for what the detector and the tagger see.

The tagger knows 1,000 ImageNet classes, many of them breeds and models; the detector knows 80 COCO labels and forces
everything else into them (a camel becomes a horse). Summing the tagger's probabilities over the classes of an everyday
noun, and letting the two models check each other, gives names that can stand in an instruction.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

COCO_NOUNS: dict[str, str] = {
    "motorcycle": "motorcycle",
    "potted plant": "potted plant",
    "dining table": "table",
    "couch": "sofa",
    "tv": "television",
    "cell phone": "phone",
    "wine glass": "glass",
    "sports ball": "ball",
    "hair drier": "hair dryer",
    "donut": "doughnut",
}
"""COCO labels whose everyday noun differs from the label; all others are used as they are."""

COCO_CATEGORIES: dict[str, str] = {
    "person": "person",
    "motorcycle": "vehicle",
    "potted plant": "plant",
    "giraffe": "animal",
    "suitcase": "bag",
    "glass": "household",
    "fork": "household",
    "knife": "household",
    "spoon": "household",
    "cake": "food",
    "doughnut": "food",
    "sandwich": "food",
    "carrot": "food",
    "broccoli": "food",
    "hot dog": "food",
    "book": "household",
    "phone": "household",
    "keyboard": "household",
    "scissors": "household",
    "toothbrush": "household",
    "kite": "toy",
    "surfboard": "sport",
    "skateboard": "sport",
    "snowboard": "sport",
    "fire hydrant": "street",
    "stop sign": "street",
    "parking meter": "street",
    "bed": "furniture",
    "toilet": "furniture",
    "tie": "clothing",
    "handbag": "bag",
    "elephant": "animal",
    "sheep": "animal",
    "cow": "animal",
}
"""Categories of nouns that only the detector knows."""


@dataclass(frozen=True, slots=True)
class Noun:
    """An everyday noun, its category and the ImageNet classes it sums."""

    word: str
    category: str
    classes: tuple[int, ...]


def _indices(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)


@cache
def nouns() -> dict[str, Noun]:
    """All nouns of the table by word."""
    table = tomllib.loads(files("editloop.models").joinpath("nouns.toml").read_text("utf-8"))
    return {
        word: Noun(word, row["category"], _indices(row["classes"])) for word, row in table.items()
    }


def category_of(word: str) -> str:
    """Category of an everyday noun, or ``other``."""
    noun = nouns().get(word)
    return noun.category if noun else COCO_CATEGORIES.get(word, "other")


@dataclass(frozen=True, slots=True)
class NounScore:
    """A noun with the summed probability of its classes, in [0, 1]."""

    word: str
    probability: float


def noun_scores(probabilities: NDArray[np.float32], top: int = 3) -> list[NounScore]:
    """The `top` nouns of one image from its 1,000 class probabilities, best first.

    A noun inside another (taxi in car, owl in bird) wins when it alone carries two thirds of the wider one.
    """
    sums = {word: float(probabilities[list(noun.classes)].sum()) for word, noun in nouns().items()}
    ranked = sorted(sums, key=lambda word: (-sums[word], len(nouns()[word].classes), word))
    chosen: list[NounScore] = []
    for word in ranked:
        classes = set(nouns()[word].classes)
        inner = [
            other
            for other in ranked
            if other != word
            and set(nouns()[other].classes) < classes
            and sums[other] >= 2 / 3 * sums[word]
        ]
        best = max(inner, key=lambda other: sums[other], default=word)
        if best not in {score.word for score in chosen}:
            chosen.append(NounScore(best, sums[best]))
        if len(chosen) == top:
            break
    return chosen
