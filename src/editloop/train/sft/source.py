"""Which examples make which batch: a function of seed and step alone, so that a resumed run sees the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from PIL import Image

from editloop.core.errors import UsageError
from editloop.core.ids import content_id
from editloop.core.seeds import generator
from editloop.models.roles import RgbImage
from editloop.train.examples import EditExample
from editloop.train.sft.config import DropoutSettings, SftConfig

_BLANK = 127


class ExampleSource(Protocol):
    """Where a trainer's examples come from."""

    @property
    def identity(self) -> str:
        """Equal for equal examples in equal order; kept with checkpoints."""

    def batch(self, step: int, size: int) -> list[EditExample]:
        """The examples of an update; the same for the same arguments, always."""


class ShuffledExamples:
    """Passes over a fixed set, each in an order of its own.

    Args:
        examples: At least one; only those of a batch are looked at.
        seed: Seeds the orders.

    Raises:
        UsageError: without examples.
    """

    def __init__(self, examples: Sequence[EditExample], seed: int = 0) -> None:
        if not examples:
            raise UsageError("there are no triplets with a target to learn from")
        self._examples, self._seed = examples, seed
        self._orders: dict[int, list[int]] = {}

    @property
    def identity(self) -> str:
        """Seed, number, first and last id."""
        ends = self._examples[0].id, self._examples[len(self._examples) - 1].id
        return content_id("shuffled", self._seed, len(self._examples), *ends)

    def batch(self, step: int, size: int) -> list[EditExample]:
        """Places ``step * size`` to ``(step + 1) * size`` of the endless row of passes."""
        places = range(step * size, (step + 1) * size)
        return [
            self._examples[self._order(p // len(self._examples))[p % len(self._examples)]]
            for p in places
        ]

    def _order(self, epoch: int) -> list[int]:
        if epoch not in self._orders:
            order = generator(self._seed, "epoch", epoch).permutation(len(self._examples))
            self._orders = {
                **{k: v for k, v in self._orders.items() if k == epoch - 1},
                epoch: order.tolist(),
            }
        return self._orders[epoch]


def prepared(examples: Sequence[EditExample], config: SftConfig, step: int) -> list[EditExample]:
    """The examples of a step as the network sees them: resized, mirrored at random, parts of the question dropped at random."""
    rng = generator(config.seed, "sample", step)
    draws = rng.random((len(examples), 3))
    ready = (
        _drawn(example, config, flip) for example, flip in zip(examples, draws[:, 0], strict=True)
    )
    return [
        _dropped(example, config.dropout, part, reward)
        for example, part, reward in zip(ready, draws[:, 1], draws[:, 2], strict=True)
    ]


def _drawn(example: EditExample, config: SftConfig, flip: float) -> EditExample:
    side, mirror = config.resize_px, config.flip and flip < 0.5

    def change(picture: RgbImage) -> RgbImage:
        sized = picture if side is None else _resized(picture, side)
        return np.ascontiguousarray(sized[:, ::-1]) if mirror else sized

    return replace(
        example,
        source=change(example.source),
        target=change(example.target),
        references=tuple(change(reference) for reference in example.references),
    )


def _dropped(
    example: EditExample, settings: DropoutSettings, draw: float, reward_draw: float
) -> EditExample:
    words_gone = draw < settings.words + settings.both
    pictures_gone = settings.words <= draw < settings.words + settings.both + settings.pictures
    if reward_draw < settings.rewards:
        example = replace(example, reward=None)
    if words_gone:
        example = replace(example, instruction="", context=())
    if pictures_gone:
        example = replace(example, source=np.full_like(example.source, _BLANK), references=())
    return example


def _resized(picture: RgbImage, side: int) -> RgbImage:
    if picture.shape[:2] == (side, side):
        return picture
    resized = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(resized, dtype=np.uint8)
