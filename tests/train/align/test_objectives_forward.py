"""The forward family: each published loss, written out, against the one regression that stands for all of them."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.train.align.objectives import Awm, Dgpo, Dpo, Nft, Renoised, Rwr, Velocities
from editloop.train.align.objectives.noising import renoise, share_in_pairs, stratified_sigmas
from editloop.train.align.objectives.regression import WeightedRegression

SHAPE = (8, 4, 4)
quick = settings(max_examples=25, deadline=None)


def _batch(seed: int = 0) -> tuple[Velocities, Renoised]:
    generator = torch.Generator().manual_seed(seed)
    new, old, reference, x0, noise = (
        torch.randn(SHAPE, generator=generator, dtype=torch.float64) for _ in range(5)
    )
    sigma = 0.1 + 0.8 * torch.rand(SHAPE[0], generator=generator, dtype=torch.float64)
    advantage = 3 * torch.randn(SHAPE[0], generator=generator, dtype=torch.float64)
    return Velocities(new.requires_grad_(), old, reference), Renoised(x0, noise, sigma, advantage)


def _gradient(loss: Tensor, velocity: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(loss, velocity)
    return gradient


def _mean(values: Tensor) -> Tensor:
    return values.mean((1, 2))


def _nft(velocities: Velocities, batch: Renoised, b: float, *, normalised: bool) -> Tensor:
    """DiffusionNFT as the paper has it: two implicit policies, clean predictions, adaptive weights."""
    assert batch.advantage is not None
    assert velocities.old is not None
    t = batch.sigma[:, None, None]
    x_t = renoise(batch.x0, batch.noise, batch.sigma)
    p = 0.5 + 0.5 * (batch.advantage / 5).clamp(-1, 1)
    terms = []
    for share, sign in ((p, 1), (1 - p, -1)):
        implicit = (1 - sign * b) * velocities.old + sign * b * velocities.new
        deviation = x_t - t * implicit - batch.x0
        weight = _mean(deviation.detach().abs()).clamp_min(1e-5) if normalised else 1.0
        terms.append(share * _mean(deviation.square()) / weight)
    return (5 / b) * (terms[0] + terms[1]).mean()


@quick
@given(st.sampled_from([0.1, 0.5, 1.0]), st.booleans(), st.integers(0, 99))
def test_nft_equals_its_two_branches(b: float, normalised: bool, seed: int) -> None:
    """Value and gradient of the published loss to 1e-12, with and without its adaptive weights."""
    velocities, batch = _batch(seed)
    ours = Nft(b=b, per_sample_norm=normalised).loss(velocities, batch).loss
    theirs = _nft(velocities, batch, b, normalised=normalised)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        _gradient(ours, velocities.new), _gradient(theirs, velocities.new), rtol=1e-12, atol=1e-12
    )


@quick
@given(st.floats(0.05, 1.5), st.floats(0, 1), st.integers(0, 99))
def test_the_identity_of_the_forward_family(b: float, p: float, seed: int) -> None:
    """p ||v+ - u||^2 + (1-p) ||v- - u||^2 = ||v_old - u||^2 + 2 b (2p - 1) <v_old - u, d> + b^2 ||d||^2, to 1e-12."""
    velocities, batch = _batch(seed)
    assert velocities.old is not None
    old, u = velocities.old, batch.target
    d = velocities.new.detach() - old
    two_branches = p * _mean((old + b * d - u).square()) + (1 - p) * _mean(
        (old - b * d - u).square()
    )
    regression = (
        _mean((old - u).square())
        + 2 * b * (2 * p - 1) * _mean((old - u) * d)
        + b**2 * _mean(d.square())
    )
    torch.testing.assert_close(two_branches, regression, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("b", [0.1, 1.0])
def test_nft_at_the_old_policy_is_signed_matching(b: float) -> None:
    """Gradient b (2p - 1) grad ||v - u||^2 at theta = old, times NFT's A_max / b and the t^2 of clean predictions."""
    velocities, batch = _batch()
    assert batch.advantage is not None
    start = velocities.old.clone().requires_grad_() if velocities.old is not None else None
    assert start is not None
    here = Velocities(start, start.detach())
    ours = _gradient(Nft(b=b, per_sample_norm=False).loss(here, batch).loss, start)
    sign = (batch.advantage / 5).clamp(-1, 1)
    matching = (sign * batch.sigma.square() * _mean((start - batch.target).square())).mean()
    torch.testing.assert_close(ours, _gradient(5 / b * b * matching, start))


def test_a_larger_b_holds_nft_closer_to_the_old_policy() -> None:
    """The best velocity for a wholly good sample is old + (u - old) / b: b sets the size of the trust region."""
    velocities, batch = _batch()
    assert velocities.old is not None
    best = Renoised(batch.x0, batch.noise, batch.sigma, torch.full((8,), 5.0).double())
    for b in (0.5, 1.0, 2.0):
        optimum = (velocities.old + (batch.target - velocities.old) / b).requires_grad_()
        loss = Nft(b=b, per_sample_norm=False).loss(Velocities(optimum, velocities.old), best).loss
        assert _gradient(loss, optimum).abs().max() < 1e-12


@pytest.mark.parametrize("power", [1.0, 0.25])
@pytest.mark.parametrize("clip_range", [0.01, 10.0])
def test_awm_equals_ppo_on_its_surrogate(power: float, clip_range: float) -> None:
    velocities, batch = _batch()
    assert batch.advantage is not None
    assert velocities.old is not None

    def surrogate(v: Tensor) -> Tensor:
        error = _mean((v - batch.target).square()) + 1e-10
        return -batch.sigma * (error**power - 1e-10**power) / power

    ratio = torch.exp(surrogate(velocities.new) - surrogate(velocities.old))
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    theirs = torch.maximum(-batch.advantage * ratio, -batch.advantage * clipped).mean()
    theirs = theirs + 0.1 * (velocities.new - velocities.old).square().mean()
    result = Awm(power=power, clip_range=clip_range).loss(velocities, batch)
    torch.testing.assert_close(result.loss, theirs, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(
        _gradient(result.loss, velocities.new), _gradient(theirs, velocities.new)
    )
    assert (result.stats["clip_share"] > 0) == (clip_range < 1)


def test_awm_on_policy_has_ratio_one() -> None:
    velocities, batch = _batch()
    stats = Awm().loss(Velocities(velocities.new, velocities.new), batch).stats
    assert stats["ratio_min"] == stats["ratio_max"] == 1
    assert stats["distance_to_old"] == 0


def test_rwr_weighs_supervised_matching_by_exponentials() -> None:
    velocities, batch = _batch()
    assert batch.advantage is not None
    weights = torch.exp(batch.advantage / 2 - 1 / 8).clamp_max(3)
    theirs = (weights * _mean((velocities.new - batch.target).square())).mean()
    result = Rwr(temperature=2, weight_max=3).loss(velocities, batch)
    torch.testing.assert_close(result.loss, theirs)
    torch.testing.assert_close(
        _gradient(result.loss, velocities.new), _gradient(theirs, velocities.new)
    )
    normal = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    many = Renoised(normal[:, None], normal[:, None], normal, normal)
    assert Rwr(temperature=2).loss(Velocities(normal[:, None]), many).stats[
        "weight"
    ] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("objective", [Nft(), Awm(), Rwr(), Dgpo(), Dpo()], ids=lambda o: o.kind)
def test_gradients_do_not_depend_on_how_a_batch_is_packed(objective: WeightedRegression) -> None:
    """Two halves, each with its share of the whole, add up to one backward pass: for memory limits and many devices."""
    velocities, batch = _batch()
    assert velocities.old is not None
    assert velocities.reference is not None
    assert batch.advantage is not None
    groups, pairs = torch.arange(8) // 2, torch.tensor([[0, 1], [3, 2], [4, 5], [6, 7]])
    noise, sigma = share_in_pairs(batch.noise, pairs), share_in_pairs(batch.sigma, pairs)
    whole = Renoised(batch.x0, noise, sigma, batch.advantage, groups, pairs)
    expected = _gradient(objective.loss(velocities, whole).loss, velocities.new)
    total = torch.zeros_like(expected)
    for half in (slice(0, 4), slice(4, 8)):
        part = Renoised(
            batch.x0[half], noise[half], sigma[half], batch.advantage[half], groups[half], pairs[:2]
        )
        if half.start:
            part = dataclasses.replace(part, pairs=pairs[2:] - 4)
        given_ = Velocities(velocities.new[half], velocities.old[half], velocities.reference[half])
        total += _gradient(objective.loss(given_, part).loss / 2, velocities.new)
    torch.testing.assert_close(total, expected, rtol=1e-12, atol=1e-14)


def test_velocity_kl_is_zero_with_adapters_off() -> None:
    """Equal velocities cost nothing; others a mean square, whose gradient is added to the objective's."""
    velocities, batch = _batch()
    assert velocities.reference is not None
    off = Nft(velocity_kl=0.3).loss(
        Velocities(velocities.new, velocities.old, velocities.new), batch
    )
    assert off.stats["velocity_kl"] == 0
    without = Nft().loss(velocities, batch).loss
    extra = _gradient(Nft(velocity_kl=0.3).loss(velocities, batch).loss - without, velocities.new)
    drift = velocities.new - velocities.reference
    torch.testing.assert_close(extra, 0.6 * drift.detach() / drift.numel())


def test_only_the_new_velocity_gets_a_gradient() -> None:
    velocities, batch = _batch()
    assert velocities.old is not None
    old = velocities.old.requires_grad_()
    Nft().loss(Velocities(velocities.new, old), batch).loss.backward()
    assert velocities.new.grad is not None
    assert old.grad is None


def test_half_precision_is_computed_in_float32() -> None:
    velocities, batch = _batch()
    assert velocities.old is not None
    new, old = velocities.new.detach().bfloat16(), velocities.old.bfloat16()
    rounded = Renoised(batch.x0.float(), batch.noise.float(), batch.sigma.float(), batch.advantage)
    half = Nft().loss(Velocities(new, old), rounded).loss
    full = Nft().loss(Velocities(new.float(), old.float()), rounded).loss
    torch.testing.assert_close(half, full)


def test_missing_velocities_and_feedback_are_refused() -> None:
    velocities, batch = _batch()
    with pytest.raises(UsageError, match="the old policy"):
        Nft().loss(Velocities(velocities.new), batch)
    with pytest.raises(UsageError, match="the reference policy"):
        Rwr(velocity_kl=0.1).loss(Velocities(velocities.new), batch)
    with pytest.raises(UsageError, match="needs the advantage"):
        Nft().loss(velocities, Renoised(batch.x0, batch.noise, batch.sigma))
    with pytest.raises(UsageError, match="have shape"):
        Nft().loss(Velocities(velocities.new, torch.zeros(8, 2)), batch)


def test_objectives_say_which_velocities_they_need() -> None:
    assert (Nft().uses_old, Nft().uses_reference) == (True, False)
    assert Nft(velocity_kl=1e-3).uses_reference
    assert not Rwr().uses_old


def test_levels_cover_their_range_evenly() -> None:
    generator = torch.Generator().manual_seed(0)
    sigmas = stratified_sigmas(10, 4, generator)
    assert sigmas.shape == (10, 4)
    for part in range(4):
        column = (sigmas[:, part] - 0.15) / 0.8 * 4 - part
        assert torch.equal(torch.sort((column * 10).floor().long()).values, torch.arange(10))
    assert not torch.equal(sigmas[:, 0].sort().values, sigmas[:, 0])
    with pytest.raises(UsageError, match="low < high"):
        stratified_sigmas(2, 2, generator, low=0.9, high=0.1)


def test_renoising_runs_from_the_picture_to_the_noise() -> None:
    _, batch = _batch()
    ends = renoise(batch.x0, batch.noise, torch.tensor([0.0] * 4 + [1.0] * 4))
    torch.testing.assert_close(ends, torch.cat([batch.x0[:4], batch.noise[4:]]))
