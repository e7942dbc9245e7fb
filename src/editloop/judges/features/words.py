"""Numbers about an instruction: what kind of edit it asks for, of what, and how hard that usually is.

Word lists name kinds of things whose edits fail in known ways (faces, poses, lettering, counts); they hold general knowledge about
image editing and were written after seeing the mean ratings of kinds of edit in one human-rated set, so they are not blind to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.judges.evidence.naming import GENERIC, detector_labels, tagger_nouns
from editloop.judges.intent import Intent, NounPhrase
from editloop.models.nouns import category_of
from editloop.models.roles import TextEmbedder
from editloop.records.taxonomy import EditType

KINDS: Final = (
    EditType.ADD, EditType.REMOVE, EditType.REPLACE, EditType.ADJUST, EditType.ACTION, EditType.PERSON, EditType.BACKGROUND,
    EditType.TEXT, EditType.STYLE, EditType.TONE,
)  # fmt: skip
CATEGORIES: Final = (
    "person", "animal", "food", "vehicle", "furniture", "clothing", "household", "building", "street", "plant", "other",
)  # fmt: skip
WORD_LISTS: Final[dict[str, frozenset[str]]] = {
    "people": frozenset(
        [
            "man",
            "woman",
            "men",
            "women",
            "boy",
            "girl",
            "kid",
            "child",
            "children",
            "people",
            "person",
            "lady",
            "ladies",
            "guy",
            "player",
            "players",
            "baby",
            "skier",
            "rider",
            "driver",
            "crowd",
            "his",
            "her",
            "he",
            "she",
            "him",
            "face",
        ]
    ),
    "expression": frozenset(
        [
            "smile",
            "smiling",
            "angry",
            "sad",
            "happy",
            "cry",
            "crying",
            "laugh",
            "laughing",
            "sleep",
            "sleeping",
            "frown",
            "wink",
            "surprised",
            "mouth",
            "eyes",
            "eye",
            "tongue",
            "teeth",
            "face",
            "expression",
        ]
    ),
    "pose": frozenset(
        [
            "raise",
            "raising",
            "lift",
            "sit",
            "sitting",
            "stand",
            "standing",
            "run",
            "running",
            "jump",
            "jumping",
            "walk",
            "walking",
            "hold",
            "holding",
            "look",
            "looking",
            "turn",
            "wave",
            "waving",
            "eat",
            "eating",
            "bite",
            "drink",
            "drinking",
            "point",
            "fly",
            "flying",
            "lie",
            "lying",
            "bend",
            "leg",
            "arm",
            "arms",
            "hand",
            "hands",
        ]
    ),
    "lettering": frozenset(
        [
            "text",
            "sign",
            "letter",
            "letters",
            "word",
            "words",
            "logo",
            "writing",
            "written",
            "say",
            "says",
            "number",
            "numbers",
            "label",
            "title",
            "name",
        ]
    ),
    "scenery": frozenset(
        [
            "background",
            "sky",
            "mountain",
            "mountains",
            "forest",
            "sea",
            "ocean",
            "beach",
            "river",
            "snow",
            "grass",
            "field",
            "city",
            "street",
            "road",
            "sunset",
            "clouds",
            "cloud",
            "trees",
            "floor",
            "wall",
            "ceiling",
        ]
    ),
    "many": frozenset(
        [
            "all",
            "some",
            "many",
            "several",
            "few",
            "two",
            "three",
            "four",
            "five",
            "more",
            "both",
            "every",
            "group",
            "bunch",
            "lots",
            "fill",
            "different",
        ]
    ),
    "relation": frozenset(
        [
            "next",
            "beside",
            "behind",
            "front",
            "under",
            "above",
            "between",
            "near",
            "left",
            "right",
            "top",
            "side",
            "middle",
            "corner",
            "around",
            "inside",
            "on",
            "in",
            "to",
            "from",
            "with",
            "of",
        ]
    ),
    "gone": frozenset(
        [
            "remove",
            "delete",
            "erase",
            "rid",
            "without",
            "nothing",
            "away",
            "take",
            "clear",
            "empty",
            "leave",
        ]
    ),
    "in_place_of": frozenset(
        ["replace", "swap", "change", "instead", "into", "turn", "become", "switch", "exchange"]
    ),
}
"""Kind -> words that point to it."""
ANCHORS: Final = (
    "a person's face and expression", "a body pose or movement", "an animal", "food on a plate", "a vehicle on a road",
    "furniture in a room", "clothes that a person wears", "letters and words on a sign", "a landscape in the background",
    "a change of colour", "a thing that is taken away", "a small object on a table", "a crowd of people", "weather and light",
    "material and texture", "plants and flowers", "sports equipment", "a building",
)  # fmt: skip
"""Texts whose nearness to the instruction is read off."""


def word_features(intent: Intent) -> dict[str, float]:
    """What the words alone say."""
    words = re.findall(r"[a-z']+", intent.text.lower())
    found = {
        "length": float(np.log1p(len(words))),
        "asks": float("?" in intent.text),
        "operations": float(len(intent.operations)),
    }
    kinds = {step.edit_type for step in intent.operations}
    found |= {f"kind_{kind.value}": float(kind in kinds) for kind in KINDS}
    found |= {
        f"list_{name}": float(min(2, sum(word in listed for word in words)))
        for name, listed in WORD_LISTS.items()
    }
    step = intent.operations[0] if intent.operations else None
    for role, noun in (
        ("target", step.target if step else None),
        ("result", step.result if step else None),
    ):
        found |= {f"{role}_{name}": value for name, value in _noun(noun).items()}
    found["colours"] = float(bool(step and (step.colours or (step.result and step.result.colours))))
    return found


def _noun(noun: NounPhrase | None) -> dict[str, float]:
    if noun is None:
        return {"named": 0.0}
    category = category_of(noun.whole)
    return {
        "named": 1.0,
        "generic": float(noun.whole in GENERIC),
        "detectable": float(bool(detector_labels(noun.whole))),
        "taggable": float(bool(tagger_nouns(noun.whole))),
        "plural": float(noun.plural),
        "part": float(bool(noun.owner)),
        "placed": float(bool(noun.places or noun.landmark)),
        **{f"is_{name}": float(category == name) for name in CATEGORIES},
    }


def meaning_features(text: str, embedder: TextEmbedder) -> dict[str, float]:
    """Nearness of the text to `ANCHORS`, and its embedding itself."""
    vectors = embedder.embed([text, *ANCHORS])
    near: NDArray[np.float32] = vectors[1:] @ vectors[0]
    found = {f"near_{place:02d}": float(value) for place, value in enumerate(near)}
    return found | numbered("text", vectors[0])


def numbered(name: str, vector: Sequence[float] | NDArray[np.float32]) -> dict[str, float]:
    """The numbers of a vector under names of their own."""
    return {f"{name}_{place:03d}": float(value) for place, value in enumerate(vector)}
