"""What is checked before training, what is filtered during it, and the judge that watches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.align.runs import grpo, nft, redness, toy_cases
from tests.train.toy_policy import ToyPolicy
from torch import Tensor

from editloop.core.errors import PrerequisiteError, UsageError
from editloop.models.roles import EditRequest, RgbImage
from editloop.rewards.groups import GroupFilter
from editloop.rewards.maps import Affine
from editloop.train.align.config import (
    AlignConfig,
    CheckConfig,
    RewardConfig,
    RolloutConfig,
)
from editloop.train.align.held_out import HeldOut
from editloop.train.align.log import read_log
from editloop.train.align.monitors import HeldOutConfig, edge_energy
from editloop.train.align.reward_bus import FunctionReward, Scores
from editloop.train.align.self_check import blurred
from editloop.train.align.trainer import Aligner, align
from editloop.train.align.trajectory import AlignCase
from editloop.train.policy import Condition

JUDGED = CheckConfig(ratio=False, judge_cases=3)
DRAWN_BY_OLD = RolloutConfig(group_size=6, groups=2, steps=3, drawn_by="old")
ON_UNIT_SCALE = RewardConfig(map=Affine(), scale=(0, 1), filter=GroupFilter(min_std=1e-6))


def with_targets() -> list[AlignCase]:
    """Cases whose right results are sharp stripes."""
    stripes = np.zeros((8, 8, 3), np.uint8)
    stripes[::2] = 255
    return [replace(case, target=stripes) for case in toy_cases()]


def started(config: AlignConfig, reward: FunctionReward, folder: Path) -> dict[str, float]:
    with Aligner(ToyPolicy(), with_targets(), reward, config, folder) as run:
        return run.checked


def test_a_reward_that_calls_an_unedited_picture_a_success_stops_the_run(tmp_path: Path) -> None:
    likeness = FunctionReward(lambda request, image: float(np.array_equal(request.image, image)))
    with pytest.raises(UsageError, match="not edited at all"):
        started(nft(check=JUDGED, reward=ON_UNIT_SCALE), likeness, tmp_path)


def test_a_reward_that_prefers_blur_stops_the_run(tmp_path: Path) -> None:
    softness = FunctionReward(lambda _, image: -edge_energy(image))
    with pytest.raises(UsageError, match="prefers blurred"):
        started(nft(check=JUDGED), softness, tmp_path)


def test_a_reward_that_is_never_there_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of the pictures"):
        started(nft(check=JUDGED), FunctionReward(lambda *_: None), tmp_path)


def test_a_sound_reward_passes_and_its_figures_are_kept(tmp_path: Path) -> None:
    sharpness = FunctionReward(lambda _, image: min(1.0, edge_energy(image) / 200))
    checked = started(nft(check=JUDGED, reward=ON_UNIT_SCALE), sharpness, tmp_path)
    assert checked["check/blurred_reward"] < checked["check/result_reward"]
    assert json.loads((tmp_path / "check.json").read_text()) == checked


def test_replay_that_is_not_rollout_stops_the_run(tmp_path: Path) -> None:
    class Restless(ToyPolicy):
        """Never predicts the same twice, as a network in training mode with dropout would."""

        calls = 0

        def velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
            self.calls += 1
            return super().velocity(x, sigma, condition) + 0.01 * self.calls

    with pytest.raises(UsageError, match="ratios off by"):
        Aligner(Restless(), toy_cases(), FunctionReward(redness), grpo(), tmp_path)


def test_on_policy_ratios_are_one_at_the_start(tmp_path: Path) -> None:
    with Aligner(ToyPolicy(), toy_cases(), FunctionReward(redness), grpo(), tmp_path) as run:
        assert run.checked["check/ratio_error"] < 1e-6
        assert run.checked["check/drift_from_reference"] == 0


def test_blur_is_visible_at_any_size() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    assert edge_energy(blurred(image)) < 0.7 * edge_energy(image)


class HalfBlind:
    """Gives every image of some cases the same score, and none to the first image of the others."""

    def __init__(self, flat: Sequence[str]) -> None:
        self._flat = flat

    def score_many(
        self, requests: Sequence[EditRequest], images: Sequence[RgbImage]
    ) -> list[Scores | None]:
        if requests[0].instruction in self._flat:
            return [{"overall": 1.0}] * len(images)
        scores: list[Scores | None] = [{"overall": redness(requests[0], i)} for i in images]
        return [None, *scores[1:]]


def test_dead_groups_are_replaced_up_to_the_cap_and_missing_scores_masked(tmp_path: Path) -> None:
    cases = toy_cases(4)
    flat = [case.request.instruction for case in cases[:2]]
    rollout = RolloutConfig(group_size=6, groups=2, draws=2, steps=3, drawn_by="old")
    align(ToyPolicy(), cases, HalfBlind(flat), nft(steps=2, rollout=rollout), tmp_path)
    for entry in read_log(tmp_path):
        assert entry["groups/drawn"] <= 4
        assert entry["groups/drawn"] == entry["groups/kept"] + entry["groups/low_spread"]
        assert entry["images/scored"] < entry["images/drawn"]
        assert entry["update/samples"] == entry["groups/kept"] * 5 * 2
    assert sum(entry["groups/low_spread"] for entry in read_log(tmp_path)) > 0


def test_a_step_without_a_useful_group_changes_nothing(tmp_path: Path) -> None:
    policy = ToyPolicy()
    align(policy, toy_cases(), FunctionReward(lambda *_: 1.0), nft(steps=1), tmp_path)
    (entry,) = read_log(tmp_path)
    assert entry["groups/kept"] == 0
    assert entry["reward/zero_std_share"] == 1
    assert "update/loss" not in entry
    ups = [v for n, v in policy.unet.named_parameters() if "lora_B" in n]
    assert all(torch.equal(up, torch.zeros_like(up)) for up in ups)


def test_groups_may_be_drawn_ahead_by_one_version(tmp_path: Path) -> None:
    reward = FunctionReward(redness)
    config = nft(steps=3, max_staleness=1)
    align(ToyPolicy(), toy_cases(), reward, config, tmp_path / "ahead")
    ahead = read_log(tmp_path / "ahead")
    align(ToyPolicy(), toy_cases(), reward, nft(steps=3), tmp_path / "on_policy")
    fresh = read_log(tmp_path / "on_policy")
    assert ahead[0]["reward/mean"] == fresh[0]["reward/mean"]
    assert ahead[1]["reward/mean"] != fresh[1]["reward/mean"]
    assert ahead[2]["groups/kept"] == 2


def watched(folder: Path, judge: FunctionReward, action: str, **changes: object) -> Path:
    monitor = HeldOutConfig(every=1, window=1, action=action, tolerance=1e-6, kl_raises=9)  # type: ignore[arg-type]
    align(
        ToyPolicy(),
        toy_cases(),
        FunctionReward(redness),
        nft(held_out=monitor, **{"steps": 8, "rollout": DRAWN_BY_OLD, **changes}),
        folder,
        held_out=HeldOut(toy_cases(2), judge),
    )
    return folder


def test_a_judge_that_disagrees_stops_the_run_and_it_stays_stopped(tmp_path: Path) -> None:
    opposite = FunctionReward(
        lambda request, image: 1 - redness(request, image) ** 2 - image.mean()
    )
    log = read_log(watched(tmp_path, opposite, "stop"))
    assert len(log) < 8
    assert log[-1]["held_out/action"] == "stop"
    assert log[-1]["held_out/score"] < max(entry["held_out/score"] for entry in log)
    assert len(read_log(watched(tmp_path, opposite, "stop"))) == len(log)


def test_a_judge_that_disagrees_raises_the_pull_to_the_reference(tmp_path: Path) -> None:
    opposite = FunctionReward(
        lambda request, image: 1 - redness(request, image) ** 2 - image.mean()
    )
    log = read_log(watched(tmp_path, opposite, "raise_kl"))
    weights = [entry["kl_weight"] for entry in log]
    assert weights[0] == 0
    assert weights[-1] >= 1e-3
    assert log[-1]["update/velocity_kl"] > 0


def test_a_judge_that_agrees_lets_it_run(tmp_path: Path) -> None:
    log = read_log(watched(tmp_path, FunctionReward(redness), "stop", steps=3))
    assert len(log) == 3
    assert log[0]["held_out/scored"] == log[0]["held_out/of"] == 2
    assert log[0]["held_out/score"] == pytest.approx(log[0]["held_out/train_reward"])


def test_a_prerequisite_that_is_missing_ends_the_run(tmp_path: Path) -> None:
    def absent(*_: object) -> float:
        raise PrerequisiteError("install the judge")

    with pytest.raises(PrerequisiteError, match="install the judge"):
        align(ToyPolicy(), toy_cases(), FunctionReward(absent), nft(), tmp_path)
