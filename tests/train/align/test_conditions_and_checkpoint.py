from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.align.runs import toy_cases
from tests.train.toy_policy import ToyPolicy, toy_request

from editloop.core.errors import StoreError
from editloop.models.roles import EditRequest
from editloop.train.align.checkpoint import (
    load_checkpoint,
    pack_optimizer,
    pack_random_states,
    save_checkpoint,
    unpack_optimizer,
    unpack_random_states,
)
from editloop.train.align.conditions import ConditionCache, request_key
from editloop.train.align.sampler import CaseSampler
from editloop.train.policy import Condition


def test_a_condition_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    first, second = ToyPolicy(), ToyPolicy()
    made = ConditionCache(first, tmp_path).get(toy_request(0))
    found = ConditionCache(second, tmp_path).get(toy_request(0))
    assert (first.encoded, second.encoded) == (1, 0)
    assert found.static == made.static
    assert all(torch.equal(made.tensors[name], found.tensors[name]) for name in made.tensors)


def test_the_key_is_what_an_encoder_reads_and_not_the_seed() -> None:
    policy, base = ToyPolicy(), toy_request(0)
    key = request_key(policy, base)
    assert request_key(policy, replace(base, seed=99)) == key
    others = [
        replace(base, instruction="other"),
        replace(base, context=("earlier",)),
        replace(base, references=(base.image,)),
        replace(base, image=255 - base.image),
    ]
    assert len({key, *(request_key(policy, other) for other in others)}) == 5


def test_what_json_would_change_stays_in_memory(tmp_path: Path) -> None:
    class Shaped(ToyPolicy):
        def encode(self, requests: list[EditRequest]) -> Condition:  # type: ignore[override]
            return replace(super().encode(requests), static={"size": (8, 8)})

    cache = ConditionCache(Shaped(), tmp_path)
    assert cache.get(toy_request(0)).static == {"size": (8, 8)}
    assert list(tmp_path.iterdir()) == []
    assert cache.get(toy_request(0)).static == {"size": (8, 8)}
    assert cache.encoded == 1


def test_memory_holds_the_latest(tmp_path: Path) -> None:
    del tmp_path
    cache = ConditionCache(ToyPolicy(), in_memory=2)
    for number in (0, 1, 2, 1, 0):
        cache.get(toy_request(number))
    assert cache.encoded == 4


def test_the_newest_checkpoints_stay_and_half_a_one_is_none(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, step, {"name": f"s{step}"}, {"w": torch.tensor([step])}, keep=2)
    folder = tmp_path / "checkpoints"
    assert sorted(path.name for path in folder.iterdir()) == ["step-00000002", "step-00000003"]
    (folder / ".partial-00000004").mkdir()
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found[0] == {"name": "s3", "step": 3}
    assert found[1]["w"].item() == 3
    assert load_checkpoint(tmp_path / "elsewhere") is None


def test_a_damaged_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 1, {}, {"w": torch.ones(1)})
    (tmp_path / "checkpoints" / "step-00000001" / "tensors.safetensors").write_bytes(b"torn")
    with pytest.raises(StoreError, match="delete it"):
        load_checkpoint(tmp_path)


def test_an_optimiser_goes_on_bit_for_bit() -> None:
    def stepped(weight: torch.Tensor, optimizer: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            weight.pow(3).sum().backward()
            optimizer.step()

    weights = [torch.nn.Parameter(torch.linspace(1, 2, 4)) for _ in range(2)]
    made = [torch.optim.AdamW([weight], lr=0.1, betas=(0.8, 0.9)) for weight in weights]
    stepped(weights[0], made[0], 5)
    stepped(weights[1], made[1], 3)
    packed, tensors = pack_optimizer(made[1])
    fresh = torch.nn.Parameter(weights[1].detach().clone())
    optimizer = torch.optim.AdamW([fresh], lr=0.5)
    unpack_optimizer(optimizer, packed, tensors)
    stepped(fresh, optimizer, 2)
    assert torch.equal(fresh, weights[0])


def test_global_random_states_come_back() -> None:
    before = pack_random_states()
    numbers, tensors = pack_random_states()
    drawn = (random.random(), np.random.random(), torch.rand(1).item())  # noqa: NPY002
    unpack_random_states(numbers, tensors)
    assert drawn == (random.random(), np.random.random(), torch.rand(1).item())  # noqa: NPY002
    unpack_random_states(*before)


def test_every_epoch_takes_every_case_in_another_order() -> None:
    cases = toy_cases(8)
    names = [draw.case.id for draw in CaseSampler(cases, seed=1).take(16)]
    assert sorted(names[:8]) == sorted(names[8:]) == sorted(case.id for case in cases)
    assert names[:8] != names[8:]


def test_a_sampler_goes_on_from_its_position_and_processes_share_the_order() -> None:
    cases = toy_cases(5)
    whole = CaseSampler(cases, seed=1).take(12)
    assert CaseSampler(cases, seed=1, position=7).take(5) == whole[7:]
    shares = [CaseSampler(cases, seed=1, rank=rank, processes=2).take(6) for rank in (0, 1)]
    assert [draw for pair in zip(*shares, strict=True) for draw in pair] == whole
    assert len({draw.seed for draw in whole}) == 12
