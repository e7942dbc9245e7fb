"""How clean samples are re-noised for the forward objectives."""

from __future__ import annotations

import torch
from torch import Tensor

from editloop.core.errors import UsageError


def renoise(x0: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """x_t = (1 - t) x0 + t e for latents and noise (n, ...) at levels `sigma` (n,)."""
    t = sigma.to(x0.dtype).reshape(-1, *[1] * (x0.ndim - 1))
    return (1 - t) * x0 + t * noise


def stratified_sigmas(
    samples: int,
    per_sample: int,
    generator: torch.Generator,
    low: float = 0.15,
    high: float = 0.95,
) -> Tensor:
    """Noise levels float32 (samples, per_sample): each row has one in every `per_sample`-th part of [low, high].

    Inside a part they are stratified over the samples too, in random order, so that few levels a sample already
    cover the range evenly over the batch.

    Raises:
        UsageError: unless 0 <= low < high <= 1 and both counts are positive.
    """
    if not 0 <= low < high <= 1 or samples < 1 or per_sample < 1:
        raise UsageError(
            f"cannot draw {samples} x {per_sample} levels in [{low}, {high}]:"
            " expected positive counts and 0 <= low < high <= 1"
        )
    order = torch.stack(
        [torch.randperm(samples, generator=generator) for _ in range(per_sample)], 1
    )
    within = (order + torch.rand(samples, per_sample, generator=generator)) / samples
    part = torch.arange(per_sample)
    return low + (high - low) * (part + within) / per_sample


def share_in_pairs(values: Tensor, pairs: Tensor) -> Tensor:
    """`values` (n, ...) with each loser's row replaced by its winner's: the same noise, or level, for both of a pair.

    Args:
        values: Noise or levels.
        pairs: (p, 2) rows of winner and loser; no row may be in two pairs.

    Raises:
        UsageError: for a row in two pairs.
    """
    if len(torch.unique(pairs)) != pairs.numel():
        raise UsageError("a sample is in two pairs; repeat its row so that each pair has its own")
    shared = values.clone()
    shared[pairs[:, 1]] = values[pairs[:, 0]]
    return shared
