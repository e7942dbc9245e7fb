"""The whole alignment loop on real pipelines: on-policy replay, weights that move, and a LoRA that the pipeline opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.train.policies.conftest import POLICY_CLASSES
from tests.train.policies.rollouts import euler, noise, picture, pipeline_run

from editloop.models.miniatures import MINIATURE_SETTINGS, build_miniature
from editloop.models.roles import EditRequest, RgbImage
from editloop.rewards.groups import GroupFilter
from editloop.train.align.config import (
    AlignConfig,
    CheckConfig,
    LoraSettings,
    RewardConfig,
    RolloutConfig,
    UpdateConfig,
)
from editloop.train.align.objectives.forward import Nft
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.reward_bus import FunctionReward
from editloop.train.align.steppers import FlowSde
from editloop.train.align.trainer import align
from editloop.train.align.trajectory import AlignCase

CASES = [
    AlignCase(text, EditRequest(picture(place), text, seed=0))
    for place, text in enumerate(("make the object red", "remove the object from the picture"))
]
OBJECTIVES = {
    "grpo": (
        Grpo(),
        RolloutConfig(group_size=4, groups=2, steps=4, noise_stepper=FlowSde(), window=2),
    ),
    "nft": (Nft(velocity_kl=1e-3), RolloutConfig(group_size=4, groups=2, steps=3)),
}


def redness(request: EditRequest, image: RgbImage) -> float:
    del request
    return float(image[..., 0].mean()) / 255


def settings(objective: str) -> AlignConfig:
    chosen, rollout = OBJECTIVES[objective]
    return AlignConfig(
        steps=2,
        objective=chosen,
        rollout=rollout,
        update=UpdateConfig(learning_rate=1e-2),
        lora=LoraSettings(rank=4, alpha=8),
        reward=RewardConfig(filter=GroupFilter(min_std=1e-9)),
        check=CheckConfig(judge=False),
        sheet_every=None,
    )


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_alignment_runs_and_the_pipeline_opens_what_it_learned(
    miniature: str, objective: str, case: EditRequest, tmp_path: Path
) -> None:
    policy: Any = POLICY_CLASSES[miniature](build_miniature(miniature), MINIATURE_SETTINGS)
    condition = policy.encode([case])
    start = noise(policy, condition)
    before = euler(policy, start, condition)
    done = align(policy, CASES, FunctionReward(redness), settings(objective), tmp_path)
    assert done.steps == 2
    after = euler(policy, start, condition)
    assert (after - before).abs().max() > 1e-4, "two steps move the policy"
    plain = build_miniature(miniature)
    plain.load_lora_weights(done.export)
    torch.testing.assert_close(pipeline_run(plain, policy, case, start), after, rtol=0.0, atol=1e-5)
