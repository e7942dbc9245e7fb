"""Gradients of the update: the same however samples are packed, and of the right samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from tests.train.align.runs import awm, dpo, grpo, nft
from tests.train.toy_policy import ToyPolicy, toy_request
from torch import Tensor

from editloop.train.align.anchor import Anchor
from editloop.train.align.config import AlignConfig
from editloop.train.align.lora import add_adapter
from editloop.train.align.objectives.preference import Dgpo
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.replay import (
    Batch,
    ForwardReplay,
    Replay,
    TrajectoryReplay,
    accumulate,
)
from editloop.train.align.rollout import RolloutEngine, RowLimit, window_of
from editloop.train.align.trajectory import AlignCase, RewardedGroup

Settings = Callable[[], AlignConfig]


def dgpo() -> AlignConfig:
    return nft(objective=Dgpo(beta=10.0))


def grpo_with_pull() -> AlignConfig:
    return grpo(objective=Grpo(velocity_kl=0.1))


class Prepared:
    """A policy that has moved from its reference, with groups drawn before the move."""

    def __init__(self, config: AlignConfig, missing: Sequence[int] = ()) -> None:
        self.policy = ToyPolicy()
        add_adapter(self.policy.unet, rank=4, alpha=8, targets=self.policy.lora_targets, seed=0)
        self.anchor = Anchor(self.policy.unet, keep_old=config.anchor.old != "live")
        self.replay = self._replay(config)
        self.groups = [self._group(config, number, missing) for number in range(3)]
        random = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in self.anchor.trainable:
                weight.add_(1e-4 * torch.randn(weight.shape, generator=random))

    def _replay(self, config: AlignConfig) -> Replay:
        stepper = config.rollout.noise_stepper
        if not isinstance(config.objective, Grpo) or stepper is None:
            return ForwardReplay(self.policy, self.anchor, config)
        objective = config.objective.for_stepper(stepper, 192)
        return TrajectoryReplay(self.policy, self.anchor, objective, stepper)

    def _group(self, config: AlignConfig, number: int, missing: Sequence[int]) -> RewardedGroup:
        case = AlignCase(f"{number}", toy_request(number))
        window = window_of(config.rollout, 0, 0, case.id)
        engine = RolloutEngine(self.policy, config.rollout)
        group = engine.draw(case, self.policy.encode([case.request]), seed=number, window=window)
        rewards = np.linspace(-1.5, 1.5, len(group))
        present = np.ones(len(group), bool)
        present[list(missing)] = False
        return RewardedGroup(group, [None] * len(group), rewards, rewards, present)

    def gradients(self, rows: int | None) -> tuple[list[Tensor], dict[str, float]]:
        units = self.replay.units(self.groups, torch.Generator().manual_seed(3))
        total = sum(map(len, units))
        stats = accumulate(self.replay, units, RowLimit(rows), total, self.anchor.trainable)
        return [w.grad.clone() for w in self.anchor.trainable if w.grad is not None], stats


@pytest.mark.parametrize(
    ("settings", "rows"),
    [(nft, 5), (awm, 5), (grpo, 3), (grpo_with_pull, 7), (dpo, 2), (dgpo, 8)],
)
def test_gradients_do_not_depend_on_how_samples_are_packed(settings: Settings, rows: int) -> None:
    prepared = Prepared(settings())
    whole, stats = prepared.gradients(None)
    parts, stats_of_parts = prepared.gradients(rows)
    size = sum(float(g.square().sum()) for g in whole) ** 0.5
    apart = sum(float((a - b).square().sum()) for a, b in zip(whole, parts, strict=True)) ** 0.5
    assert size > 0
    assert apart < 1e-4 * size
    assert stats["loss"] == pytest.approx(stats_of_parts["loss"], rel=1e-3, abs=1e-6)


def test_recomputed_activations_give_the_same_gradients() -> None:
    prepared = Prepared(grpo_with_pull())
    kept, _ = prepared.gradients(None)
    prepared.policy.unet.enable_gradient_checkpointing()
    recomputed, _ = prepared.gradients(None)
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(kept, recomputed, strict=True))


def test_a_sample_without_a_score_takes_no_part() -> None:
    all_there, one_gone = Prepared(nft()), Prepared(nft(), missing=[3])
    units = one_gone.replay.units(one_gone.groups, torch.Generator().manual_seed(3))
    assert sum(map(len, units)) == 3 * 7 * 2
    assert sum(map(len, all_there.replay.units(all_there.groups, torch.Generator()))) == 3 * 8 * 2
    shown = torch.cat([unit.tensors["x0"] for unit in units])
    hidden = torch.stack([group.trajectory.x0[3] for group in one_gone.groups])
    assert not any(torch.equal(x, gone) for x in shown for gone in hidden)


def test_pairs_are_best_and_worst_with_equal_noise() -> None:
    prepared = Prepared(dpo())
    units = prepared.replay.units(prepared.groups, torch.Generator().manual_seed(3))
    assert len(units) == 3 * 2
    for unit in units:
        assert torch.equal(unit.tensors["noise"][0], unit.tensors["noise"][1])
        assert unit.tensors["sigma"][0] == unit.tensors["sigma"][1]
    first = prepared.groups[0].trajectory.x0
    assert torch.equal(units[0].tensors["x0"], first[[7, 0]])


def test_memory_that_runs_out_starts_the_step_again_with_smaller_batches() -> None:
    prepared = Prepared(nft())
    whole, _ = prepared.gradients(None)
    real, tried = prepared.replay.loss, []

    class Cramped:
        objective = prepared.replay.objective

        def loss(self, batch: Batch) -> object:
            tried.append(len(batch))
            if len(batch) > 20:
                raise torch.OutOfMemoryError
            return real(batch)

    units = prepared.replay.units(prepared.groups, torch.Generator().manual_seed(3))
    limit = RowLimit()
    accumulate(Cramped(), units, limit, 48, prepared.anchor.trainable)  # type: ignore[arg-type]
    assert tried[:2] == [48, 24]
    assert limit.rows == 12
    for weight, expected in zip(prepared.anchor.trainable, whole, strict=True):
        assert weight.grad is not None
        assert torch.allclose(weight.grad, expected, atol=1e-5)
