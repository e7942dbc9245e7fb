"""Objectives that weigh velocity matching by an advantage: NFT, AWM and reward-weighted regression.

Sources: DiffusionNFT, arXiv 2509.16117; advantage weighted matching (AWM), arXiv 2509.25050; reward-weighted regression
with the weights of AWR, arXiv 1910.00177. Legend: n samples; A advantage; t noise level; u = e - x0; v^ = x_t - t v the clean prediction.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from editloop.train.align.objectives.base import per_sample_mean, ratio_stats, squared_distance
from editloop.train.align.objectives.regression import (
    Coefficients,
    Renoised,
    Velocities,
    WeightedRegression,
    required,
    required_advantage,
)
from editloop.train.align.objectives.trajectory import ppo_clip

_SMALLEST_NORM = 1e-5
_SMALLEST_ERROR = 1e-10


class _Branch(NamedTuple):
    """One implicit policy of NFT: each sample's ||v - u||^2, its factor, and the norm w, all (n,)."""

    error: Tensor
    weight: Tensor
    norm: Tensor


class Nft(WeightedRegression):
    """DiffusionNFT: fit a positive and a negative implicit policy, which share one network (arXiv 2509.16117).

    p = 1/2 + clip(A / A_max, -1, 1) / 2;  v+ = v_old + b (v - v_old);  v- = v_old - b (v - v_old);
    loss = A_max / b * mean( p ||x0(v+) - x0||^2 / w+  +  (1 - p) ||x0(v-) - x0||^2 / w- ), w = mean |x0(v) - x0| without
    gradient. A larger b holds the policy closer to the old one; A_max / b sets the size of the step.
    """

    kind: Literal["nft"] = "nft"
    b: float = Field(1.0, gt=0)
    """Strength of the implicit policies; 1 in Edit-R1, 0.1 in DiffusionNFT's own configurations."""
    advantage_max: float = Field(5.0, gt=0)
    """A_max, the advantage at which a sample counts as wholly good or wholly bad."""
    per_sample_norm: bool = True
    """Divide each branch by its mean absolute error (w); without it both branches are plain squares."""

    def _coefficients(self, velocities: Velocities, batch: Renoised) -> Coefficients:
        old = required(velocities.old, "old")
        p = 0.5 + 0.5 * (required_advantage(batch) / self.advantage_max).clamp(-1, 1)
        step = self.b * (velocities.new - old)
        scale = self.advantage_max / self.b / len(p)
        positive, negative = self._branch(old + step, batch), self._branch(old - step, batch)
        good, bad = scale * p * positive.weight, scale * (1 - p) * negative.weight
        match = self.b * (good - bad)
        value = (good * positive.error + bad * negative.error).sum()
        stats = {"optimality": p.mean(), "branch_norm": positive.norm.mean()}
        return Coefficients(match, self.b**2 * (good + bad) - match, value, stats)

    def _branch(self, velocity: Tensor, batch: Renoised) -> _Branch:
        deviation = velocity - batch.target
        t = batch.sigma.to(deviation.dtype)
        absolute = (t * per_sample_mean(deviation.abs())).clamp_min(_SMALLEST_NORM)
        weight = t.square() / absolute if self.per_sample_norm else t.square()
        return _Branch(per_sample_mean(deviation.square()), weight, absolute)


class Awm(WeightedRegression):
    """Advantage weighted matching: PPO on the matching error as a stand-in for the likelihood (arXiv 2509.25050).

    log p~(x0) = -t^k ((||v - u||^2 + 1e-10)^q - 1e-10^q) / q on the same (e, t) for new and old; rho = exp(new - old); loss =
    mean max(-A rho, -A clip(rho, 1 +- clip_range)) + proximal * mean ||v - v_old||^2.
    """

    kind: Literal["awm"] = "awm"
    clip_range: float = Field(1e-2, gt=0)
    """Half-width of the range of rho. The published 1e-5 is for 65,536 elements and samples of the live policy; where the old
    policy is a moving average, or latents are small, the ratio starts further from 1 and needs more room."""
    power: float = Field(0.25, gt=0, le=1)
    """q; 1 is the plain error, less weighs large errors down."""
    sigma_power: float = Field(1.0, ge=0)
    """k; 0 weighs all levels alike."""
    proximal: float = Field(0.1, ge=0)
    """Weight of the pull towards the old policy."""

    def _coefficients(self, velocities: Velocities, batch: Renoised) -> Coefficients:
        old = required(velocities.old, "old")
        advantage = required_advantage(batch)
        error = squared_distance(velocities.new, batch.target) + _SMALLEST_ERROR
        old_error = squared_distance(old, batch.target) + _SMALLEST_ERROR
        weight = batch.sigma.to(error.dtype) ** self.sigma_power
        ratio = torch.exp(weight * (old_error**self.power - error**self.power) / self.power)
        surrogate, cut = ppo_clip(ratio, advantage, self.clip_range)
        match = advantage * ratio * ~cut * weight * error ** (self.power - 1) / len(ratio)
        proximal = torch.full_like(ratio, self.proximal / len(ratio))
        value = surrogate.mean() + (proximal * squared_distance(velocities.new, old)).sum()
        return Coefficients(match, proximal, value, ratio_stats(ratio, cut))


class Rwr(WeightedRegression):
    """Reward-weighted regression: mean min(exp(A / temperature) / Z, weight_max) ||v - u||^2 (arXiv 1910.00177, Eq. 10).

    Z = exp(1 / (2 temperature^2)) is the mean weight of standard normal advantages. A constant in place of the batch's own mean
    keeps a sample's gradient independent of what shares its batch. It only ever pulls towards samples, the bad ones too,
    and is the baseline that shows what negative signals are worth.
    """

    kind: Literal["rwr"] = "rwr"
    temperature: float = Field(1.0, gt=0)
    weight_max: float = Field(20.0, gt=0)
    """Largest weight of a sample."""

    @property
    def uses_old(self) -> bool:
        """No: it has neither ratio nor proximal term."""
        return False

    def _coefficients(self, velocities: Velocities, batch: Renoised) -> Coefficients:
        scaled = required_advantage(batch) / self.temperature
        weight = torch.exp(scaled - 0.5 / self.temperature**2).clamp_max(self.weight_max)
        match = weight / len(weight)
        error = squared_distance(velocities.new, batch.target)
        return Coefficients(match, None, (match * error).sum(), {"weight": weight.mean()})
