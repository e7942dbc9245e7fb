"""The one regression that every forward objective is: signed velocity matching with a pull towards the old policy.

With u = e - x0 the target velocity and squared norms as means over a latent's elements, every objective of this family
has the gradient of

    sum_i  match_i ||v_i - u_i||^2  +  proximal_i ||v_i - v_old,i||^2  +  kl mean_i ||v_i - v_ref,i||^2

for coefficients that are constants of the step. NFT's two branches, for instance, are this with
match = b (2p - 1) and proximal = b^2 - match, up to a constant: advantage-weighted matching, linearised at the old policy,
plus a proximal term. An objective therefore only says what its coefficients are and what its own loss is worth; the
returned loss has that worth and this gradient.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from pydantic import Field
from torch import Tensor

from editloop.core.config import Config
from editloop.core.errors import UsageError
from editloop.train.align.objectives.base import (
    ObjectiveLoss,
    Stats,
    squared_distance,
)


@dataclass(frozen=True, slots=True)
class Velocities:
    """Velocities at the re-noised samples x_t = (1 - t) x0 + t e, each (n, ...).

    Args:
        new: Of the policy that is trained; carries the gradient.
        old: Of the policy that made the samples, or its moving average; None where `uses_old` is false.
        reference: With adapters off; None where `uses_reference` is false.
    """

    new: Tensor
    old: Tensor | None = None
    reference: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Renoised:
    """Clean samples, how they were re-noised, and what was said about them.

    Args:
        x0: Clean latents, (n, ...).
        noise: e, standard normal, (n, ...).
        sigma: t, (n,), in (0, 1).
        advantage: (n,), finite; for every objective but DPO.
        groups: (n,) integers, equal inside a group; for DGPO.
        pairs: (p, 2) rows of winner and loser; for DPO. Both rows of a pair need the same noise and sigma.
    """

    x0: Tensor
    noise: Tensor
    sigma: Tensor
    advantage: Tensor | None = None
    groups: Tensor | None = None
    pairs: Tensor | None = None

    @property
    def target(self) -> Tensor:
        """The velocity u = e - x0 that leads from the sample to the noise."""
        return self.noise - self.x0


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What an objective makes of a batch, all without gradients.

    Args:
        match: (n,) factors of ||v - u||^2, averaging over the batch included.
        proximal: (n,) factors of ||v - v_old||^2, likewise; None for none.
        value: 0-d, the objective's own loss.
        stats: To be logged.
    """

    match: Tensor
    proximal: Tensor | None
    value: Tensor
    stats: Stats


class ForwardObjective(Protocol):
    """A loss on re-noised clean samples; it needs no likelihood, no stepper and no trajectory."""

    @property
    def feedback(self) -> Literal["advantage", "pairs"]:
        """Which field of `Renoised` must be filled."""

    @property
    def uses_old(self) -> bool:
        """Whether the old policy's velocities are needed."""

    @property
    def uses_reference(self) -> bool:
        """Whether the reference's velocities are needed; where not, skip that forward pass."""

    def loss(self, velocities: Velocities, batch: Renoised) -> ObjectiveLoss:
        """The loss of a batch; its gradient reaches `velocities.new` only.

        Raises:
            UsageError: for a missing velocity or missing feedback.
        """


class WeightedRegression(Config):
    """Base of the forward objectives: the regression itself. Subclasses give `_coefficients`."""

    velocity_kl: float = Field(0.0, ge=0)
    """Weight of mean ||v - v_ref||^2, the pull towards the model before post-training."""

    @property
    def feedback(self) -> Literal["advantage", "pairs"]:
        """Which field of `Renoised` must be filled."""
        return "advantage"

    @property
    def uses_old(self) -> bool:
        """Whether the old policy's velocities are needed."""
        return True

    @property
    def uses_reference(self) -> bool:
        """Whether the reference's velocities are needed."""
        return self.velocity_kl > 0

    def loss(self, velocities: Velocities, batch: Renoised) -> ObjectiveLoss:
        """As `ForwardObjective.loss`."""
        given = _checked(velocities, old=self.uses_old, reference=self.uses_reference)
        error = squared_distance(given.new, batch.target)
        with torch.no_grad():
            coefficients = self._coefficients(given, batch)
        regression = (coefficients.match * error).sum()
        stats = {"match_error": error.detach().mean(), **coefficients.stats}
        if given.old is not None:
            distance = squared_distance(given.new, given.old)
            stats["distance_to_old"] = distance.detach().mean()
            if coefficients.proximal is not None:
                regression = regression + (coefficients.proximal * distance).sum()
        # The value is the published loss, to be logged and compared; the gradient is the regression's, which equals that loss's.
        loss = coefficients.value + (regression - regression.detach())
        stats["objective"] = coefficients.value
        if self.velocity_kl > 0 and given.reference is not None:
            drift = squared_distance(given.new, given.reference).mean()
            stats["velocity_kl"] = drift.detach()
            loss = loss + self.velocity_kl * drift
        return ObjectiveLoss(loss, stats)

    @abstractmethod
    def _coefficients(self, velocities: Velocities, batch: Renoised) -> Coefficients:
        """The constants of this step; called without gradients."""


def required_advantage(batch: Renoised) -> Tensor:
    """The advantages of a batch in at least float32.

    Raises:
        UsageError: where there are none.
    """
    if batch.advantage is None:
        raise UsageError("this objective needs the advantage of each sample, none was given")
    return batch.advantage.to(torch.promote_types(batch.advantage.dtype, torch.float32))


def required(velocity: Tensor | None, name: str) -> Tensor:
    """`velocity`, which this objective cannot do without.

    Raises:
        UsageError: where it is missing.
    """
    if velocity is None:
        raise UsageError(
            f"this objective needs the velocities of the {name} policy, none were given"
        )
    return velocity


def _checked(velocities: Velocities, *, old: bool, reference: bool) -> Velocities:
    """The velocities in at least float32, those of other policies without gradients."""
    if old:
        required(velocities.old, "old")
    if reference:
        required(velocities.reference, "reference")
    for name, other in (("old", velocities.old), ("reference", velocities.reference)):
        if other is not None and other.shape != velocities.new.shape:
            raise UsageError(
                f"velocities of the {name} policy have shape {tuple(other.shape)},"
                f" expected {tuple(velocities.new.shape)}"
            )
    return Velocities(_wide(velocities.new), _fixed(velocities.old), _fixed(velocities.reference))


def _wide(velocity: Tensor) -> Tensor:
    return velocity.to(torch.promote_types(velocity.dtype, torch.float32))


def _fixed(velocity: Tensor | None) -> Tensor | None:
    return None if velocity is None else _wide(velocity.detach())
