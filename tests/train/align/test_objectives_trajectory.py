"""GRPO on denoising steps: on-policy ratios, what clip, Guard and DPPO do to a gradient, and the clip ranges."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.train.align.objectives import Grpo
from editloop.train.align.objectives.trajectory import RatioMode, default_clip_range
from editloop.train.align.steppers import (
    Cps,
    DanceSde,
    FlowSde,
    Ode,
    StepDistribution,
    Stepper,
    log_prob,
    sample,
)

NOISY: list[Stepper] = [FlowSde(), DanceSde(), Cps()]
MODES: list[RatioMode] = ["clip", "guard", "dppo"]
SHAPE = (6, 4, 8)
DIMENSIONS = 32


class Step:
    """One stored step of a rollout and a replay of it by a policy whose velocity moved by `shift`."""

    def __init__(self, stepper: Stepper, shift: float = 0.0, t: float = 0.8, t_next: float = 0.6):
        self.stepper, self.t, self.t_next = stepper, t, t_next
        generator = torch.Generator().manual_seed(0)
        self.x, v, noise, change, advantage = (
            torch.randn(shape, generator=generator).double()
            for shape in (SHAPE, SHAPE, SHAPE, SHAPE, SHAPE[:1])
        )
        self.advantage = advantage
        self.old = self.distribution(v)
        self.y = sample(self.old, noise)
        self.v = (v + shift * change).requires_grad_()
        self.reference = v

    def distribution(self, v: Tensor) -> StepDistribution:
        return self.stepper.step(self.x, v, self.t, self.t_next, 0.9)

    def gradient(self, objective: Grpo) -> tuple[Tensor, dict[str, float]]:
        result = objective.loss(
            self.distribution(self.v),
            self.old,
            self.y,
            self.advantage,
            self.v,
            self.reference,
            self.t,
            self.t_next,
        )
        (gradient,) = torch.autograd.grad(result.loss, self.v)
        return gradient, {name: float(value) for name, value in result.stats.items()}


@pytest.mark.parametrize("stepper", NOISY, ids=lambda s: s.kind)
@pytest.mark.parametrize("mode", MODES)
def test_on_policy_the_ratio_is_one_and_nothing_is_clipped(
    stepper: Stepper, mode: RatioMode
) -> None:
    step = Step(stepper)
    _, stats = step.gradient(Grpo(ratio=mode).for_stepper(stepper))
    assert stats["ratio_min"] == stats["ratio_max"] == 1.0
    assert stats["clip_share"] == stats["divergence"] == 0.0


@pytest.mark.parametrize("stepper", NOISY, ids=lambda s: s.kind)
@pytest.mark.parametrize("mode", ["clip", "dppo"])
def test_on_policy_the_gradient_is_the_policy_gradient(stepper: Stepper, mode: RatioMode) -> None:
    """-mean A grad mean log p: the score-function estimator, written without ratios."""
    step = Step(stepper)
    gradient, _ = step.gradient(Grpo(ratio=mode).for_stepper(stepper))
    density = log_prob(step.y, step.distribution(step.v)).flatten(1).mean(1)
    (expected,) = torch.autograd.grad(-(step.advantage * density).mean(), step.v)
    torch.testing.assert_close(gradient, expected)


def test_sum_and_mean_of_the_log_probability_differ_by_the_dimensions() -> None:
    step = Step(FlowSde())
    mean, _ = step.gradient(Grpo(ratio="clip", clip_range=1.0))
    total, _ = step.gradient(Grpo(ratio="clip", clip_range=1.0, reduction="sum"))
    torch.testing.assert_close(total, DIMENSIONS * mean)


def test_clip_stops_exactly_the_samples_that_went_far_enough() -> None:
    step = Step(FlowSde(), shift=0.3)
    gradient, stats = step.gradient(Grpo(ratio="clip", clip_range=0.01))
    ratio = torch.exp(
        (log_prob(step.y, step.distribution(step.v)) - log_prob(step.y, step.old))
        .flatten(1)
        .mean(1)
    )
    done = ((ratio > 1.01) & (step.advantage > 0)) | ((ratio < 0.99) & (step.advantage < 0))
    still = gradient.flatten(1).abs().amax(1) == 0
    assert torch.equal(still, done)
    assert 0 < done.sum() < len(done)
    assert stats["clip_share"] == pytest.approx(done.double().mean().item())


def test_log_ratios_are_biased_by_minus_the_divergence_and_guard_centres_them() -> None:
    """E_old[difference] = -mean(delta^2) / (2 std^2): the bias that keeps ratios below 1 and the clip one-sided."""
    generator = torch.Generator().manual_seed(3)
    old = StepDistribution(
        torch.randn(64, 4096, generator=generator).double(), torch.tensor([[0.05]]).double()
    )
    new = StepDistribution(
        old.mean + 3e-3 * torch.randn(old.mean.shape, generator=generator), old.std
    )
    y = sample(old, torch.randn(old.mean.shape, generator=generator))
    difference = (log_prob(y, new) - log_prob(y, old)).mean(1)
    bias = ((new.mean - old.mean).square() / (2 * old.std.square())).mean(1)
    standard_error = (difference + bias).std() / 8
    assert (difference.mean() + bias.mean()).abs() < 3 * standard_error
    assert bias.mean() > 3 * standard_error

    plain, centred = (
        Grpo(ratio=mode, clip_range=1e-6).loss(new, old, y, torch.ones(64), y, None, 0.8, 0.7)
        for mode in ("clip", "guard")
    )
    assert plain.stats["ratio_p95"] < 1
    assert centred.stats["ratio_p05"] < 1 < centred.stats["ratio_p95"]


@pytest.mark.parametrize("mode", ["clip", "guard"])
def test_guard_weighs_all_levels_alike(mode: RatioMode) -> None:
    """Flow-SDE's mean moves by (1 + eta^2 / 2) dt a unit of velocity, so with Guard the gradient's size no longer knows t."""
    sizes = [
        Step(FlowSde(), t=t, t_next=t_next)
        .gradient(Grpo(ratio=mode, clip_range=1.0))[0]
        .norm()
        .item()
        for t, t_next in ((0.9, 0.8), (0.5, 0.3), (0.2, 0.1))
    ]
    assert (max(sizes) / min(sizes) < 1 + 1e-9) == (mode == "guard")


def test_dppo_masks_only_what_is_far_and_going_further() -> None:
    near, far = Step(FlowSde(), shift=1e-4), Step(FlowSde(), shift=0.3)
    objective = Grpo(ratio="dppo", divergence_limit=1e-5)
    gradient, stats = near.gradient(objective)
    assert stats["divergence"] < 1e-5
    assert stats["clip_share"] == 0

    gradient, stats = far.gradient(objective)
    assert stats["divergence"] > 1e-5
    masked = gradient.flatten(1).abs().amax(1) == 0
    ratio = torch.exp(
        (log_prob(far.y, far.distribution(far.v)) - log_prob(far.y, far.old)).flatten(1).mean(1)
    )
    assert torch.equal(masked, (ratio - 1) * far.advantage > 0)
    assert 0 < masked.sum() < len(masked)


def test_velocity_kl_is_zero_with_adapters_off_and_pulls_back_otherwise() -> None:
    objective = Grpo(ratio="clip", clip_range=1e-4, velocity_kl=0.5)
    assert objective.needs_reference
    _, stats = Step(FlowSde()).gradient(objective)
    assert stats["velocity_kl"] == 0

    moved = Step(FlowSde(), shift=0.1)
    moved.advantage = torch.zeros_like(moved.advantage)
    gradient, stats = moved.gradient(objective)
    drift = moved.v - moved.reference
    torch.testing.assert_close(gradient, 0.5 * 2 * drift.detach() / drift.numel())
    assert stats["velocity_kl"] == pytest.approx(drift.square().mean().item())


def test_velocity_kl_without_a_reference_is_refused() -> None:
    step = Step(FlowSde())
    with pytest.raises(UsageError, match="no reference velocity"):
        Grpo(ratio="dppo", velocity_kl=0.1).loss(
            step.old, step.old, step.y, step.advantage, step.v, None, 0.8, 0.6
        )


def test_clip_ranges_are_kept_by_stepper_and_widen_for_small_latents() -> None:
    assert default_clip_range("flow_sde", "clip") == 1e-4
    assert default_clip_range("cps", "clip") == 1e-5
    assert default_clip_range("cps", "guard") == 2e-6
    assert default_clip_range("cps", "clip", dimensions=65_536 // 16) == pytest.approx(4e-5)
    assert Grpo(ratio="clip").for_stepper(Cps()).clip_range == 1e-5
    assert Grpo(ratio="clip", clip_range=0.2).for_stepper(Cps()).clip_range == 0.2
    with pytest.raises(UsageError, match="no clip range for dpm2"):
        default_clip_range("dpm2", "clip")


def test_grpo_refuses_what_has_no_ratios() -> None:
    with pytest.raises(UsageError, match="has no noise"):
        Grpo().for_stepper(Ode())
    with pytest.raises(UsageError, match="for_stepper"):
        Step(FlowSde()).gradient(Grpo(ratio="clip"))
