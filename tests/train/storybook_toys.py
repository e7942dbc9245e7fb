"""The storybook editor at a size that takes milliseconds: 8-pixel pictures, a few thousand weights, a dozen words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from editloop.models.storybook.build import build_pipeline
from editloop.train.examples import EditExample
from editloop.train.policies.storybook import StorybookPolicy
from editloop.train.policy import EditPolicy

WORDS = (
    *("paint", "the", "middle", "red", "green", "blue"),
    *("none", "nothing", "changed", "it", "is", "grey", "draw"),
)


def tiny_policy(seed: int = 0) -> StorybookPolicy:
    """An editor whose last layer is not zero, as it is before training: then it would do nothing."""
    pipeline = build_pipeline(
        WORDS, seed=seed, channels=(8, 16), hidden=32, text_layers=1, image_size=8
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        last = pipeline.unet.conv_out.weight
        last.copy_(0.1 * torch.randn(last.shape, generator=generator))
    return StorybookPolicy(pipeline)


def euler(
    policy: EditPolicy, examples: Sequence[EditExample], noise: Tensor, *, steps: int
) -> Tensor:
    """Clean latents by the policy's own velocities and noise levels."""
    condition = policy.encode([example.request() for example in examples])
    levels, x = policy.sigmas(steps, condition), noise
    with torch.no_grad():
        for now, then in itertools.pairwise(levels):
            x = x + (then - now) * policy.velocity(x, now.expand(len(x)), condition)
    return x
