"""The storybook editor through fine-tuning and out again, by plain diffusers calls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.sft.pictures import square_example
from tests.train.storybook_toys import euler, tiny_policy
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.models.roles import EditRequest
from editloop.models.storybook.pipeline import StorybookPipeline
from editloop.train.policies.storybook import StorybookPolicy
from editloop.train.sft import LoraSettings, SftConfig, train_sft

EXAMPLES = [square_example(number) for number in range(6)]
PAIR = EXAMPLES[:2]
NOISE = torch.randn((2, 12, 4, 4), generator=torch.Generator().manual_seed(1))


def by_pipeline(pipeline: StorybookPipeline, steps: int = 4) -> Tensor:
    pipeline.set_progress_bar_config(disable=True)
    latents: Tensor = pipeline(
        [e.source for e in PAIR],
        [e.instruction for e in PAIR],
        num_inference_steps=steps,
        latents=NOISE,
        output_type="latent",
    ).images
    return latents


def settings(**changes: object) -> SftConfig:
    return SftConfig(steps=2, batch_size=4, learning_rate=1e-2, **changes)  # type: ignore[arg-type]


def test_the_policy_runs_the_pipelines_own_steps() -> None:
    policy = tiny_policy()
    made = euler(policy, PAIR, NOISE, steps=4)
    torch.testing.assert_close(made, by_pipeline(policy.pipeline), atol=1e-5, rtol=1e-5)


def test_a_fully_trained_editor_is_loaded_by_from_pretrained(tmp_path: Path) -> None:
    policy = tiny_policy()
    before = by_pipeline(policy.pipeline)
    result = train_sft(policy, EXAMPLES, settings(), tmp_path)
    loaded = StorybookPipeline.from_pretrained(result.editor)
    made = euler(policy, PAIR, NOISE, steps=4)
    torch.testing.assert_close(by_pipeline(loaded), made, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(made, before, atol=1e-3)
    again = StorybookPolicy.from_folder(str(result.editor))
    assert again.identity.version != policy.identity.version


def test_a_lora_is_loaded_by_the_plain_pipeline(tmp_path: Path) -> None:
    policy = tiny_policy()
    before = by_pipeline(policy.pipeline)
    result = train_sft(policy, EXAMPLES, settings(lora=LoraSettings(rank=2, alpha=8)), tmp_path)
    plain = tiny_policy().pipeline
    plain.load_lora_weights(result.editor)
    made = euler(policy, PAIR, NOISE, steps=4)
    torch.testing.assert_close(by_pipeline(plain), made, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(made, before, atol=1e-3)


def test_pictures_survive_the_way_into_latents_and_back() -> None:
    policy = tiny_policy()
    condition = policy.encode([e.request() for e in PAIR])
    pictures = [e.target for e in PAIR]
    back = policy.decode(policy.latents(pictures, condition), condition)
    assert all(np.array_equal(one, other) for one, other in zip(back, pictures, strict=True))
    assert policy.latent_shape(condition) == (12, 4, 4)


def test_a_second_reference_is_refused() -> None:
    picture = EXAMPLES[0].source
    request = EditRequest(picture, "paint it red", 0, references=(picture, picture))
    with pytest.raises(UsageError, match="one reference image, got 2"):
        tiny_policy().encode([request])
