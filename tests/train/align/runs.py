"""Toy runs of post-training: cases, a reward that pixels decide, and small settings."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.train.toy_policy import toy_request

from editloop.models.roles import EditRequest, RgbImage
from editloop.rewards.groups import GroupFilter
from editloop.train.align.config import (
    AlignConfig,
    AnchorConfig,
    CheckConfig,
    LoraSettings,
    RewardConfig,
    RolloutConfig,
    UpdateConfig,
)
from editloop.train.align.objectives.forward import Awm, Nft
from editloop.train.align.objectives.preference import Dpo
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.reward_bus import FunctionReward, Scores
from editloop.train.align.steppers import Cps
from editloop.train.align.trajectory import AlignCase

WANTED_RED = 200


def redness(request: EditRequest, image: RgbImage) -> float:
    """0 for a picture whose mean red level is 200, negative otherwise."""
    del request
    return -abs(float(image[..., 0].mean()) - WANTED_RED) / 255


class CountingReward(FunctionReward):
    """`redness`, and how many images it was asked about."""

    def __init__(self) -> None:
        super().__init__(redness)
        self.asked = 0

    def score_many(
        self, requests: list[EditRequest], images: list[RgbImage]
    ) -> list[Scores | None]:
        self.asked += len(images)
        return super().score_many(requests, images)


def toy_cases(count: int = 4) -> list[AlignCase]:
    return [AlignCase(f"case-{number}", toy_request(number)) for number in range(count)]


def nft(**changes: Any) -> AlignConfig:
    given = {
        "objective": Nft(),
        "rollout": RolloutConfig(group_size=8, groups=2, steps=4, drawn_by="old"),
        "anchor": AnchorConfig(old=0.3),
    }
    return _small(**{**given, **changes})


def awm(**changes: Any) -> AlignConfig:
    return nft(**{"objective": Awm(), **changes})


def grpo(**changes: Any) -> AlignConfig:
    rollout = RolloutConfig(
        group_size=8, groups=2, steps=4, noise_stepper=Cps(eta=0.8), window=2, equal_noise=True
    )
    return _small(**{"objective": Grpo(), "rollout": rollout, **changes})


def dpo(**changes: Any) -> AlignConfig:
    rollout = RolloutConfig(group_size=8, groups=4, steps=4)
    return _small(**{"objective": Dpo(beta=100.0), "rollout": rollout, **changes})


def _small(**settings: Any) -> AlignConfig:
    given: dict[str, Any] = {
        "steps": 20,
        "update": UpdateConfig(learning_rate=4e-3, weight_decay=0.0, rows=64),
        "lora": LoraSettings(rank=8, alpha=16),
        "reward": RewardConfig(filter=GroupFilter(min_std=1e-6)),
        "check": CheckConfig(judge=False),
        "sheet_every": None,
        "checkpoint_every": 1000,
    }
    return AlignConfig(**{**given, **settings})


def rise(rewards: list[float]) -> tuple[float, float]:
    """How much the last five exceed the first five, and the standard error of that."""
    first, last = np.array(rewards[:5]), np.array(rewards[-5:])
    error = np.sqrt(first.var(ddof=1) / 5 + last.var(ddof=1) / 5)
    return float(last.mean() - first.mean()), float(error)
