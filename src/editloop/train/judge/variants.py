"""Edited versions of one case, from perfect to hopeless: what a judge has to tell apart.

Whole flaws alone would make an easy school: between them lie pictures such as a neural editor draws, half done, soft,
wobbly in colour or grainy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from editloop.core.errors import UsageError
from editloop.models.roles import RgbImage
from editloop.world.cases import Case
from editloop.world.corruptors import FLAWS, corrupt
from editloop.world.render import render

EXACT, PART_WAY, SOFT = "exact", "part_way", "soft"


class Variant(NamedTuple):
    """One edited picture and how it was made: `EXACT`, a flaw of `FLAWS`, `PART_WAY`, `SOFT`, or a flaw made soft (``soft:blur``)."""

    name: str
    image: RgbImage


def variants(case: Case, source: RgbImage, rng: np.random.Generator) -> list[Variant]:
    """Six edits of `case`: perfect, soft, part way, two flaws, and a third flaw seen through a soft editor.

    Args:
        case: What was asked.
        source: Its picture before the edit, which fixes the size.
        rng: Draws everything.
    """
    size = source.shape[0]
    target = render(case.targets[int(rng.integers(len(case.targets)))], size)
    first, second, third = islice(_flawed(case, size, rng), 3)
    other = source if rng.random() < 0.6 else first.image
    return [
        Variant(EXACT, target),
        Variant(SOFT, soften(target, rng)),
        Variant(PART_WAY, part_way(target, other, rng)),
        first,
        second,
        Variant(f"{SOFT}:{third.name}", soften(third.image, rng)),
    ]


def _flawed(case: Case, size: int, rng: np.random.Generator) -> Iterator[Variant]:
    """Flaws that make sense for the case, in random order."""
    for place in rng.permutation(len(FLAWS)):
        with contextlib.suppress(UsageError):
            yield Variant(FLAWS[place], corrupt(case, FLAWS[place], rng, size))


def part_way(first: RgbImage, second: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Between two pictures: one weight for all pixels, or patches of both with soft borders."""
    size = first.shape[0]
    if rng.random() < 0.5:
        weight = np.full((size, size, 1), rng.uniform(0.15, 0.85), np.float32)
    else:
        bumps = 1.5 + 6.0 * smooth_noise(size, 1, int(rng.integers(2, 5)), rng)
        weight = np.clip(bumps + rng.uniform(-2.0, 1.0), 0.0, 1.0)
    return _as_picture(first * (1.0 - weight) + second * weight)


def soften(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """`image` as a small neural editor would have drawn it: softer, with wandering colours and some grain.

    Most draws are mild; some are not.
    """
    size = image.shape[0]
    strength = float(rng.beta(1.2, 2.5))
    pixels = image.astype(np.float32)
    half = Image.fromarray(image).resize((size // 2, size // 2), Image.Resampling.BOX)
    coarse = np.asarray(half.resize((size, size), Image.Resampling.BILINEAR), np.float32)
    mixed = pixels + strength * rng.uniform(0.0, 1.3) * (coarse - pixels)
    mixed = mixed + strength * rng.uniform(0.0, 60.0) * smooth_noise(size, 3, 4, rng)
    grain = rng.standard_normal(pixels.shape).astype(np.float32)
    return _as_picture(mixed + strength * rng.uniform(0.0, 25.0) * grain)


def smooth_noise(
    size: int, channels: int, cells: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise that varies over `cells` cells a side, float32 (size, size, channels) within -0.5 to 0.5."""
    planes = [
        np.asarray(
            Image.fromarray(rng.uniform(-0.5, 0.5, (cells, cells)).astype(np.float32)).resize(
                (size, size), Image.Resampling.BICUBIC
            )
        )
        for _ in range(channels)
    ]
    return np.stack(planes, axis=-1)


def _as_picture(pixels: NDArray[np.float32]) -> RgbImage:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
