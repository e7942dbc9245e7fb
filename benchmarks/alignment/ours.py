"""The iteration as editloop's trainer runs it: condition encoded once, group in one batch, window replayed."""

from __future__ import annotations

import numpy as np
import torch

from alignment.task import CLIP, SEED, Outcome, Task, flat_gradient, optimiser
from editloop.train.align.anchor import Anchor
from editloop.train.align.config import RolloutConfig
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.replay import TrajectoryReplay, accumulate
from editloop.train.align.rollout import RolloutEngine, RowLimit
from editloop.train.align.steppers import FlowSde
from editloop.train.align.trajectory import AlignCase, RewardedGroup, Trajectory
from editloop.train.policies.qwen_edit_plus import QwenEditPlusPolicy


class Editloop:
    """Policy, rollout engine and replay, called as the trainer calls them.

    Args:
        task: What to do.
        window: Steps that take noise and are trained.
        guided: Whether velocities are guided.
        rows: Samples of a backward pass; None replays the whole window at once.
    """

    def __init__(self, task: Task, window: range, *, guided: bool, rows: int | None = None) -> None:
        self._task, self._window = task, window
        self._policy = QwenEditPlusPolicy(task.pipeline, task.settings(guided=guided))
        stepper = FlowSde(eta=task.eta)
        self._engine = RolloutEngine(
            self._policy,
            RolloutConfig(
                group_size=task.group,
                steps=task.steps,
                noise_stepper=stepper,
                window=len(window),
            ),
        )
        anchor = Anchor(self._policy.network)
        objective = Grpo(ratio="clip", clip_range=CLIP)
        self._replay = TrajectoryReplay(self._policy, anchor, objective, stepper)
        self._trained = anchor.trainable
        self._limit = RowLimit(rows)
        self._optimiser = optimiser(task)

    def iterate(self, outcome: Outcome) -> Outcome:
        """See `Arm`."""
        task = self._task
        case = AlignCase("case", task.request)
        with outcome.timed("rollout"):
            condition = self._policy.encode([task.request])
            drawn = self._engine.draw(case, condition, seed=SEED, window=self._window)
        outcome.latents = drawn.x0
        with outcome.timed("update"):
            units = self._replay.units([self._rewarded(drawn)], torch.Generator())
            total = sum(len(unit) for unit in units)
            stats = accumulate(self._replay, units, self._limit, total, self._trained)
            self._optimiser.step()
        outcome.ratio_error = max(stats["ratio_max"] - 1, 1 - stats["ratio_min"])
        outcome.gradient = flat_gradient(task)
        return outcome

    def _rewarded(self, drawn: Trajectory) -> RewardedGroup:
        advantages = self._task.advantages().double().numpy()
        present = np.ones(self._task.group, dtype=np.bool_)
        return RewardedGroup(drawn, [None] * self._task.group, advantages, advantages, present)
