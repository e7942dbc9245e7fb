"""The tiny pipeline at toy size with random weights."""

from __future__ import annotations

import numpy as np
import torch

from editloop.models.roles import RgbImage
from editloop.models.storybook.build import build_pipeline
from editloop.models.storybook.pipeline import StorybookPipeline

SIDE = 16
WORDS = ("draw", "a", "make", "it", "red", "remove", "the", "ball", "undo", "that")


def toy_pipeline(seed: int = 0, *, edits: bool = True) -> StorybookPipeline:
    """A few thousand weights; unless `edits`, the last layer is zero, as where training starts."""
    pipeline = build_pipeline(
        WORDS, seed=seed, channels=(16, 16), hidden=32, text_layers=1, image_size=SIDE
    )
    if edits:
        last = pipeline.unet.conv_out
        random = torch.Generator().manual_seed(seed)
        last.weight.data = 0.2 * torch.randn(last.weight.shape, generator=random)
    return pipeline


def picture(seed: int, side: int = SIDE) -> RgbImage:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]
