"""What every arm is given: weights, a case, noise, advantages; and what it gives back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from editloop.models.diffusers.settings import EditSettings
from editloop.models.miniatures import MINIATURE_SETTINGS, SIDE
from editloop.models.miniatures.qwen_edit_plus import build
from editloop.models.roles import EditRequest
from editloop.train.align.lora import add_adapter
from editloop.train.policies.wrapping import JOINT_ATTENTION

SIZES = {
    "tiny": {"blocks": 2, "heads": 3, "head_dim": 16},
    "small": {"blocks": 3, "heads": 6, "head_dim": 32},
}
"""Name -> arguments of the miniature: 0.2 million parameters, where Python's overhead counts, and 4 million, where
matrix products do."""

CLIP = 1e-4
SEED = 1


@dataclass(frozen=True, slots=True)
class Task:
    """One group of one case.

    Args:
        pipeline: The editor, its transformer carrying a LoRA adapter that is not zero.
        request: What is asked.
        group: Images drawn.
        steps: Denoising steps; the last never takes noise.
        eta: Noise scale of Flow-SDE.
        guidance: Factor of classifier-free guidance where an arm uses it.
    """

    pipeline: Any
    request: EditRequest
    group: int = 8
    steps: int = 10
    eta: float = 0.7
    guidance: float = 4.0

    @property
    def parameters(self) -> list[Tensor]:
        """What is trained."""
        return [weight for weight in self.pipeline.transformer.parameters() if weight.requires_grad]

    @property
    def millions(self) -> float:
        """Parameters of the transformer with its adapter, in millions."""
        return sum(weight.numel() for weight in self.pipeline.transformer.parameters()) / 1e6

    @property
    def full(self) -> range:
        """All steps that can take noise."""
        return range(self.steps - 1)

    @property
    def window(self) -> range:
        """Two of them, in the first half."""
        return range(1, 3)

    def settings(self, *, guided: bool) -> EditSettings:
        """Call settings with or without guidance."""
        return MINIATURE_SETTINGS.model_copy(
            update={"guidance": self.guidance if guided else 1.0, "negative": " "}
        )

    def noise(self, shape: tuple[int, ...], window: range) -> tuple[Tensor, dict[int, Tensor]]:
        """Starting latents (group, ...) and the noise of each step of the window, in the order in which rollouts draw."""
        random = torch.Generator().manual_seed(SEED)
        start = torch.randn((self.group, *shape), generator=random)
        return start, {step: torch.randn(start.shape, generator=random) for step in window}

    def advantages(self) -> Tensor:
        """A judge's fixed answer (group,), mean 0: gradients of two arms can then be compared."""
        return torch.linspace(-1.5, 1.5, self.group)


@dataclass(slots=True)
class Outcome:
    """What an arm did in one iteration; made empty and filled by the arm.

    Args:
        counter: Counts FLOPs while the arm runs, or None.
        seconds: CPU seconds of ``rollout`` (encode, denoise, decode) and ``update`` (forward, backward, optimiser).
        flops: Of both, where there is a counter.
        latents: Clean latents (group, ...).
        gradient: Of all trained weights, flat.
        ratio_error: Largest |ratio - 1| between the replayed and the drawn log-probabilities.
    """

    counter: FlopCounterMode | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    flops: dict[str, int] = field(default_factory=dict)
    latents: Tensor = field(default_factory=lambda: torch.empty(0))
    gradient: Tensor = field(default_factory=lambda: torch.empty(0))
    ratio_error: float = 0.0

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Notes what the block takes."""
        before = self.counter.get_total_flops() if self.counter else 0
        started = time.process_time()
        yield
        self.seconds[phase] = time.process_time() - started
        if self.counter:
            self.flops[phase] = self.counter.get_total_flops() - before


class Arm(Protocol):
    """A way to write the iteration."""

    def iterate(self, outcome: Outcome) -> Outcome:
        """One rollout of the group and one update, noted in `outcome`, which is returned."""


def make_task(size: str, group: int, steps: int) -> Task:
    """A task over fresh weights that depend on `size` alone."""
    pipeline = build(0, **SIZES[size])
    pipeline.set_progress_bar_config(disable=True)
    for part in (pipeline.vae, pipeline.text_encoder):
        part.requires_grad_(requires_grad=False)
    add_adapter(pipeline.transformer, rank=8, alpha=16, targets=JOINT_ATTENTION, seed=0)
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, weight in pipeline.transformer.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.02 * torch.randn(weight.shape, generator=random))
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    request = EditRequest(picture, "make the object red", seed=0)
    return Task(pipeline, request, group=group, steps=steps)


def optimiser(task: Task) -> torch.optim.Optimizer:
    """AdamW at rate 0: an update costs what it costs, and every arm meets the same weights."""
    return torch.optim.AdamW(task.parameters, lr=0.0, weight_decay=0.0)


def flat_gradient(task: Task) -> Tensor:
    """Gradients of all trained weights as one vector."""
    return torch.cat(
        [
            torch.zeros_like(weight).flatten() if weight.grad is None else weight.grad.flatten()
            for weight in task.parameters
        ]
    ).clone()
