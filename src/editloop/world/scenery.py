"""Draws scenes at random, and says them as prompts for a generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from editloop.core.errors import StageError
from editloop.world.cases import Split
from editloop.world.choices import (
    BACKGROUNDS,
    COLOURS,
    KINDS,
    LIGHTS,
    PATTERNS,
    PLACES,
    TONES,
    WEARS,
    chance,
    pick,
    pick_except,
    pick_weighted,
)
from editloop.world.grammar import naming
from editloop.world.proposals import PLAIN_SHARE, SIZE_WEIGHTS, TWIN_SHARE
from editloop.world.scenes import Place, Scene, SceneObject
from editloop.world.splits import belongs, scene_combinations

OBJECT_COUNTS: dict[int, float] = {1: 0.25, 2: 0.35, 3: 0.3, 4: 0.1}
LOOK_SHARE = 0.05
"""Share of source scenes that already wear a tone, a lamp or damage."""
MAX_DRAWS = 4000
"""Draws after which a sampler gives up: far beyond what any type and split need."""


def random_scene(rng: np.random.Generator) -> Scene:
    """A scene of one to four objects, without regard to splits.

    One object a place; a fourth stands in front of a neighbour, shifted, and hides a part of it.
    """
    count = pick_weighted(rng, OBJECT_COUNTS)
    places = [PLACES[i] for i in rng.permutation(3)[:count]]
    twins = count > 1 and chance(rng, TWIN_SHARE)
    objects: list[SceneObject] = []
    for place in places:
        objects.append(_random_object(rng, objects, place, twin=twins and len(objects) == 1))
    if count > len(PLACES):
        objects.append(_occluder(rng, objects, pick(rng, PLACES)))
    scene = Scene(pick(rng, BACKGROUNDS), tuple(objects), wear_seed=int(rng.integers(1 << 16)))
    return _with_look(rng, scene) if chance(rng, LOOK_SHARE) else scene


def _random_object(
    rng: np.random.Generator, others: Sequence[SceneObject], place: Place, *, twin: bool
) -> SceneObject:
    kind = others[0].kind if twin else pick_except(rng, KINDS, *(o.kind for o in others))
    taken = [other.colour for other in others if other.kind == kind]
    return SceneObject(
        kind,
        pick_except(rng, COLOURS, *taken),
        place,
        pick_weighted(rng, SIZE_WEIGHTS),
        "plain" if chance(rng, PLAIN_SHARE) else pick_except(rng, PATTERNS, "plain"),
        dx=round(0.06 * rng.random() - 0.03, 4),
        dy=round(0.12 * rng.random() - 0.06, 4),
    )


def _occluder(rng: np.random.Generator, others: Sequence[SceneObject], place: Place) -> SceneObject:
    """An object in front of the one at `place`, shifted towards the middle of the picture and down."""
    side = {"left": 1.0, "right": -1.0, "middle": 1.0 if chance(rng, 0.5) else -1.0}[place]
    item = _random_object(rng, others, place, twin=False)
    return replace(
        item,
        size="small",
        dx=round(side * (0.09 + 0.03 * rng.random()), 4),
        dy=round(0.07 + 0.04 * rng.random(), 4),
    )


def _with_look(rng: np.random.Generator, scene: Scene) -> Scene:
    """`scene` under a tone, a lamp or damage; styles are left out, because under them colours cannot be told."""
    attribute = pick_weighted(rng, {"tone": 0.4, "light": 0.4, "wear": 0.2})
    values: dict[str, tuple[str, ...]] = {"tone": TONES, "light": LIGHTS, "wear": WEARS}
    look: dict[str, Any] = {attribute: pick(rng, values[attribute])}
    return replace(scene, **look)


def sample_scene(rng: np.random.Generator, split: Split = "train") -> Scene:
    """A scene to draw from words, one to four objects.

    Held-out scenes hold a combination of kind and colour that no training scene of this function holds.
    """
    for _ in range(MAX_DRAWS):
        scene = random_scene(rng)
        if belongs(scene_combinations(scene), split):
            return scene
    raise StageError(f"no {split} scene in {MAX_DRAWS} draws")


def describe(scene: Scene, rng: np.random.Generator) -> str:
    """A prompt that draws `scene` from words alone: "draw a red ball on the left in a meadow"."""
    phrases = [
        f"{naming.indefinite(item)} {naming.PLACE_WORDS[item.place]}" for item in scene.objects
    ]
    order = rng.permutation(len(phrases))
    listed = [phrases[i] for i in order]
    *most, last = listed or ["nothing"]
    things = f"{', '.join(most)} and {last}" if most else last
    words = ["draw", things, naming.BACKGROUND_WORDS[scene.background][1]]
    return " ".join([*words, *naming.look_words(scene)])
