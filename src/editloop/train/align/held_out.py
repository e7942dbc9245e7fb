"""Fixed cases, drawn without noise at fixed seeds, scored by the reward and by a judge that is not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from editloop.core.errors import UsageError
from editloop.core.seeds import derive_seed
from editloop.models.roles import EditRequest, RgbImage
from editloop.train.align.conditions import ConditionCache
from editloop.train.align.config import AlignConfig
from editloop.train.align.monitors import HeldOutMonitor, picture_figures
from editloop.train.align.reward_bus import RewardBus, RewardModel, Scores
from editloop.train.align.rewarding import Rewarder
from editloop.train.align.rollout import RolloutEngine
from editloop.train.align.trajectory import AlignCase

Action: TypeAlias = Literal["none", "stop", "raise_kl", "log"]
ACTIONS: Final[tuple[Action, ...]] = ("none", "stop", "raise_kl", "log")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A judge that is not trained on.

    Args:
        cases: Fixed, best from outside the training cases.
        judge: Another model than the reward, or the same kind with other eyes.
        images: Drawn a case.
    """

    cases: Sequence[AlignCase]
    judge: RewardModel
    images: int = 1


class HeldOutEvaluator:
    """Evaluates the policy of the moment and keeps the monitor's memory.

    Args:
        config: Settings of the monitor, the bus and the seed.
        held_out: Cases and judge.
        judge_bus: Asks the judge.
        reward_bus: Asks the reward models about the same images; None for data that were scored beforehand.
        rewarder: Turns their scores into rewards.
        cache: Conditions.
        engine: Draws.
    """

    def __init__(
        self,
        config: AlignConfig,
        held_out: HeldOut,
        judge_bus: RewardBus,
        reward_bus: RewardBus | None,
        rewarder: Rewarder,
        cache: ConditionCache,
        engine: RolloutEngine,
    ) -> None:
        if not held_out.cases:
            raise UsageError("the held-out judge has no cases")
        self._config, self._held_out = config, held_out
        self._rewarder, self._cache, self._engine = rewarder, cache, engine
        self._judge_bus, self._reward_bus = judge_bus, reward_bus
        self.monitor = HeldOutMonitor(config.held_out)

    def evaluate(self, step: int) -> tuple[dict[str, Any], Action]:
        """Statistics under ``held_out/...``, and what the monitor wants done."""
        requests, images = self._draw()
        judged = self._judge_bus.submit(requests, images)
        rewarded = self._reward_bus.submit(requests, images) if self._reward_bus else None
        scores = [_one_number(found) for found in judged.result()]
        held_out = _mean(scores)
        train = float("nan")
        if rewarded is not None:
            train = _mean(self._rewarder.rewards([rewarded.result()])[0].tolist())
        stats: dict[str, Any] = {
            "held_out/score": held_out,
            "held_out/train_reward": train,
            "held_out/scored": int(np.isfinite(scores).sum()),
            "held_out/of": len(scores),
        }
        stats |= {f"held_out/{k}": v for k, v in picture_figures(requests, images).items()}
        action: Action = "none"
        if np.isfinite(held_out):
            action = self.monitor.add(step, train, held_out)
        return {**stats, "held_out/action": action}, action

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the monitor's memory from a checkpoint."""
        self.monitor = HeldOutMonitor.from_json(self._config.held_out, state)

    def _draw(self) -> tuple[list[EditRequest], list[RgbImage]]:
        requests: list[EditRequest] = []
        images: list[RgbImage] = []
        for case in self._held_out.cases:
            seed = derive_seed(self._config.seed, "held_out", case.id)
            count = self._held_out.images
            group = self._engine.draw(case, self._cache.get(case.request), seed=seed, count=count)
            requests += [case.request] * count
            images += group.images
        return requests, images


def _one_number(scores: Scores | None) -> float:
    if scores is None:
        return float("nan")
    return scores["overall"] if "overall" in scores else float(np.mean(list(scores.values())))


def _mean(values: Sequence[float]) -> float:
    """Over what is there."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
