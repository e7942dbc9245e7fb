"""What the trainers ask of an editor: conditions once a case, velocities with gradients, images at the end.

Convention of the whole package (arXiv 2210.02747): x0 is a clean latent, e standard normal noise, x_t = (1 - t) x0 + t e with t = sigma in
[0, 1], and the network predicts the velocity u = e - x0. Sampling runs from sigma 1 down to 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from editloop.models.roles import EditRequest, ModelIdentity, RgbImage


@dataclass(frozen=True, slots=True)
class Condition:
    """Everything the network needs besides the noisy latent, encoded once a case; every tensor has the cases first.

    `static` holds what is no tensor and equal for the whole batch (sizes, id grids' shapes).
    """

    tensors: dict[str, Tensor]
    static: dict[str, Any]

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def take(self, rows: Tensor | Sequence[int]) -> Condition:
        """The condition of some rows (repeats allowed), shape (len(rows), ...)."""
        index = torch.as_tensor(rows, dtype=torch.long)
        return Condition({k: v[index.to(v.device)] for k, v in self.tensors.items()}, self.static)

    def repeat(self, count: int) -> Condition:
        """Each row `count` times in a row: the condition of a group a case."""
        return self.take(torch.arange(len(self)).repeat_interleave(count))


@runtime_checkable
class EditPolicy(Protocol):
    """A flow-matching editor as the trainers see it; an adapter wraps diffusers modules and never copies a pipeline."""

    @property
    def identity(self) -> ModelIdentity:
        """Which editor this is."""

    @property
    def network(self) -> torch.nn.Module:
        """The velocity network: what is trained, and what LoRA adapters sit on."""

    def encode(self, requests: Sequence[EditRequest]) -> Condition:
        """Conditions of the requests, without gradients; seeds are ignored."""

    def latent_shape(self, condition: Condition) -> tuple[int, ...]:
        """Shape of one latent, without the batch."""

    def sigmas(self, steps: int, condition: Condition) -> Tensor:
        """float32 (steps + 1,), from 1 down to 0, shifted as the editor's own scheduler does."""

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """float32 velocity of shape x (n, ...) at sigma (n,); gradients flow into `network`."""

    def latents(self, images: Sequence[RgbImage], condition: Condition) -> Tensor:
        """Clean latents x0 of images, float32 (n, ...), without gradients."""

    def decode(self, latents: Tensor, condition: Condition) -> list[RgbImage]:
        """Images of clean latents (n, ...)."""

    def export(self, folder: str) -> None:
        """Write what was trained: a LoRA that the plain pipeline loads, or a whole pipeline after full fine-tuning."""
