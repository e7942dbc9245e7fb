"""The vocabularies of `scenes` as tuples, and quick draws from them.

`numpy.random.Generator.choice` costs some twenty microseconds a call; a case needs dozens of draws, so they are made
from one uniform number each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, get_args

import numpy as np

from editloop.world.scenes import (
    Background,
    Colour,
    Kind,
    Light,
    Pattern,
    Place,
    Size,
    Style,
    Tone,
    Wear,
)

Item = TypeVar("Item")

KINDS: tuple[Kind, ...] = get_args(Kind)
COLOURS: tuple[Colour, ...] = get_args(Colour)
PATTERNS: tuple[Pattern, ...] = get_args(Pattern)
SIZES: tuple[Size, ...] = get_args(Size)
PLACES: tuple[Place, ...] = get_args(Place)
BACKGROUNDS: tuple[Background, ...] = tuple(b for b in get_args(Background) if b != "paper")
"""Backgrounds that scenes are sampled on."""
STYLES: tuple[Style, ...] = get_args(Style)
TONES: tuple[Tone, ...] = get_args(Tone)
LIGHTS: tuple[Light, ...] = get_args(Light)
WEARS: tuple[Wear, ...] = get_args(Wear)


def pick(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """One of `items`, each as likely."""
    return items[int(rng.random() * len(items))]


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with the given probability."""
    return rng.random() < probability


def pick_weighted(rng: np.random.Generator, weights: Mapping[Item, float]) -> Item:
    """One key of `weights`, in proportion to its weight; weights need not sum to 1."""
    mark = rng.random() * sum(weights.values())
    item = None
    for item, weight in weights.items():  # noqa: B007 - the last key is the answer when rounding runs past the end
        mark -= weight
        if mark < 0:
            break
    if item is None:
        raise ValueError("no weights to draw from: give at least one key")
    return item


def pick_except(rng: np.random.Generator, items: Sequence[Item], *taken: Item) -> Item:
    """One of `items` that is not in `taken`."""
    return pick(rng, [item for item in items if item not in taken])
