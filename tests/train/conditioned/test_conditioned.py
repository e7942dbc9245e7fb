"""Training under rewards: zero at the start, learned from judged triplets, exported as an editor that asks for the best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.sft.pictures import square_example
from tests.train.storybook_toys import euler, tiny_policy
from tests.train.toy_policy import ToyPolicy
from torch import Tensor

from editloop.core.errors import ConfigError, UsageError
from editloop.models.storybook.rewarded import RewardedStorybookPipeline
from editloop.train.conditioned import (
    ConditionedConfig,
    RewardedPolicy,
    RewardSettings,
    conditioned_preset,
    rewarded_policy,
    train_conditioned,
)
from editloop.train.conditioned.policy import plain_fault
from editloop.train.examples import EditExample, Reward
from editloop.train.policy import EditPolicy
from editloop.train.sft import (
    DropoutSettings,
    LoraSettings,
    SftTrainer,
    ShuffledExamples,
    read_log,
    train_sft,
)
from editloop.train.sft.loss import NoiseDraw, flow_matching_loss

GOOD = Reward((5.0, 5.0, 5.0))
BAD = Reward((0.0, 5.0, 5.0), ("nothing changed", "None", "None"))


def judged(number: int) -> EditExample:
    """Odd triplets are right; even ones show a source where nothing changed, and say so."""
    example = square_example(number)
    if number % 2:
        return replace(example, reward=GOOD)
    return replace(example, target=example.source, reward=BAD)


EXAMPLES = [judged(number) for number in range(16)]


def settings(**changes: object) -> ConditionedConfig:
    base = {"steps": 4, "batch_size": 4, "learning_rate": 1e-3, "checkpoint_every": 2}
    return ConditionedConfig(**{**base, **changes})  # type: ignore[arg-type]


def velocity(policy: EditPolicy, example: EditExample) -> Tensor:
    condition = policy.encode([example.request()])
    x = torch.randn(
        (1, *policy.latent_shape(condition)), generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        return policy.velocity(x, torch.tensor([0.7]), condition)


def denoising_loss(policy: RewardedPolicy, examples: list[EditExample]) -> float:
    """Mean loss near pure noise, where nothing but the condition can tell the target."""
    condition = policy.encode_examples(examples)
    clean = policy.latents([example.target for example in examples], condition)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        draw = NoiseDraw(torch.full((len(examples),), 0.95), noise)
        return float(flow_matching_loss(policy, condition, clean, draw).mean())


def test_before_training_a_rewarded_policy_is_the_base() -> None:
    base = tiny_policy()
    expected = velocity(base, EXAMPLES[0])
    assert torch.equal(velocity(rewarded_policy(base, RewardSettings()), EXAMPLES[0]), expected)


def test_the_reward_tells_good_edits_from_bad_ones(tmp_path: Path) -> None:
    """Good triplets end white, bad ones black: only the score says which it will be."""
    examples = [
        replace(e, target=np.full_like(e.source, 255 if e.reward is GOOD else 0)) for e in EXAMPLES
    ]
    config = settings(
        steps=50,
        batch_size=8,
        learning_rate=5e-3,
        checkpoint_every=500,
        rewards=RewardSettings(texts=False),
    )
    policy = rewarded_policy(ToyPolicy(), RewardSettings(texts=False))
    trainer = SftTrainer(
        policy, ShuffledExamples(examples), config, tmp_path, encode=policy.encode_examples
    )
    trainer.run()
    own = denoising_loss(policy, examples)
    swapped = [replace(e, reward=BAD if e.reward is GOOD else GOOD) for e in examples]
    assert denoising_loss(policy, swapped) > 2 * own


def test_the_exported_pipeline_asks_for_the_best_as_the_policy_does(tmp_path: Path) -> None:
    policy = tiny_policy()
    train_conditioned(policy, EXAMPLES, settings(learning_rate=1e-2), tmp_path)
    pipeline = RewardedStorybookPipeline.from_pretrained(tmp_path / "editor")
    pipeline.set_progress_bar_config(disable=True)
    trained = rewarded_policy(policy, RewardSettings())
    trained.conditioner.load_state_dict(pipeline.conditioner.state_dict())
    noise = torch.randn((1, 12, 4, 4), generator=torch.Generator().manual_seed(1))
    example = EXAMPLES[0]
    by_pipeline = pipeline(
        [example.source],
        [example.instruction],
        num_inference_steps=3,
        latents=noise,
        output_type="latent",
    ).images
    by_policy = euler(trained, [example], noise, steps=3)
    torch.testing.assert_close(by_policy, by_pipeline, atol=1e-5, rtol=1e-5)
    worse = pipeline(
        [example.source],
        [example.instruction],
        num_inference_steps=3,
        latents=noise,
        output_type="latent",
        scores=(0, 0, 0),
    ).images
    assert not torch.allclose(worse, by_pipeline, atol=1e-4)


def test_stopping_half_way_changes_nothing(tmp_path: Path) -> None:
    config = settings(
        rewards=RewardSettings(attention_dropout=0.2, rate_scale=2.0),
        dropout=DropoutSettings(rewards=0.3),
    )
    whole, halves = tiny_policy(), tiny_policy()
    train_conditioned(whole, EXAMPLES, config, tmp_path / "whole")
    train_conditioned(halves, EXAMPLES, config.model_copy(update={"steps": 2}), tmp_path / "halves")
    halves = tiny_policy()
    train_conditioned(halves, EXAMPLES, config, tmp_path / "halves")
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, halves.network.state_dict()[name]), name
    with pytest.raises(UsageError, match="another editor"):
        train_conditioned(tiny_policy(seed=1), EXAMPLES, config, tmp_path / "halves")


def test_without_rewards_it_is_plain_fine_tuning(tmp_path: Path) -> None:
    config = settings(rewards=None)
    train_conditioned(tiny_policy(), EXAMPLES, config, tmp_path / "conditioned")
    train_sft(tiny_policy(), EXAMPLES, config, tmp_path / "sft")
    logs = [read_log(tmp_path / name / "log.jsonl") for name in ("conditioned", "sft")]
    assert [line.loss for line in logs[0]] == [line.loss for line in logs[1]]


def test_a_lora_is_written_with_the_conditioner_beside_it(tmp_path: Path) -> None:
    config = settings(lora=LoraSettings(rank=2, alpha=2), steps=2)
    policy = tiny_policy()
    before = policy.network.conv_in.weight.clone()
    result = train_conditioned(policy, EXAMPLES, config, tmp_path)
    assert result.editor is not None
    found = {
        path.relative_to(result.editor).as_posix() for path in result.editor.rglob("*.safetensors")
    }
    assert found == {
        "pytorch_lora_weights.safetensors",
        "conditioner/diffusion_pytorch_model.safetensors",
    }
    assert torch.equal(policy.network.conv_in.weight, before)


def test_texts_need_an_editor_that_pools_them_and_scores_do_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"rewards\.texts=false"):
        rewarded_policy(ToyPolicy(), RewardSettings())
    scores_alone = rewarded_policy(ToyPolicy(), RewardSettings(texts=False))
    assert velocity(scores_alone, EXAMPLES[0]).shape == (1, 3, 8, 8)


def test_triplets_without_rewards_are_refused(tmp_path: Path) -> None:
    plain = [replace(example, reward=None) for example in EXAMPLES]
    with pytest.raises(UsageError, match="judge the data set first"):
        train_conditioned(tiny_policy(), plain, settings(), tmp_path)


@pytest.mark.parametrize("text", ["", "none", "None.", "No noticeable negative aspects."])
def test_ways_to_say_that_nothing_is_wrong(text: str) -> None:
    assert plain_fault(text) == "None"
    assert plain_fault("the sky is grey") == "the sky is grey"


def test_presets_and_switches() -> None:
    from editloop.core.config import override

    paper = conditioned_preset("mrc")
    assert (paper.learning_rate, paper.steps, paper.batch_size) == (5e-5, 10_000, 16)
    assert override(ConditionedConfig, paper, ["rewards.texts=false"]).rewards != paper.rewards
    assert override(ConditionedConfig, paper, ["rewards=null"]).rewards is None
    with pytest.raises(ConfigError, match="set rewards to null"):
        override(ConditionedConfig, paper, ["rewards.texts=false", "rewards.scores=false"])
