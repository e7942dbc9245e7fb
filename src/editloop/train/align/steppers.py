"""One sampling step as a distribution: the steppers that rollouts draw from and trajectory objectives score.

Convention: t = sigma in [0, 1], 1 is noise; x_t = (1 - t) x0 + t e; velocity u = e - x0; a step goes from t to a smaller
t' with dt = t' - t < 0. The clean prediction is x - t v, the noise prediction x + (1 - t) v. Everything is computed in
float32 (float64 stays float64). Legend of shapes: n samples; `...` the latent's own axes.

Sources: Flow-SDE, arXiv 2505.05470 (Flow-GRPO); Dance-SDE, arXiv 2505.07818 (DanceGRPO); CPS, coefficients-preserving
sampling, arXiv 2509.05952; DPM-Solver++(2M), arXiv 2211.01095.

Deviations:

1. A step onto t' = 0 is deterministic in every stepper: it lands on the clean prediction, so no noise is left in the picture.
2. Log-probabilities are the exact Gaussian ones for CPS too, where the published code drops 1 / (2 std^2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from pydantic import Field
from torch import Tensor

from editloop.core.config import Config
from editloop.core.errors import UsageError

Sigma = Tensor | float
"""A noise level for the whole batch (a number or 0-d tensor) or one a sample, shape (n,)."""


@dataclass(frozen=True, slots=True)
class StepDistribution:
    """The Gaussian that the next latent is drawn from.

    Args:
        mean: (n, ...), float32 or float64; carries the gradient.
        std: Same number of axes as `mean`, one value a sample, shape (n or 1, 1, ...); 0 for a deterministic step.
    """

    mean: Tensor
    std: Tensor

    def detach(self) -> StepDistribution:
        """The same numbers without gradients, to be kept as the old policy's."""
        return StepDistribution(self.mean.detach(), self.std.detach())


class Stepper(Protocol):
    """A rule that turns a latent and its velocity into the distribution of the next latent."""

    @property
    def kind(self) -> str:
        """Name of the rule; clip ranges are kept by it."""

    @property
    def stochastic(self) -> bool:
        """Whether its steps have log-probabilities."""

    def step(
        self, x: Tensor, v: Tensor, sigma: Sigma, sigma_next: Sigma, first_sigma: Sigma
    ) -> StepDistribution:
        """The distribution of the latent at `sigma_next`.

        Args:
            x: Latents at `sigma`, (n, ...).
            v: Velocities predicted there, (n, ...).
            sigma: In (0, 1].
            sigma_next: In [0, sigma).
            first_sigma: The schedule's first level below 1, which stands in for 1 where 1 / (1 - sigma) would be infinite.
        """


class FlowSde(Config):
    """Flow-GRPO's SDE: g = eta sqrt(t / (1 - t)), the marginals of the ODE kept (arXiv 2505.05470, section 4.2)."""

    kind: Literal["flow_sde"] = "flow_sde"
    eta: float = Field(0.7, ge=0)

    @property
    def stochastic(self) -> bool:
        """True where there is noise."""
        return self.eta > 0

    def step(
        self, x: Tensor, v: Tensor, sigma: Sigma, sigma_next: Sigma, first_sigma: Sigma
    ) -> StepDistribution:
        """As `Stepper.step`."""
        x, v, t, t_next, first = _prepared(x, v, sigma, sigma_next, first_sigma)
        below_one = torch.where(t >= 1, first, t)
        return _sde_step(x, v, t, t_next, self.eta * torch.sqrt(t / (1 - below_one)))


class DanceSde(Config):
    """DanceGRPO's SDE: the same drift with a constant noise scale g = eta (arXiv 2505.07818)."""

    kind: Literal["dance_sde"] = "dance_sde"
    eta: float = Field(0.3, ge=0)

    @property
    def stochastic(self) -> bool:
        """True where there is noise."""
        return self.eta > 0

    def step(
        self, x: Tensor, v: Tensor, sigma: Sigma, sigma_next: Sigma, first_sigma: Sigma
    ) -> StepDistribution:
        """As `Stepper.step`."""
        x, v, t, t_next, _ = _prepared(x, v, sigma, sigma_next, first_sigma)
        return _sde_step(x, v, t, t_next, torch.full_like(t, self.eta))


class Cps(Config):
    """Coefficients-preserving sampling: part of the noise is renewed, its total stays exactly t' (arXiv 2509.05952).

    std = t' sin(eta pi / 2), and the predicted noise keeps the rest, t' cos(eta pi / 2): a picture made with it
    carries no more noise than one of the ODE, so a reward sees clean pictures.
    """

    kind: Literal["cps"] = "cps"
    eta: float = Field(0.8, ge=0, le=1)

    @property
    def stochastic(self) -> bool:
        """True where noise is renewed."""
        return self.eta > 0

    def step(
        self, x: Tensor, v: Tensor, sigma: Sigma, sigma_next: Sigma, first_sigma: Sigma
    ) -> StepDistribution:
        """As `Stepper.step`."""
        x, v, t, t_next, _ = _prepared(x, v, sigma, sigma_next, first_sigma)
        angle = self.eta * math.pi / 2
        mean = (1 - t_next) * (x - t * v) + t_next * math.cos(angle) * (x + (1 - t) * v)
        return StepDistribution(mean, t_next * math.sin(angle))


class Ode(Config):
    """The Euler step of the probability-flow ODE, x + v dt."""

    kind: Literal["ode"] = "ode"

    @property
    def stochastic(self) -> bool:
        """Never."""
        return False

    def step(
        self, x: Tensor, v: Tensor, sigma: Sigma, sigma_next: Sigma, first_sigma: Sigma
    ) -> StepDistribution:
        """As `Stepper.step`."""
        x, v, t, t_next, _ = _prepared(x, v, sigma, sigma_next, first_sigma)
        return StepDistribution(x + v * (t_next - t), torch.zeros_like(t))


@dataclass(frozen=True, slots=True)
class PreviousStep:
    """What a second-order step needs of the one before it: its level and its clean prediction x - t v, (n, ...)."""

    sigma: Sigma
    clean: Tensor


class Dpm2(Config):
    """DPM-Solver++(2M) for flow matching: second order, one velocity a step (arXiv 2211.01095, algorithm 2).

    With lambda = log((1 - t) / t) its update is x' = (t'/t) x + (1 - t'/t) D, where D extrapolates the clean predictions
    of this step and the one before. The first step and the step onto 0 are first-order, that is the Euler step.
    """

    kind: Literal["dpm2"] = "dpm2"

    @property
    def stochastic(self) -> bool:
        """Never."""
        return False

    def step(
        self,
        x: Tensor,
        v: Tensor,
        sigma: Sigma,
        sigma_next: Sigma,
        first_sigma: Sigma,
        previous: PreviousStep | None = None,
    ) -> StepDistribution:
        """As `Stepper.step`; pass what `remember` returned for the step before, or nothing on the first."""
        x, v, t, t_next, _ = _prepared(x, v, sigma, sigma_next, first_sigma)
        clean = x - t * v
        if previous is not None:
            before = _column(previous.sigma, x)
            reach, last = _log_snr(t_next) - _log_snr(t), _log_snr(t) - _log_snr(before)
            share = torch.where(t_next > 0, reach / (2 * last), torch.zeros_like(t))
            clean = clean + share * (clean - previous.clean.to(x.dtype))
        keep = t_next / t
        return StepDistribution(keep * x + (1 - keep) * clean, torch.zeros_like(t))

    def remember(self, x: Tensor, v: Tensor, sigma: Sigma) -> PreviousStep:
        """What the next step needs of this one."""
        x, v, t, _, _ = _prepared(x, v, sigma, 0.0, sigma)
        return PreviousStep(sigma, x - t * v)


def sample(distribution: StepDistribution, noise: Tensor) -> Tensor:
    """The next latent for standard normal `noise` of the mean's shape."""
    return distribution.mean + distribution.std * noise.to(distribution.mean.dtype)


def log_prob(y: Tensor, distribution: StepDistribution) -> Tensor:
    """Exact log-density of each element of `y` (n, ...); the objective chooses between mean and sum.

    Give the latent as it was stored (see `round_to`), and have made `distribution` from the stored latent before it.

    Raises:
        UsageError: for a deterministic step, which has no density.
    """
    mean, std = distribution.mean, distribution.std
    if bool((std <= 0).any()):
        raise UsageError(
            "a step with std 0 (ODE, eta 0, or the step onto sigma 0) has no log-probability;"
            " take log-probabilities only inside the stochastic window and before the last step"
        )
    scaled = (y.to(mean.dtype) - mean) / std
    return -0.5 * scaled.square() - torch.log(std) - 0.5 * math.log(2 * math.pi)


def round_to(latent: Tensor, dtype: torch.dtype) -> Tensor:
    """`latent` as it reads back after storage in `dtype`, in its own dtype.

    Round first, then take log-probabilities: with the order turned round the mean log-probability is off by up to 1e-3,
    a hundred times a usual clip range.
    """
    return latent.to(dtype).to(latent.dtype)


def _prepared(
    x: Tensor, v: Tensor, sigma: Sigma, sigma_next: Sigma, first_sigma: Sigma
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Everything in one float type, levels as columns that broadcast over the latents."""
    if x.shape != v.shape:
        raise UsageError(
            f"latents {tuple(x.shape)} and velocities {tuple(v.shape)} differ in shape"
        )
    dtype = torch.float64 if torch.float64 in (x.dtype, v.dtype) else torch.float32
    x, v = x.to(dtype), v.to(dtype)
    return x, v, _column(sigma, x), _column(sigma_next, x), _column(first_sigma, x)


def _column(sigma: Sigma, x: Tensor) -> Tensor:
    level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    return level.reshape(-1, *[1] * (x.ndim - 1))


def _log_snr(t: Tensor) -> Tensor:
    return torch.log1p(-t) - torch.log(t)


def _sde_step(x: Tensor, v: Tensor, t: Tensor, t_next: Tensor, g: Tensor) -> StepDistribution:
    """Euler-Maruyama step of dx = [v + g^2 / (2 t) (x + (1 - t) v)] dt + g dw, without noise onto t' = 0."""
    g = torch.where(t_next > 0, g, torch.zeros_like(g))
    dt = t_next - t
    drift = v + g.square() / (2 * t) * (x + (1 - t) * v)
    return StepDistribution(x + drift * dt, g * torch.sqrt(-dt))
