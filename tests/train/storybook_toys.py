"""The storybook editor at a size that takes milliseconds: 8-pixel pictures, a few thousand weights, a dozen words."""

from __future__ import annotations

from editloop.models.storybook.build import build_pipeline
from editloop.train.policies.storybook import StorybookPolicy

WORDS = [
    "paint",
    "the",
    "middle",
    "red",
    "green",
    "blue",
    "none",
    "nothing",
    "changed",
    "it",
    "is",
    "grey",
    "draw",
]


def tiny_policy(seed: int = 0) -> StorybookPolicy:
    pipeline = build_pipeline(
        WORDS, seed=seed, channels=(8, 16), hidden=32, text_layers=1, image_size=8
    )
    return StorybookPolicy(pipeline)
