"""What both families of objectives return, and the reductions they share."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Stats = dict[str, Tensor]
"""Detached 0-d tensors; read them with float() after the step, so that nothing waits for the device before."""


@dataclass(frozen=True, slots=True)
class ObjectiveLoss:
    """A loss to call backward() on, and what to log.

    Args:
        loss: 0-d tensor, a mean over the batch.
        stats: Detached 0-d tensors by name.
    """

    loss: Tensor
    stats: Stats


def per_sample_mean(values: Tensor) -> Tensor:
    """Mean over everything but the first axis, (n, ...) to (n,)."""
    return values.flatten(1).mean(1)


def squared_distance(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared difference of each sample in at least float32, (n, ...) to (n,)."""
    dtype = torch.promote_types(first.dtype, torch.float32)
    return per_sample_mean((first.to(dtype) - second.to(dtype)).square())


def ratio_stats(ratio: Tensor, clipped: Tensor) -> Stats:
    """Quantiles of the ratios (n,) and the share of samples whose gradient is cut off."""
    levels = torch.tensor([0.0, 0.05, 0.5, 0.95, 1.0], dtype=ratio.dtype, device=ratio.device)
    names = ("ratio_min", "ratio_p05", "ratio_p50", "ratio_p95", "ratio_max")
    quantiles = torch.quantile(ratio.detach(), levels)
    stats = dict(zip(names, quantiles, strict=True))
    return stats | {"clip_share": clipped.to(ratio.dtype).mean()}
