"""Reads noun phrases: the thing meant, its qualities, and where it stands."""

from __future__ import annotations

import re
from dataclasses import replace as altered

from editloop.judges.intent.lexicon import found, singular, words
from editloop.judges.intent.model import NounPhrase, Place

_TOKEN = re.compile(r"[\w'’-]+")
_PLACE_WORDS = (
    (Place.LEFT, r"\bleft(?:most)?\b"),
    (Place.RIGHT, r"\bright(?:most)?\b"),
    (Place.TOP, r"\b(?:top|upper)\b(?! of)"),
    (Place.BOTTOM, r"\b(?:bottom|lower)\b"),
    (Place.CENTRE, r"\b(?:cent(?:er|re)|middle|central)\b"),
    (Place.FOREGROUND, r"\b(?:foreground|in front|front)\b(?! of)"),
    (Place.BACKGROUND, r"\b(?:background|in the back|far away|distance)\b"),
)
_LANDMARK = re.compile(
    r"\b(?:next to|beside|near|behind|in front of|on top of|under|on|above|by|inside|against|around|over|to the (?:left|right) of|in)\s+(?P<noun>.+)"
)
_OF_PART = re.compile(
    r"^(?:the\s+)?(?:colou?r|texture|surface|size|shade|material|brightness|look|appearance|top|bottom|middle|rest|pattern|fur|"
    r"hull|body|side)\s+of\s+(?=\w)"
)
_KEEP_WITH_ARTICLE = re.compile(r"^(?:an?|another|some)\s", re.IGNORECASE)
_LEADING_NOISE = re.compile(r"^(?:in|out|up|down|away|back|over|there be|be|also|just|only|of)\s+")


def split_list(text: str) -> list[str]:
    """The members of "the A, the B and the C"; a phrase that is no list comes back whole."""
    parts = re.split(
        r",\s*(?:and\s+)?|\s+(?:and|as well as|along with|together with)\s+(?=(?:the|an?|his|her|its|their|some|all)\s)",
        text,
    )
    return [part for part in (p.strip() for p in parts) if part]


def read_nouns(text: str) -> tuple[NounPhrase, ...]:
    """Every thing that `text` names ("both the cup and the pair of glasses" names two)."""
    phrases = (read_noun(part) for part in split_list(text.strip()))
    return tuple(phrase for phrase in phrases if phrase is not None)


def places_in(text: str) -> tuple[Place, ...]:
    """Where in the frame `text` speaks of."""
    return tuple(place for place, form in _PLACE_WORDS if re.search(form, text))


def is_pronoun(text: str) -> bool:
    """Whether `text` stands for something named earlier."""
    return text.strip(" .,!").lower() in words("pronouns")


def read_noun(text: str) -> NounPhrase | None:
    """The thing that `text` names, or None where it names nothing (a pronoun, an empty string)."""
    stripped = _LEADING_NOISE.sub("", text.strip(" .,!?\"'").lower())
    stripped = _OF_PART.sub("", stripped)
    tokens = _TOKEN.findall(stripped)
    lead = 0
    while lead < len(tokens) and tokens[lead] in words("determiners"):
        lead += 1
    core, rest = _cut(tokens[lead:])
    if core and core[-1] in words("classifiers") and rest[:1] == ["of"]:
        inner = read_noun(" ".join(rest[1:]))
        indefinite = tokens[0] in words("indefinite")
        return inner and altered(inner, text=stripped, plural=True, indefinite=indefinite)
    if not core or (len(core) == 1 and core[0] in words("pronouns")):
        return None
    return _phrase(stripped, tokens, core, " ".join(rest))


def _phrase(text: str, tokens: list[str], core: list[str], rest: str) -> NounPhrase | None:
    owner, core = _split_owner(core)
    kept = [
        t for t in core if t not in {"left", "right", "leftmost", "rightmost", "middle"}
    ] or core
    head = _head(kept)
    if not head:
        return None
    qualities = " ".join(kept)
    worn_by = re.match(r"(?:worn|held) by (?:the )?(\w+)", rest)
    landmark = _LANDMARK.search(rest)
    place_noun = read_noun(landmark["noun"]) if landmark else None
    return NounPhrase(
        text=text,
        head=singular(head),
        colours=found(qualities, "colours"),
        material=next(iter(found(qualities, "materials")), ""),
        size=next(iter(found(qualities, "sizes")), ""),
        places=places_in(" ".join(core[:1]) + " " + rest),
        landmark=""
        if place_noun is None
        or worn_by
        or place_noun.head in words("image_places") | words("frame_places")
        else place_noun.head,
        owner=singular(owner),
        plural=singular(head) != head
        or tokens[0] in {"all", "both", "two", "three", "four", "five", "six", "several", "few"},
        indefinite=tokens[0] in words("indefinite"),
    )


def _cut(tokens: list[str]) -> tuple[list[str], list[str]]:
    """Splits "armchair | by the window": where the noun ends and what is said about it begins."""
    for index, token in enumerate(tokens):
        if index and (
            token in words("prepositions")
            or token in words("participles")
            or _is_participle(tokens, index)
        ):
            return tokens[:index], tokens[index:]
    return tokens, []


def _is_participle(tokens: list[str], index: int) -> bool:
    token = tokens[index]
    return (
        token.endswith("ing")
        and len(token) > 4
        and (
            token not in words("ing_nouns")
            or (index + 1 < len(tokens) and tokens[index + 1] in words("determiners"))
        )
    )


def _split_owner(core: list[str]) -> tuple[str, list[str]]:
    for index, token in enumerate(core[:-1]):
        if token.endswith(("'s", "’s", "s'", "s’")):
            owner = [*core[:index], token.rstrip("s").rstrip("'’")]
            return _head(owner), core[index + 1 :]
    return "", core


def _head(core: list[str]) -> str:
    """The noun of `core`: its last word, or its last two where they are one thing ("traffic light")."""
    qualities = (
        words("colours")
        | words("sizes")
        | words("materials")
        | words("colour_shades")
        | words("comparatives")
    )
    kept = list(core)
    while len(kept) > 1 and kept[-1] in words("colour_nouns"):
        kept.pop()
    pair = " ".join(kept[-2:])
    return (
        pair
        if singular(pair) in words("compounds")
        or (len(kept) > 1 and kept[-1] in words("parts") and kept[-2] not in qualities)
        else kept[-1]
    )
