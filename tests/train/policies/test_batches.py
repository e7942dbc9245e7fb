"""Cases in one batch are what they are alone; gradients reach the network and nothing else."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.policies.rollouts import euler, noise, picture

from editloop.core.errors import BadInputError, UsageError
from editloop.models.roles import EditRequest

INSTRUCTIONS = (
    "make the object red",
    "remove",
    "add a green cup to the left of the object, please",
)


def cases() -> list[EditRequest]:
    return [EditRequest(picture(seed), text, seed) for seed, text in enumerate(INSTRUCTIONS)]


def test_a_batch_is_its_cases_one_by_one(policy: Any) -> None:
    together = policy.encode(cases())
    start = noise(policy, together)
    sampled = euler(policy, start, together)
    for place, case in enumerate(cases()):
        alone = euler(policy, start[place : place + 1], policy.encode([case]))
        torch.testing.assert_close(sampled[place : place + 1], alone, rtol=0.0, atol=2e-5)


def test_a_group_shares_one_encoding(policy: Any, case: EditRequest) -> None:
    encoded = policy.encode([case])
    group = encoded.repeat(3)
    start = noise(policy, group)
    assert len({row.sum().item() for row in start}) == 3
    alone = euler(policy, start[2:], encoded)
    torch.testing.assert_close(euler(policy, start, group)[2:], alone, rtol=0.0, atol=2e-5)


def test_each_case_has_its_own_noise_level(policy: Any) -> None:
    condition = policy.encode(cases()[:2])
    start = noise(policy, condition)
    with torch.no_grad():
        mixed = policy.velocity(start, torch.tensor([0.9, 0.2]), condition)
        first = policy.velocity(start[:1], torch.tensor([0.9]), condition.take([0]))
        second = policy.velocity(start[1:], torch.tensor([0.2]), condition.take([1]))
    torch.testing.assert_close(mixed, torch.cat([first, second]), rtol=0.0, atol=1e-5)
    assert mixed.dtype == torch.float32


def test_instruction_source_and_noise_level_matter(policy: Any) -> None:
    condition = policy.encode(
        [EditRequest(picture(0), "remove", 0), EditRequest(picture(0), "add", 0), cases()[1]]
    )
    start = noise(policy, condition)[:1].repeat(3, 1, 1)
    with torch.no_grad():
        base, other_words, other_source = policy.velocity(start, torch.full((3,), 0.5), condition)
        other_level = policy.velocity(start[:1], torch.tensor([0.6]), condition.take([0]))[0]
    for changed in (other_words, other_source, other_level):
        assert (changed - base).abs().max() > 1e-3


def test_gradients_reach_the_network_alone(policy: Any, case: EditRequest) -> None:
    condition = policy.encode([case])
    velocity = policy.velocity(noise(policy, condition), torch.tensor([0.5]), condition)
    velocity.square().mean().backward()
    touched = [weight.grad for weight in policy.network.parameters() if weight.grad is not None]
    assert sum(float(gradient.abs().sum()) for gradient in touched) > 0
    frozen = [
        weight
        for name, module in policy.pipeline.components.items()
        if isinstance(module, torch.nn.Module) and module is not policy.network
        for weight in module.parameters()
    ]
    assert frozen
    assert not any(weight.requires_grad for weight in frozen)
    policy.network.zero_grad(set_to_none=True)


def test_pictures_to_latents_and_back(policy: Any, case: EditRequest) -> None:
    condition = policy.encode([case, case])
    images = [picture(3), picture(4)]
    latents = policy.latents(images, condition)
    assert latents.shape == (2, *policy.latent_shape(condition))
    assert latents.dtype == torch.float32
    assert not latents.requires_grad
    back = policy.decode(latents, condition)
    assert [image.shape for image in back] == [(64, 64, 3)] * 2
    assert back[0].dtype == np.uint8
    assert (back[0] != back[1]).mean() > 0.1


def test_a_source_is_encoded_like_any_picture(policy: Any, case: EditRequest) -> None:
    condition = policy.encode([case])
    torch.testing.assert_close(
        policy.latents([case.image], condition), condition.tensors["source"].float()
    )


def test_pictures_of_other_sizes_wait_for_another_batch(policy: Any, case: EditRequest) -> None:
    wide = EditRequest(picture(1, height=32, width=96), "remove", 0)
    with pytest.raises(UsageError, match="share their working size"):
        policy.encode([case, wide])


def test_references_are_more_source_tokens_where_the_network_takes_them(
    policy: Any, miniature: str, case: EditRequest
) -> None:
    request = EditRequest(case.image, case.instruction, 0, references=(picture(5),))
    if miniature == "kontext":
        with pytest.raises(BadInputError, match="references_unsupported"):
            policy.encode([request])
        return
    plain, more = policy.encode([case]), policy.encode([request])
    assert more.tensors["source"].shape[1] == 2 * plain.tensors["source"].shape[1]
    assert policy.latent_shape(more) == policy.latent_shape(plain)
    with pytest.raises(UsageError, match="working sizes"):
        policy.encode([case, request])


def test_conditions_can_be_kept_on_disk(policy: Any, case: EditRequest) -> None:
    static = policy.encode([case]).static
    assert json.loads(json.dumps(static)) == static
