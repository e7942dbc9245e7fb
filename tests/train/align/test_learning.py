"""Every objective raises a reward that pixels decide, on a toy policy, in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.train.align.runs import awm, dpo, grpo, nft, redness, rise, toy_cases
from tests.train.toy_policy import ToyPolicy

from editloop.train.align.config import AlignConfig
from editloop.train.align.reward_bus import FunctionReward
from editloop.train.align.trainer import align


@pytest.mark.parametrize("settings", [nft, awm, grpo, dpo])
def test_the_reward_rises_by_three_standard_errors(
    settings: Callable[[], AlignConfig], tmp_path: Path
) -> None:
    rewards: list[float] = []
    align(
        ToyPolicy(),
        toy_cases(),
        FunctionReward(redness),
        settings(),
        tmp_path,
        on_step=lambda _, stats: rewards.append(stats["reward/mean"]),
    )
    gain, error = rise(rewards)
    assert gain > 3 * error
    assert gain > 0.02
