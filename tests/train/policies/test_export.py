"""What was trained can be used: LoRA by the plain pipeline, whole pipelines by anybody, policies by spec string."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.policies.conftest import POLICY_CLASSES
from tests.train.policies.rollouts import STEPS, euler, noise, pipeline_run

from editloop.core.errors import UnknownNameError, UsageError
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.miniatures import MINIATURE_SETTINGS, build_miniature, save_miniature
from editloop.models.roles import EditRequest
from editloop.models.storybook.build import build_pipeline
from editloop.train.align.lora import add_adapter
from editloop.train.policies import load_policy
from editloop.train.policies.storybook import StorybookPolicy


@pytest.fixture(scope="module")
def tuned(miniature: str) -> Any:
    """A policy whose LoRA changes the picture."""
    policy = POLICY_CLASSES[miniature](build_miniature(miniature), MINIATURE_SETTINGS)
    add_adapter(policy.network, rank=4, alpha=8, targets=policy.lora_targets, seed=0)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in policy.network.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.3 * torch.randn(weight.shape, generator=random))
    return policy


def test_a_lora_gives_the_plain_pipeline_the_trainers_picture(
    tuned: Any, miniature: str, case: EditRequest, tmp_path: Path
) -> None:
    condition = tuned.encode([case])
    start = noise(tuned, condition)
    trained = euler(tuned, start, condition)
    plain = build_miniature(miniature)
    before = pipeline_run(plain, tuned, case, start)
    tuned.export(str(tmp_path))
    plain.load_lora_weights(tmp_path)
    after = pipeline_run(plain, tuned, case, start)
    assert (before - trained).abs().max() > 0.05, "the adapter does something"
    torch.testing.assert_close(after, trained, rtol=0.0, atol=1e-5)
    picture = pipeline_run(plain, tuned, case, start, output="pil")[0]
    np.testing.assert_array_equal(np.asarray(picture), tuned.decode(trained, condition)[0])


def test_an_editor_takes_the_lora_by_its_spec(
    tuned: Any, miniature: str, case: EditRequest, tmp_path: Path
) -> None:
    base = save_miniature(miniature, tmp_path / "base")
    tuned.export(str(tmp_path / "lora"))
    spec = f"{base}?guidance={tuned.settings.guidance}"
    plain, adapted = DiffusersEditor(spec), DiffusersEditor(f"{spec}&lora={tmp_path / 'lora'}")
    assert plain.identity.version != adapted.identity.version
    assert (plain.edit(case).image != adapted.edit(case).image).mean() > 0.1


def test_a_whole_pipeline_keeps_what_was_trained(
    miniature: str, case: EditRequest, tmp_path: Path
) -> None:
    policy = POLICY_CLASSES[miniature](build_miniature(miniature), MINIATURE_SETTINGS)
    with torch.no_grad():
        policy.network.proj_out.weight.mul_(1.5)
    condition = policy.encode([case])
    start = noise(policy, condition)
    policy.export(str(tmp_path))
    again = load_policy(f"diffusers:{tmp_path}")
    assert again.settings == policy.settings.model_copy(update={"lora": None})
    torch.testing.assert_close(
        euler(again, start, again.encode([case])),
        euler(policy, start, condition),
        rtol=0.0,
        atol=0.0,
    )


def test_policies_come_by_spec_string_with_its_options(miniature: str, tmp_path: Path) -> None:
    folder = save_miniature(miniature, tmp_path)
    policy = load_policy(f"diffusers:{folder}?guidance=3")
    assert isinstance(policy, POLICY_CLASSES[miniature])
    assert policy.settings.guidance == 3
    assert policy.settings.pixels == MINIATURE_SETTINGS.pixels
    assert policy.identity.name == f"diffusers:{folder}?guidance=3"
    assert (
        len(
            policy.sigmas(
                STEPS, policy.encode([EditRequest(np.zeros((64, 64, 3), np.uint8), "add", 0)])
            )
        )
        == 5
    )


def test_guidance_by_a_second_call_is_off_unless_asked(tmp_path: Path) -> None:
    folder = save_miniature("qwen-edit-plus", tmp_path)
    assert not load_policy(f"diffusers:{folder}").guided
    assert DiffusersEditor(str(folder)).settings.guidance == 4.0


def test_what_is_no_flow_model_says_so(tmp_path: Path) -> None:
    folder = save_miniature("instruct-pix2pix", tmp_path)
    with pytest.raises(UnknownNameError, match=r"cannot be trained here.*FluxKontextPipeline"):
        load_policy(f"diffusers:{folder}")


@pytest.mark.parametrize("spec", ["kontext", "embedded:procedural", ""])
def test_other_specs_are_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="expected world:tiny-editor or diffusers:"):
        load_policy(spec)


def test_a_storybook_folder_is_a_policy_too(tmp_path: Path) -> None:
    toy = build_pipeline(["remove"], channels=(16, 16), hidden=32, text_layers=1, image_size=16)
    toy.save_pretrained(tmp_path)
    policy = load_policy(f"diffusers:{tmp_path}")
    assert isinstance(policy, StorybookPolicy)
    assert policy.identity.name == f"diffusers:{tmp_path}"
