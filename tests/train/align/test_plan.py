from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.train.toy_policy import ToyPolicy, toy_request
from torch.utils.flop_counter import FlopCounterMode

from editloop.core.config import override
from editloop.train.align.config import AlignConfig
from editloop.train.align.plan import AlignPlan, plan
from editloop.train.align.presets import align_preset
from editloop.train.align.trajectory import AlignCase

CASE = AlignCase("one", toy_request(1))


def planned(preset: str, *settings: str) -> AlignPlan:
    config = override(AlignConfig, align_preset(preset), ["steps=10", *settings])
    return plan(ToyPolicy(), config, CASE)


def test_images_and_judge_calls_are_steps_times_groups_times_size() -> None:
    found = planned("nft_edit", "rollout.groups=3", "rollout.group_size=5", "rollout.draws=2")
    assert found.images == found.judge_images == 10 * 3 * 5
    assert found.judge_images_most == 2 * found.judge_images


def test_operations_are_those_of_the_network() -> None:
    policy = ToyPolicy()
    condition = policy.encode([CASE.request])
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        policy.velocity(torch.zeros(1, 3, 8, 8), torch.tensor([0.5]), condition)
    found = planned("nft_edit")
    assert found.forward_tflop * 1e12 == pytest.approx(counter.get_total_flops())
    forwards = found.rollout_forwards + found.training_forwards
    assert found.tflop_per_image == pytest.approx(forwards * found.forward_tflop)


@pytest.mark.parametrize(
    ("preset", "rollout", "training"),
    [
        ("nft_edit", 6, 2 * (1 + 1.1 + 1 + 1)),
        ("rwr", 6, 2 * (1 + 1.1 + 1)),
        ("flow_grpo_full", 10, 9 * (1 + 1.1)),
        ("dpo_online", 6, 2 * (2 / 16) * (1 + 1.1 + 1)),
        ("dpo_offline", 0, 2 * (2 / 16) * (1 + 1.1 + 1)),
    ],
)
def test_forward_passes_an_image(preset: str, rollout: float, training: float) -> None:
    found = planned(preset)
    assert found.rollout_forwards == pytest.approx(rollout)
    assert found.training_forwards == pytest.approx(training)


def test_a_shared_prefix_saves_what_lies_before_the_window() -> None:
    shared, apart = (
        planned("flow_grpo_fast"),
        planned("flow_grpo_fast", "rollout.equal_noise=false"),
    )
    assert apart.rollout_forwards == 6
    assert (
        6 - 1.2 < shared.rollout_forwards < 6 - 0.7
    )  # starts 0, 1 and 2 alike, 15 of 16 images saved


def test_full_training_takes_the_memory_of_all_weights() -> None:
    adapter: Any = planned("nft_edit", "lora.rank=1")
    whole = planned("nft_edit", "lora=null")
    assert adapter.training_gb < whole.training_gb
    weights = sum(p.numel() for p in ToyPolicy().unet.parameters())
    assert whole.weights_gb == pytest.approx(4 * weights / 1e9)
    assert whole.training_gb == pytest.approx((16 + 4 + 4) * weights / 1e9)
    assert whole.activations_gb > 0
