"""GRPO on the steps of stochastic rollouts: plain clip, Guard and DPPO behind one loss.

Sources: Flow-GRPO, arXiv 2505.05470; GRPO-Guard, arXiv 2510.22319; Flow-DPPO, arXiv 2606.11025. The KL term is the
velocity form of UniGRPO, ||v - v_ref||^2, equal at all levels and independent of stepper and step size.

Legend: n samples of one step; D elements of a latent; delta = mean_new - mean_old; std = standard deviation of the step.
"""

from __future__ import annotations

import math
from typing import Literal, Protocol

import torch
from pydantic import Field
from torch import Tensor

from editloop.core.config import Config
from editloop.core.errors import UsageError
from editloop.train.align.objectives.base import (
    ObjectiveLoss,
    per_sample_mean,
    ratio_stats,
    squared_distance,
)
from editloop.train.align.steppers import Sigma, StepDistribution, Stepper, log_prob

RatioMode = Literal["clip", "guard", "dppo"]

REFERENCE_DIMENSIONS = 65_536
"""Latent elements at 512 px (1,024 tokens of 64 channels), for which the published clip ranges were tuned."""

_CLIP_RANGES: dict[tuple[str, RatioMode], float] = {
    ("flow_sde", "clip"): 1e-4,
    ("dance_sde", "clip"): 1e-4,
    ("cps", "clip"): 1e-5,
    ("flow_sde", "guard"): 2e-6,
    ("dance_sde", "guard"): 2e-6,
    ("cps", "guard"): 2e-6,
}


class TrajectoryObjective(Protocol):
    """A loss on one step of a batch of trajectories."""

    def loss(
        self,
        new: StepDistribution,
        old: StepDistribution,
        y: Tensor,
        advantage: Tensor,
        velocity: Tensor,
        reference_velocity: Tensor | None,
        sigma: Sigma,
        sigma_next: Sigma,
    ) -> ObjectiveLoss:
        """The loss of one step.

        Args:
            new: Of the policy that is trained; carries the gradient.
            old: Of the policy that made the rollout, from the same rounded latent; float32, never rounded itself.
            y: The latent that was drawn, as stored, (n, ...).
            advantage: (n,), finite.
            velocity: Of the policy that is trained, (n, ...).
            reference_velocity: With adapters off, (n, ...); None where `needs_reference` is false.
            sigma: Level of the step, in (0, 1].
            sigma_next: Level it leads to, in (0, sigma).
        """

    @property
    def needs_reference(self) -> bool:
        """Whether the reference's velocity is used."""


def default_clip_range(
    stepper: str, ratio: RatioMode, dimensions: int = REFERENCE_DIMENSIONS
) -> float:
    """The published clip range of a stepper, widened for latents smaller than those it was tuned for.

    The spread of a mean log-probability falls as 1 / sqrt(D), so the same movement of the policy needs a range
    sqrt(65,536 / D) times as wide. Ranges are kept by stepper: the same number means another trust region under another.

    Args:
        stepper: `Stepper.kind`.
        ratio: ``clip`` or ``guard``; ``dppo`` does not clip.
        dimensions: D, elements of one latent.

    Raises:
        UsageError: for a stepper without log-probabilities, or ``dppo``.
    """
    try:
        published = _CLIP_RANGES[stepper, ratio]
    except KeyError:
        known = ", ".join(sorted(f"{kind} with {mode}" for kind, mode in _CLIP_RANGES))
        raise UsageError(
            f"there is no clip range for {stepper} with {ratio}; known: {known}"
        ) from None
    return published * math.sqrt(REFERENCE_DIMENSIONS / dimensions)


class Grpo(Config):
    """Group-relative policy optimisation on denoising steps.

    - ``clip``: rho = exp(mean log-prob difference), PPO clip at 1 +- `clip_range`.
    - ``guard``: rho = exp((difference + b) std) with b = mean(delta^2) / (2 std^2), which centres the ratio and makes it
      independent of std; the loss is divided by -dt (arXiv 2510.22319).
    - ``dppo``: no clip; a sample is masked only if the exact divergence b reaches `divergence_limit` and the update would
      push it further out (arXiv 2606.11025).
    """

    kind: Literal["grpo"] = "grpo"
    ratio: RatioMode = "guard"
    clip_range: float | None = Field(None, gt=0)
    """Half-width of the range of rho; None takes `default_clip_range` through `for_stepper`."""
    divergence_limit: float = Field(1e-5, gt=0)
    """Largest mean divergence an element may reach in ``dppo``."""
    reduction: Literal["mean", "sum"] = "mean"
    """Of the log-probability over a latent; published clip ranges are for the mean."""
    velocity_kl: float = Field(0.0, ge=0)
    """Weight of ||v - v_ref||^2."""

    @property
    def needs_reference(self) -> bool:
        """Whether the reference's velocity is used."""
        return self.velocity_kl > 0

    def for_stepper(self, stepper: Stepper, dimensions: int = REFERENCE_DIMENSIONS) -> Grpo:
        """This objective with the clip range of `stepper` where none was set.

        Raises:
            UsageError: for a stepper without noise, which gives no ratios.
        """
        if not stepper.stochastic:
            raise UsageError(
                f"the stepper {stepper.kind} has no noise, so GRPO has no ratios; take flow_sde, dance_sde or cps with eta > 0"
            )
        if self.clip_range is not None or self.ratio == "dppo":
            return self
        return self.model_copy(
            update={"clip_range": default_clip_range(stepper.kind, self.ratio, dimensions)}
        )

    def loss(
        self,
        new: StepDistribution,
        old: StepDistribution,
        y: Tensor,
        advantage: Tensor,
        velocity: Tensor,
        reference_velocity: Tensor | None,
        sigma: Sigma,
        sigma_next: Sigma,
    ) -> ObjectiveLoss:
        """As `TrajectoryObjective.loss`."""
        difference = self._reduced(log_prob(y, new) - log_prob(y, old).detach())
        moved = (new.mean - old.mean.detach()).square() / (2 * old.std.square())
        divergence = self._reduced(moved)
        advantage = advantage.to(difference)
        if self.ratio == "dppo":
            ratio = torch.exp(difference)
            cut = self._pushed_out(ratio, advantage, divergence)
            policy = (-advantage * ratio * ~cut).mean()
        elif self.ratio == "guard":
            ratio = torch.exp((difference + divergence) * old.std.flatten())
            surrogate, cut = ppo_clip(ratio, advantage, self._clip_range)
            policy = (surrogate / _length(sigma, sigma_next, ratio)).mean()
        else:
            ratio = torch.exp(difference)
            surrogate, cut = ppo_clip(ratio, advantage, self._clip_range)
            policy = surrogate.mean()
        stats = ratio_stats(ratio, cut) | {
            "divergence": divergence.detach().mean(),
            "policy_loss": policy.detach(),
        }
        if not self.needs_reference:
            return ObjectiveLoss(policy, stats)
        if reference_velocity is None:
            raise UsageError("velocity_kl is above 0 but no reference velocity was given")
        drift = squared_distance(velocity, reference_velocity.detach()).mean()
        return ObjectiveLoss(
            policy + self.velocity_kl * drift, stats | {"velocity_kl": drift.detach()}
        )

    @property
    def _clip_range(self) -> float:
        if self.clip_range is None:
            raise UsageError(
                "GRPO has no clip range yet: set clip_range, or take the stepper's with for_stepper(stepper)"
            )
        return self.clip_range

    def _reduced(self, values: Tensor) -> Tensor:
        return per_sample_mean(values) if self.reduction == "mean" else values.flatten(1).sum(1)

    def _pushed_out(self, ratio: Tensor, advantage: Tensor, divergence: Tensor) -> Tensor:
        """Samples that are far already and would be pushed further, (n,) bool."""
        outwards = ((ratio > 1) & (advantage > 0)) | ((ratio < 1) & (advantage < 0))
        return (divergence.detach() >= self.divergence_limit) & outwards.detach()


def ppo_clip(ratio: Tensor, advantage: Tensor, clip_range: float) -> tuple[Tensor, Tensor]:
    """PPO's clipped surrogate of each sample, (n,), and which samples it leaves without gradient, (n,) bool."""
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    surrogate = torch.maximum(-advantage * ratio, -advantage * clipped)
    cut = ((ratio > 1 + clip_range) & (advantage > 0)) | (
        (ratio < 1 - clip_range) & (advantage < 0)
    )
    return surrogate, cut.detach()


def _length(sigma: Sigma, sigma_next: Sigma, like: Tensor) -> Tensor:
    """-dt of the step, 0-d or (n,)."""
    start = torch.as_tensor(sigma, dtype=like.dtype, device=like.device)
    return start - torch.as_tensor(sigma_next, dtype=like.dtype, device=like.device)
