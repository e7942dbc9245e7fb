from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

GaussianVelocity = Callable[[Tensor, Tensor | float, Tensor | float, float], Tensor]


def _gaussian_velocity(x: Tensor, t: Tensor | float, mean: Tensor | float, std: float) -> Tensor:
    """E[e - x0 | x_t = x] for data x0 ~ N(mean, std^2): the velocity of a perfectly trained model of that data."""
    t = torch.as_tensor(t, dtype=x.dtype)
    variance = (1 - t) ** 2 * std**2 + t**2
    return (t - (1 - t) * std**2) / variance * (x - (1 - t) * mean) - mean


@pytest.fixture(scope="session")
def gaussian_velocity() -> GaussianVelocity:
    return _gaussian_velocity
