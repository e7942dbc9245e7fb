"""DPO and DGPO: their losses as published, their gradient at the reference, and how one contains the other."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.train.align.objectives import Dgpo, Dpo, Renoised, Velocities
from editloop.train.align.objectives.noising import share_in_pairs

PAIRS = torch.tensor([[0, 1], [4, 2], [3, 5]])
SHAPE = (6, 4, 4)


def _batch(
    advantage: Tensor | None = None, groups: Tensor | None = None
) -> tuple[Velocities, Renoised]:
    generator = torch.Generator().manual_seed(0)
    new, old, reference, x0, noise = (
        torch.randn(SHAPE, generator=generator, dtype=torch.float64) for _ in range(5)
    )
    sigma = torch.rand(SHAPE[0], generator=generator, dtype=torch.float64)
    batch = Renoised(
        x0, share_in_pairs(noise, PAIRS), share_in_pairs(sigma, PAIRS), advantage, groups, PAIRS
    )
    return Velocities(new.requires_grad_(), old, reference), batch


def _improvement(velocities: Velocities, batch: Renoised) -> Tensor:
    assert velocities.reference is not None
    new, reference = velocities.new, velocities.reference
    return ((new - batch.target).square() - (reference - batch.target).square()).mean((1, 2))


def _gradient(loss: Tensor, velocity: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(loss, velocity)
    return gradient


def test_dpo_equals_the_published_loss() -> None:
    velocities, batch = _batch()
    d = _improvement(velocities, batch)
    theirs = -torch.nn.functional.logsigmoid(-5.0 * (d[PAIRS[:, 0]] - d[PAIRS[:, 1]])).mean()
    result = Dpo(beta=10).loss(velocities, batch)
    torch.testing.assert_close(result.loss, theirs)
    torch.testing.assert_close(
        _gradient(result.loss, velocities.new), _gradient(theirs, velocities.new)
    )


@pytest.mark.parametrize("objective", [Dpo(beta=2000), Dgpo(beta=100)], ids=lambda o: o.kind)
def test_at_the_reference_the_loss_is_log_two(objective: Dpo | Dgpo) -> None:
    velocities, batch = _batch(torch.randn(6), torch.arange(6) // 2)
    start = velocities.new
    assert objective.loss(
        Velocities(start, None, start.detach()), batch
    ).loss.item() == pytest.approx(math.log(2))


def test_at_the_reference_dpo_is_signed_matching() -> None:
    """Weight beta / 4 on each sample's error, plus for winners, minus for losers: exactly, not nearly."""
    velocities, batch = _batch()
    start = velocities.new
    ours = _gradient(Dpo(beta=10).loss(Velocities(start, None, start.detach()), batch).loss, start)
    error = (start - batch.target).square().mean((1, 2))
    signed = 10 / 4 * (error[PAIRS[:, 0]] - error[PAIRS[:, 1]]).mean()
    assert (ours - _gradient(signed, start)).abs().max() < 1e-15


def test_a_sample_may_win_several_pairs() -> None:
    velocities, batch = _batch()
    twice = Renoised(
        batch.x0,
        batch.noise[:1].expand(SHAPE),
        batch.sigma[:1].expand(6),
        pairs=torch.tensor([[0, 1], [0, 2]]),
    )
    d = _improvement(velocities, twice)
    theirs = -torch.nn.functional.logsigmoid(-5.0 * (d[0] - d[1:3])).mean()
    ours = Dpo(beta=10).loss(velocities, twice).loss
    torch.testing.assert_close(_gradient(ours, velocities.new), _gradient(theirs, velocities.new))


def test_winner_and_loser_must_share_noise_and_level() -> None:
    """With noise of their own, the difference of two untrained errors is noise; a step on it is wasted."""
    velocities, batch = _batch()
    own_noise = Renoised(batch.x0, torch.randn(SHAPE).double(), batch.sigma, pairs=PAIRS)
    own_level = Renoised(batch.x0, batch.noise, torch.rand(6).double(), pairs=PAIRS)
    for wrong in (own_noise, own_level):
        with pytest.raises(UsageError, match="share noise and sigma"):
            Dpo().loss(velocities, wrong)
    with pytest.raises(UsageError, match="needs pairs"):
        Dpo().loss(velocities, Renoised(batch.x0, batch.noise, batch.sigma))
    with pytest.raises(UsageError, match="in two pairs"):
        share_in_pairs(batch.noise, torch.tensor([[0, 1], [0, 2]]))


def test_dgpo_equals_the_published_loss() -> None:
    advantage, groups = torch.randn(6).double(), torch.tensor([7, 3, 7, 3, 7, 7])
    velocities, batch = _batch(advantage, groups)
    d = _improvement(velocities, batch)
    logits = torch.stack([(advantage * d)[groups == g].mean() for g in (3, 7)])
    theirs = -torch.nn.functional.logsigmoid(-20.0 * logits).mean()
    result = Dgpo(beta=20).loss(velocities, batch)
    torch.testing.assert_close(result.loss, theirs)
    torch.testing.assert_close(
        _gradient(result.loss, velocities.new), _gradient(theirs, velocities.new)
    )


def test_dgpo_of_two_samples_is_dpo() -> None:
    advantage = torch.tensor([1.0, -1.0, -1.0, 1.0, 1.0, -1.0]).double()
    velocities, batch = _batch(advantage, torch.tensor([0, 0, 1, 2, 1, 2]))
    group, pair = (o.loss(velocities, batch).loss for o in (Dgpo(beta=10), Dpo(beta=10)))
    torch.testing.assert_close(group, pair)
    torch.testing.assert_close(_gradient(group, velocities.new), _gradient(pair, velocities.new))


def test_the_anchor_may_be_the_moving_average() -> None:
    velocities, batch = _batch()
    online = Dpo(anchor="old", beta=100)
    assert (online.uses_old, online.uses_reference) == (True, False)
    swapped = Velocities(velocities.new, None, velocities.old)
    torch.testing.assert_close(
        online.loss(velocities, batch).loss, Dpo(beta=100).loss(swapped, batch).loss
    )
    with pytest.raises(UsageError, match="needs the group"):
        Dgpo().loss(velocities, Renoised(batch.x0, batch.noise, batch.sigma, torch.ones(6)))
