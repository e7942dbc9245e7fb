"""The base training: it resumes to the bit, keeps its vocabulary, and exports a plain pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tests.models.storybook.pipelines import picture, seeded

from editloop.core.errors import UsageError
from editloop.models.storybook.pipeline import StorybookPipeline
from editloop.train.storybook import base
from editloop.train.storybook.base import (
    LEAST_LOSS_SIGMA,
    BaseTrainer,
    BaseTrainingConfig,
    flow_matching_loss,
    region_weights,
    training_vocabulary,
)
from editloop.train.storybook.stream import TripletBatches
from editloop.world.grammar import vocabulary
from editloop.world.oracle import FAILURE_WORDS

SIZES: dict[str, Any] = {
    "channels": (8, 8),
    "hidden": 32,
    "text_layers": 1,
    "batch_size": 4,
    "reading_steps": 2,
    "reading_batch_size": 4,
    "drawing_lessons": 3,
}


class InProcess(BaseTrainer):
    """Makes its batches itself: a loader's process would cost seconds a test."""

    def _batches(self) -> Iterator[tuple[Any, list[str]]]:
        config = self.config
        return iter(TripletBatches(config.seed, config.batch_size, self.step, config.steps))


def trainer(out: Path, **changes: Any) -> BaseTrainer:
    return InProcess(BaseTrainingConfig(**{"steps": 6, "warmup_steps": 2, **SIZES, **changes}), out)


def tensors(out: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(out / "state" / "training.safetensors")
    return found


def train_until(out: Path, step: int) -> None:
    """Train as after a stop that came right behind update `step`."""
    stopped = trainer(out)
    while stopped.step < step:
        stopped.train(until_seconds=0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    trainer(out).train()
    return out


def test_stopping_half_way_changes_nothing(whole: Path, tmp_path: Path) -> None:
    train_until(tmp_path, 3)
    again = trainer(tmp_path)
    assert again.step == 3
    again.train()
    assert again.step == 6
    first, second = tensors(whole), tensors(tmp_path)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_a_state_with_older_names_is_resumed(whole: Path, tmp_path: Path) -> None:
    path = whole / "state" / "training.safetensors"
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    older = {name.replace("weight.", "live.", 1): value for name, value in tensors(whole).items()}
    (tmp_path / "state").mkdir()
    save_file(older, tmp_path / "state" / path.name, metadata)
    assert trainer(tmp_path).state.tensors().keys() == tensors(whole).keys()


def test_a_finished_training_stays_finished(whole: Path) -> None:
    before = tensors(whole)
    trainer(whole).train()
    assert all(torch.equal(value, before[name]) for name, value in tensors(whole).items())


def test_other_settings_are_refused(whole: Path) -> None:
    with pytest.raises(UsageError, match="other settings"):
        trainer(whole, learning_rate=1e-5)
    assert trainer(whole, checkpoint_every=1).step == 6


def test_a_training_keeps_the_words_it_began_with(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = training_vocabulary()
    assert {*vocabulary(), *FAILURE_WORDS} == set(words)
    monkeypatch.setattr(base, "training_vocabulary", lambda: (*words, "zebra"))
    assert trainer(whole).words == words


def test_what_is_exported_is_the_average_and_edits(whole: Path) -> None:
    pipeline = StorybookPipeline.from_pretrained(str(whole / "pipeline"), dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    kept = tensors(whole)
    for name, value in pipeline.unet.named_parameters():
        expected = kept[f"average.unet.{name}"]
        assert torch.equal(value, expected.half().float()), name
        if name == "conv_out.weight":
            assert not torch.equal(expected, kept[f"weight.unet.{name}"])
    edited = pipeline(
        [picture(0, 32)], ["make the ball red"], num_inference_steps=2, generator=seeded(0)
    )
    assert edited.images[0].shape == (32, 32, 3)
    stored = load_file(whole / "pipeline" / "unet" / "diffusion_pytorch_model.safetensors")
    assert {value.dtype for value in stored.values()} == {torch.float16}


def test_exporting_leaves_the_training_as_it_is(tmp_path: Path) -> None:
    running = trainer(tmp_path)
    running.train(until_seconds=0)
    before = running.state.tensors()
    running.export(tmp_path / "export")
    after = running.state.tensors()
    assert all(torch.equal(value, before[name]) for name, value in after.items())


def test_the_log_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "REPORT_EVERY", 2)
    trainer(tmp_path, steps=4).train()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["samples"]) for line in lines] == [(2, 8), (4, 16)]
    assert all(np.isfinite(line["loss"]) for line in lines)


def test_the_rate_warms_up_and_falls_to_its_last_share(tmp_path: Path) -> None:
    schedule = trainer(tmp_path, steps=100, warmup_steps=10, learning_rate=1.0, final_rate=0.1)
    rates = []
    for schedule.state.step in range(101):
        rates.append(schedule._learning_rate())
    assert rates[0] == pytest.approx(0.1, abs=1e-3)
    assert max(rates) == rates[9]
    assert rates[-1] == pytest.approx(0.1)


def test_loss_weights_have_mean_one_and_favour_the_edit() -> None:
    source = torch.zeros(2, 12, 4, 4)
    target = source.clone()
    target[0, :, 0, 0] = 1.0
    weights = region_weights(source, target)
    assert weights.shape == (2, 1, 4, 4)
    torch.testing.assert_close(weights.mean((1, 2, 3)), torch.ones(2))
    # 16 cells, one of them edited: it counts log2(16) + 1 = 5 times.
    assert float(weights[0, 0, 0, 0] / weights[0, 0, 1, 1]) == pytest.approx(5.0)
    assert torch.equal(weights[1], torch.ones(1, 4, 4))


def test_an_untrained_network_loses_what_the_edit_changed(tmp_path: Path) -> None:
    pipeline = trainer(tmp_path).pipeline
    pixels = np.stack([np.stack([picture(0, 32), picture(1, 32), picture(0, 32)])])
    noise = torch.randn((1, 12, 16, 16), generator=seeded(0)[0])

    def loss(sigma: float) -> float:
        level = torch.tensor([sigma])
        return float(flow_matching_loss(pipeline, pixels, ["red"], level, noise, "cpu").detach())

    assert loss(0.5) == 0
    pixels[0, 2] = 255 - pixels[0, 2]
    assert loss(0.5) == pytest.approx(4 * loss(1.0), rel=1e-5)
    assert loss(0.01) == pytest.approx(loss(LEAST_LOSS_SIGMA), rel=1e-5)


def test_half_precision_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, bool] = {}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    a = torch.ones(2, 2)
    with base.half_precision("cpu"):
        assert (a @ a).dtype == torch.float32
    found["avx512_bf16"] = True
    with base.half_precision("cpu"):
        assert (a @ a).dtype == torch.bfloat16


def test_a_second_training_begins_with_the_first_ones_weights(whole: Path, tmp_path: Path) -> None:
    again = trainer(tmp_path, start_from=str(whole / "pipeline"), reading_steps=0, seed=1)
    trained = StorybookPipeline.from_pretrained(str(whole / "pipeline"), dtype=torch.float32)
    for part in ("unet", "text_encoder"):
        begun = getattr(again.pipeline, part).state_dict()
        for name, value in getattr(trained, part).state_dict().items():
            assert torch.equal(begun[name], value)
    again.train()
    assert again.step == 6
    # Interrupted, it goes on from its own state and does not begin with the first one's weights again.
    resumed = trainer(tmp_path, start_from=str(whole / "pipeline"), reading_steps=0, seed=1)
    assert resumed.step == 6


def test_a_pipeline_of_other_words_is_no_beginning(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "training_vocabulary", lambda: ("red", "ball"))
    with pytest.raises(UsageError, match="other words"):
        trainer(tmp_path, start_from=str(whole / "pipeline"))
