"""What a run will cost, before it is spent: arithmetic, judge calls, memory.

One forward pass of the network on one sample is measured (operations counted, activations weighed, time taken); the rest is
multiplication. A backward pass costs 1.1 forward passes with LoRA (gradients of inputs, and of little else) and 2 without.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from editloop.train.align.config import AlignConfig
from editloop.train.align.lora import ATTENTION_TARGETS
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.rollout import window_of
from editloop.train.align.trajectory import AlignCase
from editloop.train.policy import Condition, EditPolicy

LORA_BACKWARD = 1.1
FULL_BACKWARD = 2.0
_WINDOWS_DRAWN = 256
"""Draws that the mean place of a random window is taken over."""
_TRAINING_BYTES = 16
"""Of one trained weight: itself, its gradient and two moments, float32 each."""


@dataclass(frozen=True, slots=True)
class AlignPlan:
    """Figures of a run, where no group is drawn again; `judge_images_most` holds if every group is.

    FLOP count a multiplication and an addition as two.
    """

    steps: int
    images: int
    judge_images: int
    judge_images_most: int
    rollout_forwards: float
    """Forward passes an image, rollout."""
    training_forwards: float
    """Their equivalent an image, update: other policies' and backward passes included."""
    forward_tflop: float
    tflop_per_image: float
    tflop: float
    weights_gb: float
    training_gb: float
    """Adapters or weights in training with gradients, moments and followers."""
    activations_gb: float
    """Of one sample in the update, without gradient checkpointing."""
    stored_gb: float
    """Latents that one step's groups keep until the update."""
    seconds_per_image: float
    """On this machine at the measured speed, one sample a batch."""


def plan(policy: EditPolicy, config: AlignConfig, case: AlignCase) -> AlignPlan:
    """Measure one forward pass on `case` and multiply; the policy stays as it is."""
    condition = policy.encode([case.request])
    flop, seconds, activations = _measure(policy, condition)
    rollout = _rollout_forwards(config)
    training = _training_forwards(config)
    drawn = config.data == "rollouts"
    images = config.steps * config.rollout.groups * config.rollout.group_size
    per_image = (rollout + training) * flop
    latent = torch.Size(policy.latent_shape(condition)).numel()
    return AlignPlan(
        steps=config.steps,
        images=images if drawn else 0,
        judge_images=images if drawn else 0,
        judge_images_most=round(images * config.rollout.draws) if drawn else 0,
        rollout_forwards=rollout,
        training_forwards=training,
        forward_tflop=flop / 1e12,
        tflop_per_image=per_image / 1e12,
        tflop=per_image * images / 1e12,
        weights_gb=sum(p.numel() * p.element_size() for p in policy.network.parameters()) / 1e9,
        training_gb=_training_bytes(policy, config) / 1e9,
        activations_gb=activations / 1e9,
        stored_gb=_stored_latents(config) * latent * 4 / 1e9,
        seconds_per_image=(rollout + training) * seconds,
    )


def _rollout_forwards(config: AlignConfig) -> float:
    """Steps, less what a group shares before its window."""
    rollout = config.rollout
    if config.data == "scored":
        return 0.0
    if not rollout.equal_noise:
        return float(rollout.steps)
    starts = [
        window_of(rollout, step, config.seed, str(step)).start for step in range(_WINDOWS_DRAWN)
    ]
    shared = fmean(starts)
    return rollout.steps - shared * (1 - 1 / rollout.group_size)


def _training_forwards(config: AlignConfig) -> float:
    """Of one image: samples that it gives, times what a sample costs."""
    objective, rollout = config.objective, config.rollout
    backward = LORA_BACKWARD if config.lora is not None else FULL_BACKWARD
    backward += config.update.gradient_checkpointing
    if isinstance(objective, Grpo):
        samples = float(_window(config))
        return samples * (1 + backward + objective.needs_reference)
    samples = float(config.update.levels)
    if objective.feedback == "pairs":
        samples *= 2 / rollout.group_size
    old = objective.uses_old and config.anchor.old != "live"
    return samples * (1 + backward + old + objective.uses_reference)


def _window(config: AlignConfig) -> int:
    return len(window_of(config.rollout, 0, config.seed, ""))


def _stored_latents(config: AlignConfig) -> int:
    """Latents a step: clean ones, and before, after and mean of every stored step."""
    rollout = config.rollout
    stored = 3 * _window(config) if isinstance(config.objective, Grpo) else 0
    return rollout.groups * rollout.group_size * (1 + stored)


def _training_bytes(policy: EditPolicy, config: AlignConfig) -> float:
    """Weights in training, each with gradient and moments, and 4 bytes for every follower."""
    trained: float = sum(p.numel() for p in policy.network.parameters())
    if config.lora is not None:
        trained = _adapter_weights(policy, config)
    followers = (config.anchor.old != "live") + (config.anchor.average is not None)
    if config.lora is None and config.objective.velocity_kl > 0:
        followers += 1
    return trained * (_TRAINING_BYTES + 4 * followers)


def _adapter_weights(policy: EditPolicy, config: AlignConfig) -> float:
    """Rank times the ends of every adapted layer; a convolution's down-projection has its kernel."""
    if config.lora is None:
        return 0.0
    own: Sequence[str] = getattr(policy, "lora_targets", ATTENTION_TARGETS)
    targets = tuple(config.lora.targets or own)
    total = 0
    for name, module in policy.network.named_modules():
        weight = getattr(module, "weight", None)
        if name.endswith(targets) and isinstance(weight, Tensor) and weight.ndim >= 2:
            total += config.lora.rank * (weight.shape[0] + weight[0].numel())
    return float(total)


def _measure(policy: EditPolicy, condition: Condition) -> tuple[float, float, float]:
    """FLOP, seconds and bytes of kept activations of one sample's forward pass."""
    device = next(policy.network.parameters()).device
    x = torch.zeros(1, *policy.latent_shape(condition), device=device, requires_grad=True)
    sigma = torch.full((1,), 0.5, device=device)
    counter = FlopCounterMode(display=False)
    with counter, _weighed(policy) as held:
        policy.velocity(x, sigma, condition)
    with torch.no_grad():
        _wait(device)
        started = time.perf_counter()
        policy.velocity(x, sigma, condition)
        _wait(device)
        seconds = time.perf_counter() - started
    return float(counter.get_total_flops()), seconds, float(sum(held.values()))


@contextmanager
def _weighed(policy: EditPolicy) -> Iterator[dict[int, int]]:
    """Bytes by address of what autograd keeps, weights apart."""
    weights = {p.untyped_storage().data_ptr() for p in policy.network.parameters()}
    held: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield held


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
