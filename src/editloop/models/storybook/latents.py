"""Pixels to latents and back: lossless 2 x 2 space-to-depth, so that the network works at half the resolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from editloop.core.errors import UsageError
from editloop.models.roles import RgbImage

PATCH = 2
LATENT_CHANNELS = 3 * PATCH * PATCH
SMALLEST_SIGMA = 0.05
"""Below it the division by sigma is that of this level: the error of the picture would drown the velocity."""


def to_latents(images: Sequence[RgbImage] | RgbImage) -> Tensor:
    """Images of one size as latents: float32 (n, 12, h / 2, w / 2) in [-1, 1].

    Raises:
        UsageError: when the sides are odd or the images differ in size.
    """
    sizes = {np.asarray(image).shape for image in images}
    if len(sizes) != 1:
        raise UsageError(f"images of one size are needed, got shapes {sorted(sizes)}")
    pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
    height, width = pixels.shape[1:3]
    if height % PATCH or width % PATCH:
        raise UsageError(f"image sides must be even, got {width} x {height}; resize first")
    return F.pixel_unshuffle(pixels.permute(0, 3, 1, 2).float().div(127.5).sub(1), PATCH)


def from_latents(latents: Tensor) -> list[RgbImage]:
    """Images uint8 (h, w, 3) of latents (n, 12, h / 2, w / 2); values outside [-1, 1] are clipped."""
    pixels = F.pixel_shuffle(latents.detach().float().clamp(-1, 1), PATCH)
    array = pixels.add(1).mul(127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return list(np.ascontiguousarray(array))


def velocity_of(x: Tensor, sigma: Tensor, sources: Tensor, residual: Tensor) -> Tensor:
    """Velocity e - x0 of a network that predicts the clean picture as a change of the source.

    x0 = source + residual, so an untrained network copies, and v = (x - x0) / sigma. Predicting the picture needs far less of a
    small network in pixel space than predicting the noise (arXiv 2511.13720).

    Args:
        x: Noisy latents (n, 12, h, w).
        sigma: Noise levels (n,).
        sources: Latents of the source pictures, like `x`.
        residual: Output of the network, like `x`.
    """
    level = sigma.to(x).clamp(min=SMALLEST_SIGMA)[:, None, None, None]
    return (x - (sources + residual).to(x)) / level
