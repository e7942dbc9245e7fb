"""Drawing groups: K images of one case in one batch, noise only inside a short window of steps.

A group's condition is encoded once. With equal initial noise the deterministic steps before the window are the same for the whole
group and are computed once (MixGRPO, arXiv 2507.21802). Latents of the window are rounded to storage precision before anything
is computed from them, so that the trainer meets the very numbers that the rollout used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from editloop.core.seeds import derive_seed
from editloop.train.align.config import RolloutConfig
from editloop.train.align.steppers import (
    Dpm2,
    PreviousStep,
    StepDistribution,
    Stepper,
    round_to,
    sample,
)
from editloop.train.align.trajectory import AlignCase, StoredSteps, Trajectory
from editloop.train.policy import Condition, EditPolicy

STORAGE = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class RowLimit:
    """The largest batch that the network takes; halved when memory runs out, and remembered.

    Args:
        rows: Where to start; None tries everything at once.
    """

    def __init__(self, rows: int | None = None) -> None:
        self.rows = rows

    def size(self, count: int) -> int:
        """Rows of the next batch when `count` are left."""
        return min(count, self.rows or count)

    def halve(self, tried: int) -> None:
        """Take note that `tried` rows were too many.

        Raises:
            torch.OutOfMemoryError: when it was a single row.
        """
        if tried <= 1:
            raise torch.OutOfMemoryError("one image does not fit into the device's memory")
        self.rows = tried // 2

    def map(self, function: Callable[[slice], Tensor], count: int) -> Tensor:
        """`function` of consecutive slices of `count` rows, concatenated."""
        parts: list[Tensor] = []
        start = 0
        while start < count:
            rows = self.size(count - start)
            try:
                parts.append(function(slice(start, start + rows)))
            except torch.OutOfMemoryError:
                self.halve(rows)
                continue
            start += rows
        return parts[0] if len(parts) == 1 else torch.cat(parts)


@dataclass(frozen=True, slots=True)
class _Record:
    """One step of the window, before stacking."""

    sigma: Tensor
    sigma_next: Tensor
    x: Tensor
    y: Tensor
    distribution: StepDistribution


class RolloutEngine:
    """Draws groups from a policy.

    Args:
        policy: Whose weights are those of the moment; the caller swaps in the old policy where that one should draw.
        config: Group size, steps, solver, window.
        limit: Batch size that fits into memory, shared with the trainer.
    """

    def __init__(
        self, policy: EditPolicy, config: RolloutConfig, limit: RowLimit | None = None
    ) -> None:
        self._policy = policy
        self._config = config
        self._limit = limit or RowLimit(config.rows)

    @torch.no_grad()
    def draw(
        self,
        case: AlignCase,
        condition: Condition,
        *,
        seed: int,
        version: int = 0,
        window: range | None = None,
        count: int | None = None,
    ) -> Trajectory:
        """Draw a group.

        Args:
            case: What is asked.
            condition: Of the case, one row.
            seed: All noise derives from it.
            version: Of the policy, to be written on the group.
            window: Indices of the steps that take noise and are stored; None or empty for a deterministic rollout.
            count: Images; by default the configuration's group size.
        """
        count = count or self._config.group_size
        window = window if window is not None else range(0)
        random = torch.Generator().manual_seed(seed)
        sigmas = self._policy.sigmas(self._config.steps, condition)
        rows = 1 if self._config.equal_noise and len(window) else count
        device = next(iter(condition.tensors.values())).device
        shape = self._policy.latent_shape(condition)
        x = torch.randn((rows, *shape), generator=random).to(device)
        x, records = self._denoise(x, sigmas, condition, window, count, random)
        return Trajectory(
            case=case,
            condition=condition,
            x0=x,
            images=self._policy.decode(x, condition.take([0] * count)),
            version=version,
            seed=seed,
            steps=_stacked(records, float(sigmas[1])) if records else None,
        )

    def _denoise(
        self,
        x: Tensor,
        sigmas: Tensor,
        condition: Condition,
        window: range,
        count: int,
        random: torch.Generator,
    ) -> tuple[Tensor, list[_Record]]:
        solver, records = self._config.solver, []
        previous: PreviousStep | None = None
        for index in range(self._config.steps):
            levels = (sigmas[index], sigmas[index + 1], sigmas[1])
            noisy = index in window
            if noisy and len(x) < count:
                x = x.repeat_interleave(count, dim=0)
            if noisy and self._config.noise_stepper is not None:
                record = self._noisy_step(self._config.noise_stepper, x, levels, condition, random)
                records.append(record)
                x, previous = record.y, None
                continue
            velocity = self._velocity(x, sigmas[index], condition)
            if isinstance(solver, Dpm2):
                following = solver.step(x, velocity, *levels, previous).mean
                previous = solver.remember(x, velocity, sigmas[index])
            else:
                following = solver.step(x, velocity, *levels).mean
            x = following
        return x, records

    def _noisy_step(
        self,
        stepper: Stepper,
        x: Tensor,
        levels: tuple[Tensor, Tensor, Tensor],
        condition: Condition,
        random: torch.Generator,
    ) -> _Record:
        storage = STORAGE[self._config.storage]
        x = round_to(x, storage)
        distribution = stepper.step(x, self._velocity(x, levels[0], condition), *levels)
        noise = torch.randn(x.shape, generator=random).to(x.device)
        y = round_to(sample(distribution, noise), storage)
        return _Record(levels[0], levels[1], x, y, distribution)

    def _velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        def chunk(rows: slice) -> Tensor:
            part = x[rows]
            levels = sigma.to(part).expand(len(part))
            return self._policy.velocity(part, levels, condition.take([0] * len(part)))

        return self._limit.map(chunk, len(x))


def window_of(config: RolloutConfig, step: int, seed: int, case_id: str) -> range:
    """Which steps of a rollout take noise: never the last, which lands on sigma 0.

    ``random`` draws the start uniformly so that the window begins in the first `window_within` of the schedule; ``sliding``
    moves it by one from noise to picture every `slide_every` training steps and starts again at the end.
    """
    if config.noise_stepper is None:
        return range(0)
    usable = config.steps - 1
    if config.window is None or config.window >= usable:
        return range(usable)
    if config.window_start == "sliding":
        start = step // config.slide_every % (usable - config.window + 1)
        return range(start, start + config.window)
    starts = max(1, min(usable - config.window + 1, round(config.window_within * config.steps)))
    start = derive_seed(seed, "window", step, case_id) % starts
    return range(start, start + config.window)


def _stacked(records: list[_Record], first_sigma: float) -> StoredSteps:
    return StoredSteps(
        sigma=torch.stack([record.sigma for record in records]),
        sigma_next=torch.stack([record.sigma_next for record in records]),
        first_sigma=first_sigma,
        x=torch.stack([record.x for record in records]),
        y=torch.stack([record.y for record in records]),
        mean=torch.stack([record.distribution.mean for record in records]),
        std=torch.stack([record.distribution.std.flatten()[0] for record in records]),
    )
