"""English in small: articles, plurals, pronouns, tidy sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass

PLURAL_ONLY = frozenset(
    [
        "people",
        "scissors",
        "sunglasses",
        "glasses",
        "jeans",
        "trousers",
        "pants",
        "shorts",
        "binoculars",
        "headphones",
        "flowers",
        "leaves",
        "grapes",
        "stairs",
        "clothes",
        "mountains",
        "trees",
        "cattle",
        "men",
        "women",
        "children",
    ]
)
"""Nouns that stand in the plural as they are."""

SINGULAR_IN_S = ("ss", "us", "is", "lens", "canvas", "atlas", "gas", "christmas")
"""Endings in s of singular nouns."""

PERSONS = frozenset(
    [
        "person",
        "man",
        "woman",
        "boy",
        "girl",
        "child",
        "baby",
        "lady",
        "guy",
        "player",
        "rider",
        "cyclist",
        "pedestrian",
    ]
)
"""Nouns of people: spoken of as "them", and not called small or large."""

_DETERMINERS = ("a ", "an ", "the ", "some ", "plain ", "pure ", "two ", "three ")
_VOWEL_SOUND = re.compile(r"[aeiou]|8|11\b|18\b|hour|honest|heir|x-ray", re.IGNORECASE)
_CONSONANT_SOUND = re.compile(r"eu|uni(?!n)|use|usu|uk|one\b|once|ut[ei]", re.IGNORECASE)


def article(phrase: str) -> str:
    """``a`` or ``an`` by the sound that `phrase` begins with.

    Example:
        >>> article("orange cup"), article("unicorn"), article("hourglass")
        ('an', 'a', 'an')
    """
    vowel = _VOWEL_SOUND.match(phrase) and not _CONSONANT_SOUND.match(phrase)
    return "an" if vowel else "a"


def is_plural(noun: str) -> bool:
    """Whether the last word of `noun` is a plural."""
    last = noun.lower().rpartition(" ")[2]
    return last in PLURAL_ONLY or (last.endswith("s") and not last.endswith(SINGULAR_IN_S))


def indefinite(phrase: str, *, plural: bool = False) -> str:
    """`phrase` with its indefinite article, unless it already has a determiner."""
    if phrase.lower().startswith(_DETERMINERS):
        return phrase
    return f"some {phrase}" if plural else f"{article(phrase)} {phrase}"


def possessive(phrase: str) -> str:
    """`phrase` as an owner: the dog's, the scissors'."""
    return f"{phrase}'" if is_plural(phrase) and phrase.endswith("s") else f"{phrase}'s"


@dataclass(frozen=True, slots=True)
class Pronouns:
    """How a thing is spoken of once it has been named."""

    subject: str
    object: str
    possessive: str


def pronouns(noun: str) -> Pronouns:
    """It for things and animals, they for people and plurals."""
    if is_plural(noun) or noun in PERSONS:
        return Pronouns("they", "them", "their")
    return Pronouns("it", "it", "its")


def capitalised(text: str) -> str:
    """`text` with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def tidy(text: str) -> str:
    """Single spaces, none before punctuation, a capital at the start."""
    text = re.sub(r"\s+", " ", text).strip()
    return capitalised(re.sub(r"\s+([.,;:?!])", r"\1", text))
