"""A policy's sampling is its pipeline's own: same noise levels, same latents, same pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.train.policies.rollouts import (
    STEPS,
    euler,
    noise,
    picture,
    pipeline_run,
    working_size,
)

from editloop.models.miniatures import MINIATURE_SETTINGS, build_miniature
from editloop.models.roles import EditRequest
from editloop.train.policies.qwen_edit_plus import QwenEditPlusPolicy
from editloop.train.policy import EditPolicy

TIGHT = {"rtol": 0.0, "atol": 1e-5}


def test_it_is_a_policy(policy: Any) -> None:
    assert isinstance(policy, EditPolicy)


def test_rollout_gives_the_pipelines_latents(policy: Any, case: EditRequest) -> None:
    condition = policy.encode([case])
    start = noise(policy, condition)
    theirs = pipeline_run(policy.pipeline, policy, case, start)
    assert theirs.std() > 0.1
    torch.testing.assert_close(euler(policy, start, condition), theirs, **TIGHT)


def test_rollout_gives_the_pipelines_picture(policy: Any, case: EditRequest) -> None:
    condition = policy.encode([case])
    start = noise(policy, condition, seed=1)
    made = policy.decode(euler(policy, start, condition), condition)[0]
    theirs = pipeline_run(policy.pipeline, policy, case, start, output="pil")[0]
    np.testing.assert_array_equal(made, np.asarray(theirs))


def test_noise_levels_are_the_schedulers_own(policy: Any, case: EditRequest) -> None:
    condition = policy.encode([case])
    pipeline_run(policy.pipeline, policy, case, noise(policy, condition))
    before = policy.pipeline.scheduler.sigmas
    levels = policy.sigmas(STEPS, condition)
    torch.testing.assert_close(levels, before, rtol=0.0, atol=0.0)
    assert levels[0] == 1.0
    assert levels[-1] == 0.0
    assert bool((levels.diff() < 0).all())
    policy.sigmas(9, condition)
    assert policy.pipeline.scheduler.sigmas is before, "the pipeline's own scheduler stays put"


def test_wide_pictures_keep_their_shape_and_the_parity(policy: Any) -> None:
    wide = EditRequest(picture(2, height=32, width=96), "remove the object", seed=0)
    condition = policy.encode([wide])
    width, height = working_size(condition)
    assert 2.5 < width / height < 3.5
    assert 0.7 < width * height / policy.settings.pixels < 1.0
    start = noise(policy, condition)
    theirs = pipeline_run(policy.pipeline, policy, wide, start, (width, height))
    torch.testing.assert_close(euler(policy, start, condition), theirs, **TIGHT)


@pytest.mark.parametrize("references", [0, 1])
def test_guidance_by_two_calls_is_the_pipelines(case: EditRequest, references: int) -> None:
    settings = MINIATURE_SETTINGS.model_copy(update={"guidance": 4.0})
    guided = QwenEditPlusPolicy(build_miniature("qwen-edit-plus"), settings)
    request = EditRequest(case.image, case.instruction, 0, references=(picture(7),) * references)
    condition = guided.encode([request])
    start = noise(guided, condition)
    theirs = pipeline_run(guided.pipeline, guided, request, start)
    torch.testing.assert_close(euler(guided, start, condition), theirs, **TIGHT)
