"""A policy as an editor gives the pixels of the pipeline that it was made of."""

from __future__ import annotations

import numpy as np
import pytest
from tests.models.storybook.pipelines import picture, seeded, toy_pipeline

from editloop.models.roles import BatchEditor, EditRequest
from editloop.train import policy_editor
from editloop.train.policies.storybook import StorybookPolicy
from editloop.train.policy_editor import PolicyEditor

REQUESTS = [
    EditRequest(picture(0), "make it red", seed=1),
    EditRequest(picture(1), "undo that", seed=2, context=("make the ball red",)),
    EditRequest(picture(2), "remove the ball", seed=3, references=(picture(9),)),
]


def test_it_edits_as_the_pipeline_does() -> None:
    pipeline = toy_pipeline()
    expected = pipeline(
        [request.image for request in REQUESTS],
        [request.instruction for request in REQUESTS],
        references=[request.references[0] if request.references else None for request in REQUESTS],
        context=[request.context for request in REQUESTS],
        num_inference_steps=4,
        generator=seeded(1, 2, 3),
    ).images
    editor = PolicyEditor(StorybookPolicy(pipeline), steps=4)
    assert isinstance(editor, BatchEditor)
    for result, image in zip(editor.edit_many(REQUESTS), expected, strict=True):
        assert np.abs(result.image.astype(int) - image).max() <= 1


def test_one_by_one_and_in_chunks_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    editor = PolicyEditor(StorybookPolicy(toy_pipeline()), steps=2)
    together = editor.edit_many(REQUESTS)
    monkeypatch.setattr(policy_editor, "ROWS", 2)
    in_chunks = editor.edit_many(REQUESTS)
    for request, one, other in zip(REQUESTS, together, in_chunks, strict=True):
        for image in (other.image, editor.edit(request).image):
            assert np.abs(image.astype(int) - one.image).max() <= 1


def test_it_follows_the_policy_in_training() -> None:
    policy = StorybookPolicy(toy_pipeline())
    editor = PolicyEditor(policy, steps=2)
    before = editor.edit(REQUESTS[0]).image
    policy.pipeline.unet.conv_out.weight.data.zero_()
    np.testing.assert_array_equal(editor.edit(REQUESTS[0]).image, REQUESTS[0].image)
    assert (before != REQUESTS[0].image).any()
    assert editor.identity == policy.identity
