"""Steppers against the equations they come from, and what each keeps or loses of the marginals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.train.align.steppers import (
    Cps,
    DanceSde,
    Dpm2,
    FlowSde,
    Ode,
    StepDistribution,
    Stepper,
    log_prob,
    round_to,
    sample,
)

NOISY: list[Stepper] = [FlowSde(eta=0.7), DanceSde(eta=0.3), Cps(eta=0.8)]
ALL: list[Stepper] = [*NOISY, Ode(), Dpm2()]
SHAPE = (4, 3, 8, 8)
quick = settings(max_examples=50, deadline=None)
by_kind = pytest.mark.parametrize("stepper", NOISY, ids=lambda s: s.kind)


def _latents(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(shape, generator=generator, dtype=torch.float64),
        torch.randn(shape, generator=generator, dtype=torch.float64),
    )


levels = st.tuples(st.floats(0.02, 0.999), st.floats(0.01, 0.99)).map(
    lambda pair: (pair[0], pair[0] * pair[1])
)


@quick
@given(levels)
def test_flow_sde_is_the_langevin_form_of_the_flow(pair: tuple[float, float]) -> None:
    """dx = [v - g^2 / 2 score] dt + g dw with score = -noise / t, written without the simplified coefficients."""
    t, t_next = pair
    x, v = _latents()
    g = 0.7 * math.sqrt(t / (1 - t))
    score = -(x + (1 - t) * v) / t
    step = FlowSde(eta=0.7).step(x, v, t, t_next, 0.999)
    expected = x + (v - g**2 / 2 * score) * (t_next - t)
    torch.testing.assert_close(step.mean, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(
        step.std.flatten(), torch.tensor([g * math.sqrt(t - t_next)]).double()
    )


def test_first_level_stands_in_for_one() -> None:
    """At t = 1 Flow-SDE's g has the next level in its denominator, and nowhere else."""
    x, v = _latents()
    g = 0.7 * math.sqrt(1 / (1 - 0.9))
    step = FlowSde(eta=0.7).step(x, v, 1.0, 0.9, 0.9)
    torch.testing.assert_close(step.mean, x + (v + g**2 / 2 * x) * -0.1)
    assert step.std.item() == pytest.approx(g * math.sqrt(0.1))


@quick
@given(levels, st.floats(0, 1))
def test_cps_splits_the_noise_and_keeps_its_total(pair: tuple[float, float], eta: float) -> None:
    t, t_next = pair
    clean, noise = _latents()
    step = Cps(eta=eta).step((1 - t) * clean + t * noise, noise - clean, t, t_next, 0.999)
    kept = (step.mean - (1 - t_next) * clean) / noise
    torch.testing.assert_close(kept, kept.mean().expand_as(kept), rtol=1e-6, atol=1e-6)
    assert kept.mean().item() ** 2 + step.std.item() ** 2 == pytest.approx(t_next**2, rel=1e-6)


def test_flow_sde_leaves_excess_noise_where_cps_leaves_none() -> None:
    """With a perfect prediction of one clean picture, Flow-SDE's next latent is noisier than t' by up to a half."""
    clean, noise = _latents(shape=(1, 1))
    t, t_next = 0.6, 0.4
    steps = {
        s.kind: s.step((1 - t) * clean + t * noise, noise - clean, t, t_next, 0.9) for s in NOISY
    }
    total = {
        kind: math.hypot(((d.mean - (1 - t_next) * clean) / noise).item(), d.std.item())
        for kind, d in steps.items()
    }
    assert total["cps"] == pytest.approx(t_next, abs=1e-12)
    assert total["flow_sde"] > 1.1 * t_next


@quick
@given(levels)
def test_without_noise_every_stepper_is_the_ode(pair: tuple[float, float]) -> None:
    t, t_next = pair
    x, v = _latents()
    for stepper in (FlowSde(eta=0), DanceSde(eta=0), Cps(eta=0), Ode(), Dpm2()):
        step = stepper.step(x, v, t, t_next, 0.999)
        torch.testing.assert_close(step.mean, x + v * (t_next - t), rtol=1e-9, atol=1e-9)
        assert step.std.max() == 0
        assert not stepper.stochastic


@pytest.mark.parametrize("stepper", ALL, ids=lambda s: s.kind)
def test_the_step_onto_zero_lands_on_the_clean_prediction(stepper: Stepper) -> None:
    x, v = _latents()
    step = stepper.step(x, v, 0.1, 0.0, 0.9)
    torch.testing.assert_close(step.mean, x - 0.1 * v)
    assert step.std.max() == 0
    with pytest.raises(UsageError, match="before the last step"):
        log_prob(x, step)


@pytest.mark.parametrize("stepper", ALL, ids=lambda s: s.kind)
def test_a_level_a_sample_equals_one_call_a_level(stepper: Stepper) -> None:
    x, v = _latents()
    sigmas, nexts = torch.tensor([1.0, 0.8, 0.5, 0.2]), torch.tensor([0.8, 0.5, 0.2, 0.0])
    together = stepper.step(x, v, sigmas, nexts, 0.8)
    for i in range(4):
        alone = stepper.step(x[i : i + 1], v[i : i + 1], sigmas[i], nexts[i], 0.8)
        torch.testing.assert_close(together.mean[i : i + 1], alone.mean)
        torch.testing.assert_close(
            together.std.expand(4, 1, 1, 1)[i : i + 1], alone.std.expand(1, 1, 1, 1)
        )


@by_kind
def test_half_precision_is_computed_in_float32(stepper: Stepper) -> None:
    x, v = (latent.bfloat16() for latent in _latents())
    step = stepper.step(x, v, 0.8, 0.7, 0.9)
    assert step.mean.dtype == torch.float32
    torch.testing.assert_close(step.mean, stepper.step(x.float(), v.float(), 0.8, 0.7, 0.9).mean)


@by_kind
def test_samples_and_densities_agree_with_torch(stepper: Stepper) -> None:
    """Monte Carlo mean and standard deviation of what is drawn, and the density of torch's own normal distribution."""
    x, v = _latents(shape=(1, 3))
    step = stepper.step(x, v, 0.7, 0.5, 0.9)
    noise = torch.randn(40_000, 3, generator=torch.Generator().manual_seed(1)).double()
    drawn = sample(step, noise)
    standard_error = step.std.item() / 200
    torch.testing.assert_close(drawn.mean(0), step.mean[0], atol=4 * standard_error, rtol=0)
    torch.testing.assert_close(
        drawn.std(0), step.std.expand(1, 3)[0], atol=4 * standard_error, rtol=0
    )
    reference = torch.distributions.Normal(step.mean, step.std)
    torch.testing.assert_close(log_prob(drawn, step), reference.log_prob(drawn))


def _final_moments(
    stepper: Stepper, steps: int, mean: float, std: float, velocity: Callable[..., Tensor]
) -> tuple[float, float]:
    """Exact mean and standard deviation of the latents near t = 0; velocities are affine in x, so moments close."""
    sigmas = torch.linspace(1, 0.01, steps + 1).double()
    centre, variance = torch.zeros(1, 1).double(), 1.0
    for t, t_next in itertools.pairwise(sigmas):
        ends = [
            stepper.step(x, velocity(x, t, mean, std), t, t_next, sigmas[1])
            for x in (centre, centre + 1)
        ]
        slope = (ends[1].mean - ends[0].mean).item()
        centre, variance = ends[0].mean, slope**2 * variance + ends[0].std.item() ** 2
    return centre.item(), math.sqrt(variance)


@pytest.mark.parametrize("stepper", [FlowSde(eta=0.7), DanceSde(eta=0.3)], ids=lambda s: s.kind)
def test_fine_sde_steps_keep_the_marginals(
    stepper: Stepper, gaussian_velocity: Callable[..., Tensor]
) -> None:
    """Data N(0.8, 0.5^2): the latent at t = 0.01 is N(0.99 * 0.8, 0.99^2 0.5^2 + 0.01^2) whatever the noise of the way."""
    errors = []
    for steps in (10, 400):
        mean, std = _final_moments(stepper, steps, 0.8, 0.5, gaussian_velocity)
        errors.append(max(abs(mean - 0.792), abs(std - math.hypot(0.495, 0.01))))
    assert errors[1] < 2e-3
    assert errors[1] < errors[0] / 10


def test_marginals_by_simulation(gaussian_velocity: Callable[..., Tensor]) -> None:
    """The same with particles and drawn noise: the code path of a rollout."""
    generator = torch.Generator().manual_seed(0)
    sigmas = torch.linspace(1, 0, 101)
    x = torch.randn(20_000, 1, generator=generator)
    for t, t_next in itertools.pairwise(sigmas):
        step = FlowSde(eta=0.7).step(x, gaussian_velocity(x, t, 0.8, 0.5), t, t_next, sigmas[1])
        x = sample(step, torch.randn(x.shape, generator=generator))
    assert x.mean().item() == pytest.approx(0.8, abs=0.02)
    assert x.std().item() == pytest.approx(0.5, abs=0.02)


def _ode_error(steps: int, velocity: Callable[..., Tensor], *, second_order: bool) -> float:
    """Error at t = 0.1 against the exact flow map of a Gaussian, x(t) = m(t) + std(t) x(1)."""
    sigmas = torch.linspace(1, 0.1, steps + 1).double()
    start = torch.tensor([[-1.0], [0.5], [2.0]]).double()
    x, solver, previous = start, Dpm2(), None
    for t, t_next in itertools.pairwise(sigmas):
        v = velocity(x, t, 0.8, 0.5)
        if second_order:
            moved = solver.step(x, v, t, t_next, sigmas[1], previous).mean
            previous = solver.remember(x, v, t)
        else:
            moved = Ode().step(x, v, t, t_next, sigmas[1]).mean
        x = moved
    exact = 0.9 * 0.8 + math.hypot(0.9 * 0.5, 0.1) * start
    return (x - exact).abs().max().item()


def test_dpm2_converges_at_second_order(gaussian_velocity: Callable[..., Tensor]) -> None:
    euler = [_ode_error(n, gaussian_velocity, second_order=False) for n in (40, 80)]
    dpm = [_ode_error(n, gaussian_velocity, second_order=True) for n in (40, 80)]
    assert euler[0] / euler[1] == pytest.approx(2, abs=0.3)
    assert dpm[0] / dpm[1] > 3.3
    assert dpm[0] < euler[0] / 5


def _mean_log_prob(stepper: Stepper, x: Tensor, v: Tensor, y: Tensor, t: float) -> Tensor:
    return log_prob(y, stepper.step(x, v, t, t - 0.1, 0.9)).flatten(1).mean(1)


@pytest.mark.parametrize(("t", "shift"), [(0.9, 1e-6), (0.2, 1e-5)])
def test_rounding_after_the_log_probability_moves_the_ratio(t: float, shift: float) -> None:
    """The trap: stored in bfloat16 after scoring, log-probabilities shift by more than a clip range of 1e-5 at low noise.

    Scored after rounding, the replay from storage is the same to the last bit, at every level.
    """
    stepper = FlowSde(eta=0.7)
    x, v = (latent.float() for latent in _latents(shape=(16, 4096)))
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))

    drawn = sample(stepper.step(x, v, t, t - 0.1, 0.9), noise)
    scored_too_early = _mean_log_prob(stepper, x, v, drawn, t)
    stored_x, stored_y = x.bfloat16(), drawn.bfloat16()
    replayed = _mean_log_prob(stepper, stored_x.float(), v, stored_y.float(), t)
    assert (replayed - scored_too_early).abs().max() > shift

    x = round_to(x, torch.bfloat16)
    drawn = round_to(sample(stepper.step(x, v, t, t - 0.1, 0.9), noise), torch.bfloat16)
    scored = _mean_log_prob(stepper, x, v, drawn, t)
    replayed = _mean_log_prob(stepper, x.bfloat16().float(), v, drawn.bfloat16().float(), t)
    assert torch.equal(scored, replayed)


def test_steppers_refuse_nonsense() -> None:
    with pytest.raises(ValidationError):
        Cps(eta=1.5)
    with pytest.raises(UsageError, match="differ in shape"):
        Ode().step(torch.zeros(2, 3), torch.zeros(2, 4), 1.0, 0.9, 0.9)


def test_detached_distribution_keeps_its_numbers() -> None:
    mean = torch.ones(2, 3, requires_grad=True)
    step = StepDistribution(mean * 2, torch.ones(1, 1)).detach()
    assert not step.mean.requires_grad
    assert step.mean.sum() == 12
