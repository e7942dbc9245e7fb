"""The flow-matching loss of any policy (arXiv 2210.02747): regress the velocity e - x0 at a random noise level."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from editloop.train.policy import Condition, EditPolicy
from editloop.train.sft.config import NoiseSettings


class NoiseDraw(NamedTuple):
    """The random part of a loss; on the CPU, so that it does not depend on the device."""

    sigma: Tensor
    """float32 (n,), in (0, 1)."""
    noise: Tensor
    """float32 (n, ...), standard normal, of the latents' shape."""

    def rows(self, part: slice) -> NoiseDraw:
        """The draw of some samples."""
        return NoiseDraw(self.sigma[part], self.noise[part])


def draw_noise(
    count: int, latent_shape: tuple[int, ...], settings: NoiseSettings, generator: torch.Generator
) -> NoiseDraw:
    """Noise levels (logit-normal, then shifted) and noise for `count` samples."""
    normal = torch.randn(count, generator=generator)
    sigma = torch.sigmoid(settings.mean + settings.std * normal)
    shifted = settings.shift * sigma / (1 + (settings.shift - 1) * sigma)
    return NoiseDraw(shifted, torch.randn((count, *latent_shape), generator=generator))


def flow_matching_loss(
    policy: EditPolicy,
    condition: Condition,
    clean: Tensor,
    draw: NoiseDraw,
    weights: Tensor | None = None,
    loss_floor: float = 0.0,
) -> Tensor:
    """Squared error of the velocity, a number a sample.

    Args:
        policy: Whose velocity.
        condition: Questions, n of them.
        clean: Latents x0 of the right answers, float32 (n, ...).
        draw: Noise levels and noise, n of each.
        weights: Broadcasts over `clean`; None weighs everything alike.
        loss_floor: See `NoiseSettings`.

    Returns:
        float32 (n,): the mean over the latent's dimensions of weights * |v - (e - x0)|^2.
    """
    noise = draw.noise.to(clean)
    sigma = draw.sigma.to(clean)
    level = sigma.reshape(-1, *[1] * (clean.ndim - 1))
    noisy = (1 - level) * clean + level * noise
    error = (policy.velocity(noisy, sigma, condition).float() - (noise - clean)).square()
    if weights is not None:
        error = error * weights.to(error)
    damping = (sigma / sigma.clamp(min=loss_floor)).square() if loss_floor else 1.0
    return error.flatten(1).mean(1) * damping
