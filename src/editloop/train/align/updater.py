"""One step's weight updates: replay, sum over processes, cut, step."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from editloop.core.errors import UsageError
from editloop.core.seeds import derive_seed
from editloop.train.align.anchor import Anchor, decay_at
from editloop.train.align.config import AlignConfig
from editloop.train.align.replay import Replay, accumulate
from editloop.train.align.rollout import RowLimit
from editloop.train.align.trajectory import RewardedGroup
from editloop.train.sft.parallel import Processes


class Updater:
    """Owns the optimiser.

    Args:
        config: Learning rate, batches, averages.
        anchor: Live weights and their followers.
        replay: Gives losses.
        processes: Gradients are summed over them.
    """

    def __init__(
        self, config: AlignConfig, anchor: Anchor, replay: Replay, processes: Processes
    ) -> None:
        self._config, self._anchor, self._processes = config, anchor, processes
        self._rows = RowLimit(config.update.rows or config.rollout.group_size)
        self.replay = replay
        self.optimizer = torch.optim.AdamW(
            anchor.trainable,
            lr=config.update.learning_rate,
            betas=config.update.betas,
            weight_decay=config.update.weight_decay,
        )
        self.updates = 0
        """Optimiser steps so far."""

    def update(self, groups: Sequence[RewardedGroup], step: int) -> dict[str, float]:
        """`batches` optimiser steps over the groups, then the old policy follows.

        Args:
            groups: Of this process; other processes may have more or fewer.
            step: Training steps done before.

        Returns:
            The mean of the statistics over the optimiser steps; empty when no process had a sample.

        Raises:
            UsageError: when the gradient is not finite.
        """
        size = -(-len(groups) // self._config.update.batches)
        found: list[dict[str, float]] = []
        for part in range(self._config.update.batches):
            stats = self._step(groups[part * size : (part + 1) * size], step, part)
            if stats:
                found.append(stats)
        self.optimizer.zero_grad(set_to_none=True)
        self._anchor.follow(decay_at(self._config.anchor.old, step))
        if not found:
            return {}
        return {name: sum(stats[name] for stats in found) / len(found) for name in found[0]}

    def _step(self, groups: Sequence[RewardedGroup], step: int, part: int) -> dict[str, float]:
        seed = derive_seed(self._config.seed, "replay", step, part, self._processes.rank)
        units = self.replay.units(groups, torch.Generator().manual_seed(seed))
        weights = self._anchor.trainable
        mine = torch.tensor(sum(map(len, units)), device=weights[0].device)
        samples = int(self._processes.sum(mine).item())
        if samples == 0:
            return {}
        stats = accumulate(self.replay, units, self._rows, samples, weights)
        self._processes.sum_gradients(weights)
        norm = torch.nn.utils.clip_grad_norm_(weights, self._config.update.gradient_norm)
        if not bool(torch.isfinite(norm)):
            raise UsageError(
                f"the gradient is {float(norm)} in step {step + 1}: "
                "lower update.learning_rate, or look for NaN in the rewards' images"
            )
        self.optimizer.step()
        self.updates += 1
        average = self._config.anchor.average
        if average is not None and self.updates % self._config.anchor.average_every == 0:
            self._anchor.follow_average(average)
        return {**stats, "gradient_norm": float(norm), "samples": float(samples)}
