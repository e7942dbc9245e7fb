"""The loss: what it regresses, where noise levels fall, and that nothing random hides in it."""

from __future__ import annotations

import pytest
import torch
from tests.train.toy_policy import ToyPolicy, toy_request
from torch import Tensor

from editloop.train.policy import Condition
from editloop.train.sft.config import NoiseSettings
from editloop.train.sft.loss import NoiseDraw, draw_noise, flow_matching_loss


class KnowsTheAnswer(ToyPolicy):
    """Predicts e - x0 exactly: from x_t and sigma alone, given the x0 it was told."""

    def __init__(self, clean: Tensor) -> None:
        super().__init__()
        self._clean = clean

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        return (x - self._clean) / sigma[:, None, None, None]


def _draw(count: int, settings: NoiseSettings, seed: int = 0) -> NoiseDraw:
    return draw_noise(count, (3, 8, 8), settings, torch.Generator().manual_seed(seed))


def test_the_loss_is_zero_for_the_true_velocity_and_only_for_it() -> None:
    clean = torch.rand((5, 3, 8, 8), generator=torch.Generator().manual_seed(1)) * 2 - 1
    policy = KnowsTheAnswer(clean)
    condition = policy.encode([toy_request(k) for k in range(5)])
    draw = _draw(5, NoiseSettings())
    assert flow_matching_loss(policy, condition, clean, draw).abs().max() < 1e-9
    wrong = KnowsTheAnswer(clean + 0.1)
    loss = flow_matching_loss(wrong, condition, clean, draw)
    torch.testing.assert_close(loss, (0.1 / draw.sigma) ** 2, rtol=1e-3, atol=1e-5)


def test_weights_multiply_the_squared_error_before_the_mean() -> None:
    policy = ToyPolicy()
    condition = policy.encode([toy_request(k) for k in range(2)])
    clean, draw = torch.zeros(2, 3, 8, 8), _draw(2, NoiseSettings())
    left = torch.zeros(2, 1, 8, 8)
    left[..., :4] = 1
    with torch.no_grad():
        whole = flow_matching_loss(policy, condition, clean, draw)
        halves = [flow_matching_loss(policy, condition, clean, draw, w) for w in (left, 1 - left)]
    torch.testing.assert_close(halves[0] + halves[1], whole)


def test_below_the_floor_an_error_of_the_picture_costs_the_same_at_every_noise_level() -> None:
    clean = torch.zeros(3, 3, 8, 8)
    policy = KnowsTheAnswer(clean + 0.1)
    condition = policy.encode([toy_request(k) for k in range(3)])
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    draw = NoiseDraw(torch.tensor([0.05, 0.1, 0.5]), noise)
    loss = flow_matching_loss(policy, condition, clean, draw, loss_floor=0.2)
    torch.testing.assert_close(loss, torch.tensor([0.25, 0.25, 0.04]), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("mean", "std", "shift"), [(0.0, 1.0, 1.0), (0.5, 0.7, 1.0), (0.0, 1.0, 3.0)]
)
def test_noise_levels_are_logit_normal_and_then_shifted(
    mean: float, std: float, shift: float
) -> None:
    settings = NoiseSettings(mean=mean, std=std, shift=shift)
    draw = draw_noise(20_000, (1,), settings, torch.Generator().manual_seed(0))
    unshifted = draw.sigma / (shift - (shift - 1) * draw.sigma)
    logits = torch.logit(unshifted)
    assert logits.mean() == pytest.approx(mean, abs=0.02)
    assert logits.std() == pytest.approx(std, abs=0.02)
    assert draw.noise.std() == pytest.approx(1, abs=0.02)


def test_rows_of_a_draw_are_the_draw() -> None:
    draw = _draw(4, NoiseSettings())
    part = draw.rows(slice(1, 3))
    assert torch.equal(part.sigma, draw.sigma[1:3])
    assert torch.equal(part.noise, draw.noise[1:3])
