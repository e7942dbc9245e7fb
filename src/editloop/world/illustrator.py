"""A text-to-image model without weights: reads storybook prompts, draws them, and gets some of them wrong as models do.

It stands in for a learned generator where a study should not wait for one, or where its faults should be known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from editloop.core.errors import BadInputError
from editloop.models.roles import GenerationRequest, ModelIdentity, RgbImage
from editloop.world.choices import BACKGROUNDS, COLOURS, KINDS, PATTERNS, SIZES, pick, pick_except
from editloop.world.grammar.naming import (
    BACKGROUND_WORDS,
    LIGHT_WORDS,
    PLACE_WORDS,
    STYLE_WORDS,
    TONE_WORDS,
    WEAR_WORDS,
)
from editloop.world.render import render
from editloop.world.scenes import Scene, SceneObject

ILLUSTRATOR: Final = "world:illustrator"
FAULT_SHARE: Final = 0.35
"""Share of the pictures that do not show what was asked for."""
PICTURE_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Illustrator:
    """Generator for the prompts of `world.sampling.describe`.

    Args:
        fault_share: Share of pictures in which an object is missing or is another one, or the background is another.
    """

    fault_share: float = FAULT_SHARE

    identity: ClassVar[ModelIdentity] = ModelIdentity(ILLUSTRATOR, "1", "CC0-1.0")

    def generate_many(self, requests: Sequence[GenerationRequest]) -> list[RgbImage]:
        """One square picture a request, of the smaller of its two sides.

        Raises:
            BadInputError: `unknown_words`, for a prompt that is none of the storybook world's.
        """
        return [self._draw(request) for request in requests]

    def _draw(self, request: GenerationRequest) -> RgbImage:
        rng = np.random.default_rng(request.seed)
        scene = _placed(scene_of_prompt(request.prompt), rng)
        if rng.random() < self.fault_share:
            scene = _mistaken(scene, rng)
        sides = [side for side in (request.width, request.height) if side]
        return render(scene, min(sides, default=PICTURE_SIZE))


def scene_of_prompt(prompt: str) -> Scene:
    """The scene that a prompt tells, every object exactly at its place: `describe` read backwards.

    Raises:
        BadInputError: `unknown_words`, for a prompt that `describe` does not write.
    """
    whole = _PROMPT.fullmatch(prompt)
    things = (
        [_THING.fullmatch(part) for part in re.split(", | and ", whole["things"])] if whole else []
    )
    if whole is None or not all(things):
        raise BadInputError("unknown_words", f"not a storybook prompt: {prompt!r}")
    objects = tuple(
        SceneObject(
            kind=thing["kind"],  # type: ignore[arg-type]
            colour=thing["colour"],  # type: ignore[arg-type]
            place=_PLACES[thing["place"]],  # type: ignore[arg-type]
            size=thing["size"] or "medium",  # type: ignore[arg-type]
            pattern=thing["pattern"] or "plain",  # type: ignore[arg-type]
            jumping=bool(thing["jumping"]),
        )
        for thing in things
        if thing
    )
    looks = {
        "tone": _named(TONE_WORDS, whole["tone"]),
        "light": _named({key: words[0] for key, words in LIGHT_WORDS.items()}, whole["light"]),
        "style": _named(STYLE_WORDS, whole["style"]),
        "wear": _named(WEAR_WORDS, whole["wear"]),
    }
    return Scene(_BACKGROUNDS[whole["background"]], objects, **looks)  # type: ignore[arg-type]


def _placed(scene: Scene, rng: np.random.Generator) -> Scene:
    """Objects a little off their places, and one that shares its place beside and before the other."""
    objects: list[SceneObject] = []
    for thing in scene.objects:
        dx, dy = 0.06 * rng.random() - 0.03, 0.12 * rng.random() - 0.06
        if any(other.place == thing.place for other in objects):
            side = -1.0 if thing.place == "right" else 1.0
            dx, dy = side * (0.09 + 0.03 * rng.random()), 0.07 + 0.04 * rng.random()
        objects.append(replace(thing, dx=round(dx, 4), dy=round(dy, 4)))
    return replace(scene, objects=tuple(objects))


def _mistaken(scene: Scene, rng: np.random.Generator) -> Scene:
    index = int(rng.integers(len(scene.objects)))
    thing, objects = scene.objects[index], list(scene.objects)
    fault = pick(rng, ("missing", "colour", "kind", "background"))
    if fault == "background":
        return replace(scene, background=pick_except(rng, BACKGROUNDS, scene.background))
    if fault == "missing":
        del objects[index]
    elif fault == "colour":
        objects[index] = replace(thing, colour=pick_except(rng, COLOURS, thing.colour))
    else:
        objects[index] = replace(thing, kind=pick_except(rng, KINDS, thing.kind))
    return replace(scene, objects=tuple(objects))


def _named(words: dict[str, str], said: str | None) -> str | None:
    return next((name for name, phrase in words.items() if phrase == said), None)


def _any(phrases: Sequence[str]) -> str:
    return "|".join(map(re.escape, phrases))


_PLACES = {phrase: name for name, phrase in PLACE_WORDS.items()}
_BACKGROUNDS = {phrases[1]: name for name, phrases in BACKGROUND_WORDS.items()}
_THING = re.compile(
    rf"an? (?:(?P<size>{_any(SIZES)}) )?(?P<jumping>jumping )?(?:(?P<pattern>{_any(PATTERNS)}) )?"
    rf"(?P<colour>{_any(COLOURS)}) (?P<kind>{_any(KINDS)}) (?P<place>{_any(tuple(_PLACES))})"
)
_PROMPT = re.compile(
    rf"draw (?P<things>.+?) (?P<background>{_any(tuple(_BACKGROUNDS))})"
    rf"(?: (?P<tone>{_any(tuple(TONE_WORDS.values()))}))?"
    rf"(?: with light from (?P<light>{_any([words[0] for words in LIGHT_WORDS.values()])}))?"
    rf"(?: as (?P<style>{_any(tuple(STYLE_WORDS.values()))}))?"
    rf"(?: (?P<wear>{_any(tuple(WEAR_WORDS.values()))}))?"
)
