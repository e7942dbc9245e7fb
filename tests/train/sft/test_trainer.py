"""The loop: it learns, it resumes to the bit, it exports what plain diffusers loads, and it says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.train.sft.pictures import square_example
from tests.train.toy_policy import ToyPolicy
from torch import Tensor

from editloop.core.errors import EditloopError, RunInterruptedError, UsageError
from editloop.train.sft import (
    LoraSettings,
    NoiseSettings,
    RegionSettings,
    SftConfig,
    SftTrainer,
    ShuffledExamples,
    StepReport,
    read_log,
    train_sft,
)
from editloop.train.sft.run import make_trainable

EXAMPLES = [square_example(number) for number in range(10)]
LORA = LoraSettings(rank=2, alpha=4, dropout=0.2)


def settings(**changes: object) -> SftConfig:
    return SftConfig(
        **{"steps": 6, "batch_size": 4, "learning_rate": 1e-3, "checkpoint_every": 3, **changes}  # type: ignore[arg-type]
    )


def weights(policy: ToyPolicy) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in policy.unet.state_dict().items()}


def test_fine_tuning_lowers_the_loss(tmp_path: Path) -> None:
    config = settings(steps=60, batch_size=8, learning_rate=3e-3, checkpoint_every=100)
    train_sft(ToyPolicy(), EXAMPLES, config, tmp_path)
    losses = [report.loss for report in read_log(tmp_path / "log.jsonl")]
    assert len(losses) == 60
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": "cosine", "warmup_steps": 2, "ema_decay": 0.9, "flip": True},
        {"lora": LORA},
    ],
    ids=["full", "lora with dropout"],
)
def test_stopping_half_way_changes_nothing(tmp_path: Path, changes: dict[str, object]) -> None:
    config = settings(**changes)
    whole, halves = ToyPolicy(), ToyPolicy()
    train_sft(whole, EXAMPLES, config, tmp_path / "whole")

    make_trainable(halves, config)
    trainer = SftTrainer(halves, ShuffledExamples(EXAMPLES, 0), config, tmp_path / "halves")
    assert trainer.run(until=3).editor is None
    halves = ToyPolicy()  # nothing but the folder is left of the first half
    train_sft(halves, EXAMPLES, config, tmp_path / "halves")

    for name, value in weights(whole).items():
        assert torch.equal(value, weights(halves)[name]), name
    logs = [read_log(tmp_path / name / "log.jsonl") for name in ("whole", "halves")]
    assert [r.loss for r in logs[0]] == [r.loss for r in logs[1]]
    assert [r.step for r in logs[1]] == [1, 2, 3, 4, 5, 6]


def test_micro_batches_change_the_memory_and_not_the_result(tmp_path: Path) -> None:
    at_once, in_parts = ToyPolicy(), ToyPolicy()
    tame = settings(
        steps=2, epsilon=1.0
    )  # AdamW would blow rounding of tiny gradients up to whole steps
    train_sft(at_once, EXAMPLES, tame, tmp_path / "a")
    train_sft(in_parts, EXAMPLES, tame.model_copy(update={"micro_batch_size": 3}), tmp_path / "b")
    for name, value in weights(at_once).items():
        torch.testing.assert_close(value, weights(in_parts)[name], atol=1e-7, rtol=1e-6)


def test_the_exported_editor_holds_the_moving_average(tmp_path: Path) -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    policy = ToyPolicy()
    start = weights(policy)
    result = train_sft(policy, EXAMPLES, settings(ema_decay=0.99), tmp_path)
    exported = UNet2DConditionModel.from_pretrained(result.editor).state_dict()
    name = "conv_in.weight"
    live, average = weights(policy)[name], exported[name]
    assert (average - start[name]).norm() < (live - start[name]).norm()
    assert not torch.equal(average, start[name])


def test_a_lora_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    policy = ToyPolicy()
    start = weights(policy)
    result = train_sft(policy, EXAMPLES, settings(lora=LORA), tmp_path)
    assert result.editor is not None
    assert (result.editor / "pytorch_lora_weights.safetensors").is_file()
    after = weights(policy)
    for name, value in start.items():
        held = after.get(
            name,
            after.get(
                name.replace(".weight", ".base_layer.weight").replace(".bias", ".base_layer.bias")
            ),
        )
        assert held is not None
        assert torch.equal(held, value), name


def test_triplets_without_an_edit_are_rejected_when_regions_are_weighed(tmp_path: Path) -> None:
    from dataclasses import replace

    still = [replace(example, target=example.source) for example in EXAMPLES[:4]]
    seen: list[StepReport] = []
    config = settings(steps=1, region=RegionSettings())
    policy = ToyPolicy()
    start = weights(policy)
    train_sft(
        policy,
        still,
        config.model_copy(update={"weight_decay": 0.0}),
        tmp_path,
        on_step=seen.append,
    )
    assert (seen[0].rejected, seen[0].loss) == (4, 0.0)
    assert all(torch.equal(value, weights(policy)[name]) for name, value in start.items())


def test_bf16_autocast_stays_near_float32(tmp_path: Path) -> None:
    config = settings(steps=1)
    losses = []
    for bf16 in (False, True):
        folder = tmp_path / str(bf16)
        train_sft(ToyPolicy(), EXAMPLES, config.model_copy(update={"bf16": bf16}), folder)
        losses.append(read_log(folder / "log.jsonl")[0].loss)
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_another_setting_is_refused_and_a_longer_run_is_not(tmp_path: Path) -> None:
    train_sft(ToyPolicy(), EXAMPLES, settings(steps=2), tmp_path)
    with pytest.raises(UsageError, match=r"learning_rate = 0\.001, now 0\.01"):
        train_sft(ToyPolicy(), EXAMPLES, settings(steps=2, learning_rate=1e-2), tmp_path)
    with pytest.raises(UsageError, match="other examples"):
        train_sft(ToyPolicy(), EXAMPLES[:5], settings(steps=2), tmp_path)
    assert train_sft(ToyPolicy(), EXAMPLES, settings(steps=3), tmp_path).step == 3


def test_interruption_names_the_step_to_go_on_from(tmp_path: Path) -> None:
    def stop(report: StepReport) -> None:
        if report.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError, match=r"stopped at step 5.*from step 3"):
        train_sft(ToyPolicy(), EXAMPLES, settings(), tmp_path, on_step=stop)
    resumed = ToyPolicy()
    train_sft(resumed, EXAMPLES, settings(), tmp_path)
    whole = ToyPolicy()
    train_sft(whole, EXAMPLES, settings(), tmp_path / "whole")
    assert torch.equal(weights(whole)["conv_in.weight"], weights(resumed)["conv_in.weight"])


def test_old_checkpoints_go_and_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    train_sft(ToyPolicy(), EXAMPLES, settings(steps=5, checkpoint_every=1), tmp_path)
    kept = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert kept == ["step-00000004", "step-00000005"]
    facts = json.loads((tmp_path / "checkpoints" / kept[-1] / "state.json").read_text())
    assert facts["step"] == 5
    broken = ToyPolicy()
    torch.nn.init.constant_(broken.unet.conv_out.bias, float("nan"))
    with pytest.raises(EditloopError, match=r"the loss became nan .* at step 1"):
        train_sft(broken, EXAMPLES, settings(), tmp_path / "broken")


def test_half_precision_weights_are_not_trained_as_they_are(tmp_path: Path) -> None:
    policy = ToyPolicy()
    policy.unet.to(torch.bfloat16)
    with pytest.raises(UsageError, match=r"bfloat16.*\?dtype=float32"):
        train_sft(policy, EXAMPLES, settings(), tmp_path)


def test_nothing_to_train_is_said(tmp_path: Path) -> None:
    policy = ToyPolicy()
    policy.unet.requires_grad_(False)
    with pytest.raises(UsageError, match="nothing to train"):
        SftTrainer(policy, ShuffledExamples(EXAMPLES), settings(), tmp_path)


def test_a_policy_that_predicts_pictures_brings_its_own_floor(tmp_path: Path) -> None:
    class Floored(ToyPolicy):
        loss_floor = 0.9

    def first_loss(policy: ToyPolicy, floor: float | None, name: str) -> float:
        config = settings(steps=1, noise=NoiseSettings(loss_floor=floor))
        train_sft(policy, EXAMPLES, config, tmp_path / name)
        return read_log(tmp_path / name / "log.jsonl")[0].loss

    plain = first_loss(ToyPolicy(), None, "plain")
    assert first_loss(Floored(), None, "own") < plain
    assert first_loss(Floored(), 0.0, "overruled") == plain
