"""What the nouns of an instruction mean to the detector and to the tagger."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from editloop.models.detectors.coco import COCO_CLASSES
from editloop.models.nouns import COCO_NOUNS, nouns

GENERIC = frozenset(
    {
        "subject",
        "main subject",
        "object",
        "thing",
        "item",
        "one",
        "element",
        "stuff",
        "foreground",
        "area",
        "part",
    }
)
"""Nouns that name no kind of thing: nothing can be said about their identity."""


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    table = tomllib.loads(
        files("editloop.judges.evidence").joinpath("synonyms.toml").read_text("utf-8")
    )
    words: dict[str, tuple[str, ...]] = {}
    for meaning, said in table["synonyms"].items():
        for word in said:
            words[word] = (*words.get(word, ()), meaning)
    for group, members in table["groups"].items():
        words[group] = tuple(members)
    return words


@cache
def meanings(noun: str) -> tuple[str, ...]:
    """`noun` and the everyday words it may stand for ("kitten" -> kitten, cat; "vehicle" -> car, bus, ...)."""
    last = noun.split()[-1]
    found = [noun, *_synonyms().get(noun, ())]
    if len(found) == 1 and last != noun:
        found += [last, *_synonyms().get(last, ())]
    return tuple(dict.fromkeys(found))


@cache
def detector_labels(noun: str) -> frozenset[str]:
    """COCO labels that a detector gives to what people call `noun`; empty when it knows no such thing."""
    everyday = {COCO_NOUNS.get(label, label): label for label in COCO_CLASSES}
    labels = {everyday.get(word, word) for word in meanings(noun)}
    return frozenset(labels & set(COCO_CLASSES))


@cache
def tagger_nouns(noun: str) -> tuple[str, ...]:
    """Everyday nouns of the tagger's table that `noun` stands for; empty when it knows no such thing."""
    return tuple(word for word in meanings(noun) if word in nouns())


def contrast_nouns() -> tuple[str, ...]:
    """The bank of nouns against which a similarity is ranked."""
    return tuple(nouns())
