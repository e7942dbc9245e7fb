"""From rewarded groups to gradients: the samples of a group go through the network again, in batches that fit.

Two kinds of replay share one shape. `TrajectoryReplay` repeats the stored steps of a rollout; `ForwardReplay` re-noises its clean
results. Either cuts the groups into units, units are packed into batches, and each batch gives a loss; gradients do not depend
on how units were packed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.rewards.groups import best_worst_pairs
from editloop.train.align.anchor import Anchor
from editloop.train.align.config import AlignConfig, AnyObjective
from editloop.train.align.objectives.base import ObjectiveLoss
from editloop.train.align.objectives.noising import renoise, share_in_pairs, stratified_sigmas
from editloop.train.align.objectives.regression import Renoised, Velocities
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.rollout import RowLimit
from editloop.train.align.steppers import StepDistribution, Stepper
from editloop.train.align.trajectory import RewardedGroup, join_conditions, signature
from editloop.train.policy import Condition, EditPolicy


@dataclass(frozen=True, slots=True)
class Unit:
    """Samples of one group at one step or level.

    Args:
        condition: Of the group, one row.
        tensors: What the loss needs of each sample, every tensor (n, ...).
        pairs: Rows (p, 2) of winners and losers, where the objective compares.
        whole: Whether the samples must stay in one batch.
    """

    condition: Condition
    tensors: dict[str, Tensor]
    pairs: Tensor | None = None
    whole: bool = False

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def split(self, rows: int) -> list[Unit]:
        """Units of at most `rows` samples.

        Raises:
            torch.OutOfMemoryError: when the samples must stay together but do not fit.
        """
        if len(self) <= rows:
            return [self]
        if self.whole:
            raise torch.OutOfMemoryError(
                f"{len(self)} samples must be compared in one batch, but only {rows} fit; make groups smaller"
            )
        return [
            Unit(self.condition, {k: v[start : start + rows] for k, v in self.tensors.items()})
            for start in range(0, len(self), rows)
        ]


@dataclass(frozen=True, slots=True)
class Batch:
    """Units side by side: every tensor (n, ...), the condition with n rows."""

    condition: Condition
    tensors: dict[str, Tensor]
    pairs: Tensor | None

    def __len__(self) -> int:
        return len(self.condition)


class Replay(Protocol):
    """One family of objectives on rewarded groups."""

    objective: AnyObjective

    def units(self, groups: Sequence[RewardedGroup], random: torch.Generator) -> list[Unit]:
        """What an optimiser step consists of."""

    def loss(self, batch: Batch) -> ObjectiveLoss:
        """The mean loss of a batch, with gradients."""


class TrajectoryReplay:
    """Repeats the steps of the window that a rollout stored.

    Args:
        policy: Is trained.
        anchor: Gives the reference.
        objective: With its clip range.
        stepper: The one that drew the steps.
    """

    def __init__(
        self, policy: EditPolicy, anchor: Anchor, objective: Grpo, stepper: Stepper
    ) -> None:
        self._policy, self._anchor, self._stepper = policy, anchor, stepper
        self.objective: AnyObjective = objective

    def units(self, groups: Sequence[RewardedGroup], random: torch.Generator) -> list[Unit]:
        """A unit a group and stored step; nothing is drawn."""
        del random
        return [self._unit(group, step) for group in groups for step in _steps(group)]

    def loss(self, batch: Batch) -> ObjectiveLoss:
        """Of new against old log-probabilities of the very latents that were drawn."""
        given = batch.tensors
        x, sigma, sigma_next = given["x"], given["sigma"], given["sigma_next"]
        velocity = self._policy.velocity(x, sigma, batch.condition)
        new = self._stepper.step(x, velocity, sigma, sigma_next, given["first_sigma"])
        old = StepDistribution(given["mean"], given["std"].reshape(-1, *[1] * (x.ndim - 1)))
        if not isinstance(self.objective, Grpo):
            raise UsageError(f"{self.objective.kind} does not train on trajectories")
        reference = None
        if self.objective.needs_reference:
            with torch.no_grad(), self._anchor.reference():
                reference = self._policy.velocity(x, sigma, batch.condition)
        return self.objective.loss(
            new, old, given["y"], given["advantage"], velocity, reference, sigma, sigma_next
        )

    def _unit(self, group: RewardedGroup, step: int) -> Unit:
        stored, rows = group.trajectory.steps, group.rows
        if stored is None:
            raise UsageError(f"the group of {group.trajectory.case.id} stored no steps to train on")
        x = stored.x[step][rows]
        tensors = {
            "x": x,
            "y": stored.y[step][rows],
            "mean": stored.mean[step][rows],
            "std": stored.std[step].to(x).expand(len(rows)),
            "sigma": stored.sigma[step].to(x).expand(len(rows)),
            "sigma_next": stored.sigma_next[step].to(x).expand(len(rows)),
            "first_sigma": x.new_full((len(rows),), stored.first_sigma),
            "advantage": _advantages(group, rows).to(x),
        }
        return Unit(group.trajectory.condition, tensors)


class ForwardReplay:
    """Re-noises the clean results of a rollout, or of stored data, at a few noise levels a sample.

    Args:
        policy: Is trained.
        anchor: Gives the old policy and the reference.
        config: Objective, number of levels and their range.
    """

    def __init__(self, policy: EditPolicy, anchor: Anchor, config: AlignConfig) -> None:
        self._policy, self._anchor, self._update = policy, anchor, config.update
        self.objective: AnyObjective = config.objective

    def units(self, groups: Sequence[RewardedGroup], random: torch.Generator) -> list[Unit]:
        """A unit a group and level; a pair shares noise and level."""
        parts = [part for group in groups if (part := self._samples(group)) is not None]
        count = sum(len(rows) for _, rows, _ in parts)
        if not count:
            return []
        low, high = self._update.level_range
        levels = stratified_sigmas(count, self._update.levels, random, low, high)
        found, start = [], 0
        for number, (group, rows, pairs) in enumerate(parts):
            mine = levels[start : start + len(rows)]
            start += len(rows)
            for level in range(self._update.levels):
                name = number * self._update.levels + level
                found.append(self._unit(group, name, rows, pairs, mine[:, level], random))
        return found

    def loss(self, batch: Batch) -> ObjectiveLoss:
        """Of the velocities at the re-noised samples."""
        given, condition = batch.tensors, batch.condition
        if isinstance(self.objective, Grpo):
            raise UsageError("grpo trains on trajectories, not on clean samples")
        x = renoise(given["x0"], given["noise"], given["sigma"])
        old = reference = None
        with torch.no_grad():
            if self.objective.uses_old and self._anchor.has_old:
                with self._anchor.old():
                    old = self._policy.velocity(x, given["sigma"], condition)
            if self.objective.uses_reference:
                with self._anchor.reference():
                    reference = self._policy.velocity(x, given["sigma"], condition)
        new = self._policy.velocity(x, given["sigma"], condition)
        if self.objective.uses_old and old is None:
            old = new.detach()
        renoised = Renoised(
            given["x0"],
            given["noise"],
            given["sigma"],
            advantage=given.get("advantage"),
            groups=given.get("group"),
            pairs=batch.pairs,
        )
        return self.objective.loss(Velocities(new, old, reference), renoised)

    def _samples(self, group: RewardedGroup) -> tuple[RewardedGroup, Tensor, Tensor | None] | None:
        """Which rows of a group take part, and the pairs among them; None where there is nothing to learn."""
        if isinstance(self.objective, Grpo) or self.objective.feedback == "advantage":
            return group, group.rows, None
        pairs = best_worst_pairs(group.rewards[None], group.present[None])
        if not len(pairs):
            return None
        return group, torch.from_numpy(pairs[0]), torch.tensor([[0, 1]])

    def _unit(
        self,
        group: RewardedGroup,
        number: int,
        rows: Tensor,
        pairs: Tensor | None,
        sigma: Tensor,
        random: torch.Generator,
    ) -> Unit:
        x0 = group.trajectory.x0[rows]
        noise = torch.randn(x0.shape, generator=random)
        if pairs is not None:
            noise, sigma = share_in_pairs(noise, pairs), share_in_pairs(sigma, pairs)
            pairs = pairs.to(x0.device)
        tensors = {"x0": x0, "noise": noise.to(x0), "sigma": sigma.to(x0)}
        if pairs is None:
            tensors["advantage"] = _advantages(group, rows).to(x0)
            tensors["group"] = torch.full((len(rows),), number, device=x0.device)
        whole = pairs is not None or self.objective.kind == "dgpo"
        return Unit(group.trajectory.condition, tensors, pairs, whole)


def accumulate(
    replay: Replay, units: Sequence[Unit], limit: RowLimit, total: int, parameters: Sequence[Tensor]
) -> dict[str, float]:
    """Gradients of all units, each sample weighing ``1 / total``; when memory runs out, again with smaller batches.

    Args:
        replay: Gives losses.
        units: Of one optimiser step.
        limit: Samples that fit.
        total: Samples of the step over all processes.
        parameters: Whose gradients are replaced.

    Returns:
        The mean of each statistic, weighted by samples; of ``..._min`` and ``..._max`` the extreme.
    """
    while True:
        for parameter in parameters:
            parameter.grad = None
        stats: list[tuple[int, dict[str, Tensor]]] = []
        tried = 0
        try:
            for batch in packed(units, limit.rows):
                tried = len(batch)
                result = replay.loss(batch)
                (result.loss * (len(batch) / total)).backward()  # type: ignore[no-untyped-call]
                stats.append((len(batch), {"loss": result.loss.detach(), **result.stats}))
        except torch.OutOfMemoryError:
            limit.halve(tried)
            continue
        return _mean_stats(stats)


def packed(units: Sequence[Unit], rows: int | None) -> Iterator[Batch]:
    """Units in order, as many of equal shape in a batch as `rows` samples allow; None puts all of them in one."""
    parts = [part for unit in units for part in (unit.split(rows) if rows else [unit])]
    waiting: list[Unit] = []
    for part in parts:
        full = rows is not None and sum(map(len, waiting)) + len(part) > rows
        if waiting and (full or signature(waiting[0].condition) != signature(part.condition)):
            yield _joined(waiting)
            waiting = []
        waiting.append(part)
    if waiting:
        yield _joined(waiting)


def _joined(units: Sequence[Unit]) -> Batch:
    sizes = torch.tensor([len(unit) for unit in units])
    rows = torch.arange(len(units)).repeat_interleave(sizes)
    starts = (sizes.cumsum(0) - sizes).tolist()
    pairs = [u.pairs + start for u, start in zip(units, starts, strict=True) if u.pairs is not None]
    tensors = {name: torch.cat([unit.tensors[name] for unit in units]) for name in units[0].tensors}
    return Batch(
        join_conditions([unit.condition for unit in units]).take(rows),
        tensors,
        torch.cat(pairs) if pairs else None,
    )


def _steps(group: RewardedGroup) -> range:
    return range(len(group.trajectory.steps)) if group.trajectory.steps is not None else range(0)


def _advantages(group: RewardedGroup, rows: Tensor) -> Tensor:
    return torch.from_numpy(group.advantages.astype(np.float32))[rows]


def _mean_stats(parts: Sequence[tuple[int, dict[str, Tensor]]]) -> dict[str, float]:
    if not parts:
        return {}
    sizes = [size for size, _ in parts]
    names = [name for name in parts[0][1] if all(name in stats for _, stats in parts)]
    found: dict[str, float] = {}
    for name in names:
        values = [float(stats[name]) for _, stats in parts]
        if name.endswith("_min"):
            found[name] = min(values)
        elif name.endswith("_max"):
            found[name] = max(values)
        else:
            found[name] = float(np.average(values, weights=sizes))
    return found
