"""What a run exports, opened by the plain pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.train.align.runs import nft, redness, toy_cases
from tests.train.toy_policy import ToyPolicy, read_metadata

from editloop.models.storybook.build import build_pipeline
from editloop.models.storybook.pipeline import StorybookPipeline
from editloop.train.align.config import LoraSettings
from editloop.train.align.lora import LORA_FILE
from editloop.train.align.reward_bus import FunctionReward
from editloop.train.align.rollout import RolloutEngine
from editloop.train.align.trainer import Aligner, align
from editloop.train.policies.storybook import StorybookPolicy

WORDS = ("make", "it", "red", "green", "blue")


def pipeline() -> StorybookPipeline:
    made = build_pipeline(WORDS, channels=(8, 16), hidden=32, text_layers=1, image_size=8)
    made.set_progress_bar_config(disable=True)
    random = torch.Generator().manual_seed(0)
    with (
        torch.no_grad()
    ):  # untrained, it returns the source as it is, and groups of equal images teach nothing
        made.unet.conv_out.weight.normal_(0, 0.1, generator=random)
    return made


def test_the_plain_pipeline_with_the_lora_draws_what_the_trainer_draws(tmp_path: Path) -> None:
    policy = StorybookPolicy(pipeline())
    cases = toy_cases(2)
    config = nft(steps=2)
    with Aligner(policy, cases, FunctionReward(redness), config, tmp_path) as run:
        run.step()
        run.step()
        folder = run.export()
        request = cases[0].request
        group = RolloutEngine(policy, config.rollout).draw(
            cases[0], policy.encode([request]), seed=3, count=2
        )
    plain = pipeline()
    noise = torch.randn(2, 12, 4, 4, generator=torch.Generator().manual_seed(3))
    arguments = ([request.image] * 2, [request.instruction] * 2)
    asked = {"num_inference_steps": 4, "latents": noise, "output_type": "latent"}
    before = plain(*arguments, **asked).images
    plain.load_lora_weights(str(folder))
    after = plain(*arguments, **asked).images
    assert torch.allclose(after, group.x0, atol=1e-4)
    assert not torch.allclose(before, group.x0, atol=1e-3)


def test_the_file_says_rank_and_targets(tmp_path: Path) -> None:
    lora = LoraSettings(rank=3, alpha=6, targets=("to_q", "to_v"))
    align(ToyPolicy(), toy_cases(1), FunctionReward(redness), nft(steps=1, lora=lora), tmp_path)
    settings = read_metadata(tmp_path / "export" / LORA_FILE)
    assert settings["unet.r"] == 3
    assert settings["unet.lora_alpha"] == 6
    assert settings["unet.target_modules"] == ["to_q", "to_v"]


@pytest.mark.parametrize("average", [None, 0.9])
def test_full_fine_tuning_exports_a_whole_network(average: float | None, tmp_path: Path) -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    policy = ToyPolicy()
    config = nft(steps=1, lora=None, anchor={"old": 0.3, "average": average, "average_every": 1})
    result = align(policy, toy_cases(1), FunctionReward(redness), config, tmp_path)
    loaded = UNet2DConditionModel.from_pretrained(result.export)
    same = [
        torch.equal(a, b)
        for a, b in zip(
            loaded.state_dict().values(), policy.unet.state_dict().values(), strict=True
        )
    ]
    assert all(same) if average is None else not all(same)
