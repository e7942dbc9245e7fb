"""The loop as a whole: log, resume, counts, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.train.align.runs import CountingReward, grpo, nft, redness, toy_cases
from tests.train.toy_policy import ToyPolicy
from torch import Tensor

from editloop.core.errors import ConfigError, UsageError
from editloop.train.align.config import AlignConfig, AnchorConfig, UpdateConfig
from editloop.train.align.log import read_log
from editloop.train.align.lora import LORA_FILE
from editloop.train.align.reward_bus import FunctionReward
from editloop.train.align.trainer import Aligner, align


def trained(run_dir: Path) -> dict[str, Tensor]:
    return load_file(run_dir / "export" / LORA_FILE)


def full_nft(**changes: object) -> AlignConfig:
    return nft(**{"lora": None, "update": UpdateConfig(learning_rate=1e-4), **changes})


@pytest.mark.parametrize("settings", [nft, grpo, full_nft])
def test_six_steps_are_three_then_a_kill_then_three(
    settings: Callable[..., AlignConfig], tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    reward = FunctionReward(redness)
    average = AnchorConfig(old=settings().anchor.old, average=0.5, average_every=2)
    config = settings(steps=6, checkpoint_every=3, anchor=average)
    straight, first, second = ToyPolicy(), ToyPolicy(), ToyPolicy()
    align(straight, toy_cases(), reward, config, whole)
    with Aligner(first, toy_cases(), reward, config, cut) as run:
        for _ in range(4):  # the fourth step comes after the checkpoint and is lost
            run.step()
    align(second, toy_cases(), reward, config, cut)
    for one, other in zip(
        straight.unet.state_dict().items(), second.unet.state_dict().items(), strict=True
    ):
        assert one[0] == other[0]
        assert torch.equal(one[1], other[1]), one[0]
    assert [entry["step"] for entry in read_log(cut)] == [1, 2, 3, 4, 5, 6]
    assert [e["reward/mean"] for e in read_log(cut)] == [e["reward/mean"] for e in read_log(whole)]


def test_a_finished_run_does_nothing_more_and_a_longer_one_goes_on(tmp_path: Path) -> None:
    reward = CountingReward()
    align(ToyPolicy(), toy_cases(), reward, nft(steps=2), tmp_path)
    asked = reward.asked
    again = align(ToyPolicy(), toy_cases(), reward, nft(steps=2), tmp_path)
    assert reward.asked == asked
    assert again.steps == 2
    assert align(ToyPolicy(), toy_cases(), reward, nft(steps=3), tmp_path).steps == 3


def test_other_settings_do_not_resume(tmp_path: Path) -> None:
    reward = FunctionReward(redness)
    align(ToyPolicy(), toy_cases(), reward, nft(steps=1), tmp_path)
    with pytest.raises(ConfigError, match="other settings"):
        align(ToyPolicy(), toy_cases(), reward, nft(steps=2, seed=1), tmp_path)
    assert (
        align(ToyPolicy(), toy_cases(), reward, nft(steps=1, seed=1), tmp_path, resume=False).steps
        == 1
    )


def test_rollouts_without_a_reward_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="need a reward"):
        align(ToyPolicy(), toy_cases(), None, nft(), tmp_path)


def test_a_run_encodes_each_case_once_and_a_second_run_never(tmp_path: Path) -> None:
    policy, again = ToyPolicy(), ToyPolicy()
    align(policy, toy_cases(2), FunctionReward(redness), nft(steps=4), tmp_path)
    assert policy.encoded == 2
    align(again, toy_cases(2), FunctionReward(redness), nft(steps=6), tmp_path)
    assert again.encoded == 0
