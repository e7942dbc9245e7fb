"""Names things: "the red ball on the left", "a small striped cup", "in a meadow"."""

from __future__ import annotations

import numpy as np

from editloop.world.cases import PhrasingStyle
from editloop.world.choices import chance
from editloop.world.scenes import Scene, SceneObject

PLACE_WORDS: dict[str, str] = {
    "left": "on the left",
    "middle": "in the middle",
    "right": "on the right",
}
TOWARDS_WORDS: dict[str, str] = {
    "left": "to the left",
    "middle": "to the middle",
    "right": "to the right",
}
BACKGROUND_WORDS: dict[str, tuple[str, str]] = {
    "meadow": ("a meadow", "in a meadow"),
    "desert": ("a desert", "in a desert"),
    "sea": ("the sea", "on the sea"),
    "snowfield": ("a snowfield", "in a snowfield"),
    "forest": ("a forest", "in a forest"),
    "city": ("a city", "in a city"),
    "beach": ("a beach", "on a beach"),
    "space": ("space", "in space"),
    "paper": ("white paper", "on white paper"),
}
"""Background -> (its name, how things stand in it)."""
STYLE_WORDS: dict[str, str] = {
    "sepia": "a sepia photo",
    "black and white": "a black and white photo",
    "negative": "a photo negative",
    "pastel": "a pastel drawing",
    "poster": "a poster",
}
LIGHT_WORDS: dict[str, tuple[str, str]] = {
    "left": ("the left", "on the left"),
    "right": ("the right", "on the right"),
    "above": ("above", "above"),
}
"""Lamp -> (where light comes from, where the lamp stands)."""
TONE_WORDS: dict[str, str] = {
    "dusk": "at dusk",
    "midnight": "at midnight",
    "fog": "in fog",
    "frost": "in winter frost",
}
WEAR_WORDS: dict[str, str] = {
    "noise": "with noise",
    "blur": "all blurred",
    "fading": "in faded colours",
    "blocks": "with blocks",
}
PRONOUNS = ("it", "that one", "the new one")
"""What an object spoken of before is called; the last only where it has just come."""
PHRASES: tuple[str, ...] = (
    *PLACE_WORDS.values(),
    *TOWARDS_WORDS.values(),
    *(phrase for pair in BACKGROUND_WORDS.values() for phrase in pair),
    *STYLE_WORDS.values(),
    *(phrase for pair in LIGHT_WORDS.values() for phrase in pair),
    *TONE_WORDS.values(),
    *WEAR_WORDS.values(),
    "a an the jumping",
    "with light from as",
)
"""All that names here are made of, beside the words of the scenes' own vocabularies."""
COLOUR_SHARE: dict[PhrasingStyle, float] = {
    "terse": 0.15,
    "plain": 0.3,
    "detailed": 0.8,
    "casual": 0.2,
}
"""How often a colour is named that would not be needed."""
PLACE_SHARE: dict[PhrasingStyle, float] = {
    "terse": 0.05,
    "plain": 0.12,
    "detailed": 0.3,
    "casual": 0.12,
}
"""How often a place is named that would not be needed."""


def definite(
    rng: np.random.Generator,
    scene: Scene,
    index: int,
    style: PhrasingStyle,
    *,
    with_place: bool = True,
) -> str:
    """A name that picks out object `index` of `scene`: "the cup", "the red cup", "the cup on the left".

    Where another object is of the same kind, the colour or the place is said, whichever is enough.
    `with_place` False keeps the place out, for sentences that speak of another place.
    """
    item = scene.objects[index]
    others = [other for other in scene.objects if other is not item and other.kind == item.kind]
    colour = chance(rng, COLOUR_SHARE[style])
    place = with_place and chance(rng, PLACE_SHARE[style])
    alike = [
        other
        for other in others
        if (not colour or other.colour == item.colour) and (not place or other.place == item.place)
    ]
    if alike:
        by_place = with_place and all(other.place != item.place for other in alike)
        place = place or (by_place and chance(rng, 0.3))
        colour = colour or not place
    words = ["the", *([item.colour] if colour else []), item.kind]
    return " ".join([*words, PLACE_WORDS[item.place]] if place else words)


def indefinite(item: SceneObject, *, colour: bool = True, old: SceneObject | None = None) -> str:
    """A new object in words: "an orange ball", "a small striped cup".

    Size and pattern are said where they differ from `old`, the object it replaces, or, without one, from the usual
    (medium and plain).
    """
    usual_size, usual_pattern = (old.size, old.pattern) if old else ("medium", "plain")
    words = [
        *([item.size] if item.size != usual_size else []),
        *(["jumping"] if item.jumping and not (old and old.jumping) else []),
        *([item.pattern] if item.pattern not in (usual_pattern, "plain") else []),
        *(["plain"] if item.pattern == "plain" != usual_pattern else []),
        *([item.colour] if colour else []),
        item.kind,
    ]
    return " ".join(["an" if words[0][0] in "aeiou" else "a", *words])


def look_words(scene: Scene) -> list[str]:
    """The looks of a scene as phrases that follow its description: "at dusk", "as a poster"."""
    return [
        *([TONE_WORDS[scene.tone]] if scene.tone else []),
        *([f"with light from {LIGHT_WORDS[scene.light][0]}"] if scene.light else []),
        *([f"as {STYLE_WORDS[scene.style]}"] if scene.style else []),
        *([WEAR_WORDS[scene.wear]] if scene.wear else []),
    ]
