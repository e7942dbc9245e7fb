from __future__ import annotations

import pytest
import torch
from tests.train.toy_policy import ToyPolicy, toy_network, toy_request
from torch import Tensor

from editloop.core.errors import StoreError, UsageError
from editloop.train.align.anchor import Anchor, decay_at
from editloop.train.align.lora import add_adapter, has_adapters


def predicted(policy: ToyPolicy) -> Tensor:
    condition = policy.encode([toy_request(0)])
    x = torch.linspace(-1, 1, 192).reshape(1, 3, 8, 8)
    with torch.no_grad():
        return policy.velocity(x, torch.tensor([0.5]), condition)


def adapted(seed: int = 0) -> ToyPolicy:
    policy = ToyPolicy()
    add_adapter(policy.unet, rank=4, alpha=8, targets=policy.lora_targets, seed=seed)
    return policy


def move(anchor: Anchor, by: float = 0.1) -> None:
    with torch.no_grad():
        for weight in anchor.trainable:
            weight.add_(by)


def test_the_schedules_of_the_old_policy() -> None:
    assert decay_at("live", 100) == 0
    assert [decay_at("slow_start", n) for n in (0, 100, 10_000)] == [0, 0.1, 0.5]
    assert [decay_at("late_start", n) for n in (75, 77, 10_000)] == [0, 0.015, 0.999]
    assert decay_at(0.3, 5) == 0.3


def test_a_fresh_adapter_changes_nothing_and_its_seed_decides_it() -> None:
    assert torch.equal(predicted(ToyPolicy()), predicted(adapted()))
    first, again, other = (Anchor(adapted(seed).unet).trainable for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    adapted()
    assert torch.equal(before, torch.get_rng_state())


def test_reference_is_the_adapter_off_and_old_lags_behind() -> None:
    policy = adapted()
    anchor = Anchor(policy.unet, keep_old=True)
    base = predicted(policy)
    move(anchor)
    moved = predicted(policy)
    assert not torch.equal(base, moved)
    with anchor.reference():
        assert torch.equal(predicted(policy), base)
    with anchor.old():
        assert torch.equal(predicted(policy), base)
    assert torch.equal(predicted(policy), moved)
    anchor.follow(0.0)
    with anchor.old():
        assert torch.equal(predicted(policy), moved)


def test_full_fine_tuning_keeps_copies_for_the_same_roles() -> None:
    policy = ToyPolicy()
    anchor = Anchor(policy.unet, keep_old=True, keep_reference=True)
    base = predicted(policy)
    move(anchor, 0.01)
    anchor.follow(0.0)
    moved = predicted(policy)
    move(anchor, 0.01)
    with anchor.reference():
        assert torch.equal(predicted(policy), base)
    with anchor.old():
        assert torch.equal(predicted(policy), moved)
    with pytest.raises(ValueError, match="was not kept"):
        Anchor(policy.unet).reference()


def test_swapping_leaves_gradients_to_the_live_weights() -> None:
    policy = adapted()
    anchor = Anchor(policy.unet, keep_old=True)
    move(anchor, 0.01)
    condition = policy.encode([toy_request(0)])
    x, sigma = torch.ones(1, 3, 8, 8), torch.tensor([0.5])
    live = policy.velocity(x, sigma, condition)
    with torch.no_grad(), anchor.old():
        policy.velocity(x, sigma, condition)
    with torch.no_grad(), anchor.reference():
        policy.velocity(x, sigma, condition)
    live.square().sum().backward()
    assert all(weight.grad is not None and weight.requires_grad for weight in anchor.trainable)
    frozen = [p for n, p in policy.unet.named_parameters() if "lora" not in n]
    assert all(p.grad is None for p in frozen)


def test_an_average_moves_by_its_decay() -> None:
    anchor = Anchor(adapted().unet, keep_average=True)
    before = anchor.tensors()
    move(anchor, 1.0)
    anchor.follow_average(0.75)
    for name, value in anchor.tensors().items():
        if name.startswith("average/"):
            assert torch.allclose(value, before[name] + 0.25)


def test_a_checkpoint_of_another_adapter_is_refused() -> None:
    policy = ToyPolicy()
    add_adapter(policy.unet, rank=2, alpha=4, targets=("to_q",), seed=0)
    with pytest.raises(StoreError, match="another network"):
        Anchor(adapted().unet).load(Anchor(policy.unet).tensors())


def test_an_adapter_on_a_bfloat16_network_is_float32() -> None:
    network = torch.nn.ModuleDict({"to_q": torch.nn.Linear(8, 8)}).bfloat16()
    x = torch.ones(1, 8, dtype=torch.bfloat16)
    before = network["to_q"](x)
    add_adapter(network, rank=2, alpha=2, targets=("to_q",), seed=0)
    assert {weight.dtype for weight in Anchor(network).trainable} == {torch.float32}
    after = network["to_q"](x)
    assert after.dtype == torch.bfloat16
    assert torch.equal(after, before)


def test_targets_that_nothing_is_called_and_a_second_adapter_are_refused() -> None:
    network = toy_network()
    with pytest.raises(UsageError, match="no layer"):
        add_adapter(network, rank=2, alpha=2, targets=("attention",), seed=0)
    assert not has_adapters(network)
    add_adapter(network, rank=2, alpha=2, targets=("to_q",), seed=0)
    with pytest.raises(UsageError, match="already"):
        add_adapter(network, rank=2, alpha=2, targets=("to_q",), seed=0)
