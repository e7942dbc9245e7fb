"""Groups: shared prefix, windows, rounding, chunks; and that replaying a rollout is the rollout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.train.toy_policy import ToyPolicy, toy_request
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.train.align.config import AlignConfig, RolloutConfig
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.rollout import RolloutEngine, RowLimit, window_of
from editloop.train.align.steppers import Cps, Dpm2, FlowSde, log_prob
from editloop.train.align.trajectory import AlignCase, Trajectory, join_conditions
from editloop.train.policy import Condition

CASE = AlignCase("one", toy_request(1))


class CountingPolicy(ToyPolicy):
    """Counts samples that went through the network."""

    samples = 0

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        self.samples += len(x)
        return super().velocity(x, sigma, condition)


def drawn(policy: ToyPolicy, window: range = range(0), **settings: Any) -> Trajectory:
    config = RolloutConfig(**{"group_size": 4, "steps": 6, **settings})
    return RolloutEngine(policy, config).draw(
        CASE, policy.encode([CASE.request]), seed=5, window=window
    )


def test_a_group_is_made_again_from_its_seed_and_holds_different_images() -> None:
    first, again = drawn(ToyPolicy()), drawn(ToyPolicy())
    assert torch.equal(first.x0, again.x0)
    assert all(not torch.equal(first.x0[i], first.x0[j]) for i in range(4) for j in range(i + 1, 4))
    assert first.steps is None
    assert len(first.images) == 4


def test_an_ode_rollout_is_the_euler_sum_of_velocities() -> None:
    policy = ToyPolicy()
    group = drawn(policy)
    rows = policy.encode([CASE.request]).repeat(4)
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        for sigma in torch.linspace(1, 0, 7)[:-1]:
            x = x - policy.velocity(x, sigma.expand(4), rows) / 6
    assert torch.allclose(group.x0, x, atol=1e-5)


def test_equal_noise_computes_the_steps_before_the_window_once() -> None:
    policy = CountingPolicy()
    group = drawn(policy, range(2, 4), noise_stepper=Cps(eta=0.8), equal_noise=True)
    assert policy.samples == 2 * 1 + 4 * 4
    assert group.steps is not None
    assert torch.equal(group.steps.x[0], group.steps.x[0, :1].expand(4, -1, -1, -1))
    assert not torch.equal(group.x0[0], group.x0[1])


def test_without_a_window_equal_noise_still_gives_a_group_of_different_images() -> None:
    group = drawn(ToyPolicy(), noise_stepper=Cps(eta=0.8), equal_noise=True)
    assert not torch.equal(group.x0[0], group.x0[1])


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
@pytest.mark.parametrize("stepper", [FlowSde(eta=0.7), Cps(eta=0.8)])
def test_the_log_probabilities_of_a_rollout_are_found_again(stepper: Any, storage: str) -> None:
    policy = ToyPolicy()
    group = drawn(policy, range(3), noise_stepper=stepper, storage=storage)
    steps = group.steps
    assert steps is not None
    rows = group.condition.repeat(4)
    for number in range(3):
        x = steps.x[number]
        with torch.no_grad():
            velocity = policy.velocity(x, steps.sigma[number].expand(4), rows)
        new = stepper.step(
            x, velocity, steps.sigma[number], steps.sigma_next[number], steps.first_sigma
        )
        old = steps.old(number, slice(None))
        apart = log_prob(steps.y[number], new) - log_prob(steps.y[number], old)
        assert (apart.flatten(1).mean(1).exp() - 1).abs().max() < 1e-6
    if storage == "bfloat16":
        assert torch.equal(steps.y, steps.y.bfloat16().float())
    assert torch.equal(steps.x[1], steps.y[0])


def test_chunks_do_not_change_a_group() -> None:
    whole, parts = drawn(ToyPolicy()), drawn(ToyPolicy(), rows=3)
    assert torch.allclose(whole.x0, parts.x0, atol=1e-5)


def test_memory_that_runs_out_halves_the_batch_and_is_remembered() -> None:
    sizes: list[int] = []

    def picky(rows: slice) -> Tensor:
        sizes.append(rows.stop - rows.start)
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError
        return torch.arange(rows.start, rows.stop)

    limit = RowLimit()
    assert limit.map(picky, 7).tolist() == list(range(7))
    assert sizes == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert limit.rows == 1
    with pytest.raises(torch.OutOfMemoryError):
        RowLimit(1).map(lambda _: (_ for _ in ()).throw(torch.OutOfMemoryError()), 1)


def test_a_second_order_solver_needs_fewer_steps() -> None:
    policy = ToyPolicy()
    fine = drawn(policy, steps=64).x0
    euler, second = drawn(policy, steps=8).x0, drawn(policy, steps=8, solver=Dpm2()).x0
    assert (second - fine).square().mean() < (euler - fine).square().mean()


def test_windows_stay_off_the_last_step_and_move_as_asked() -> None:
    full = RolloutConfig(steps=6, noise_stepper=Cps())
    assert window_of(full, 0, 0, "a") == range(5)
    assert window_of(RolloutConfig(steps=6), 0, 0, "a") == range(0)
    random = full.model_copy(update={"window": 2})
    starts = {window_of(random, step, 0, "a").start for step in range(60)}
    assert starts == {0, 1, 2}
    sliding = random.model_copy(update={"window_start": "sliding", "slide_every": 2})
    assert [window_of(sliding, step, 0, "a").start for step in range(9)] == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        3,
        0,
    ]


def test_conditions_of_different_shapes_share_no_batch() -> None:
    policy = ToyPolicy()
    small = policy.encode([toy_request(0)])
    assert len(join_conditions([small, policy.encode([toy_request(1)])])) == 2
    with pytest.raises(UsageError, match="shapes"):
        join_conditions([small, policy.encode([toy_request(1, side=16)])])


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"objective": Grpo(), "rollout": RolloutConfig()}, "noise_stepper"),
        ({"rollout": RolloutConfig(noise_stepper=Cps())}, "clean samples"),
        ({"rollout": RolloutConfig(equal_noise=True)}, "equal images"),
        ({"rollout": RolloutConfig(group_size=3)}, "fewer than 4"),
        ({"lora": {"dropout": 0.1}}, "another policy"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        AlignConfig(**settings)


def test_images_are_the_decoded_latents() -> None:
    policy = ToyPolicy()
    group = drawn(policy)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(group.images, policy.decode(group.x0, group.condition), strict=True)
    )
