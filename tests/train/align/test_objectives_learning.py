"""Every objective raises a reward when it trains a policy in closed form: the signs are right, end to end.

The policy is the exact flow to N(m, 0.3^2) in eight dimensions, and m is what is learned; the reward is minus the squared distance to 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from editloop.rewards.groups import Advantages, best_worst_pairs, group_advantages
from editloop.train.align.objectives import Awm, Dgpo, Dpo, Grpo, Nft, Renoised, Rwr, Velocities
from editloop.train.align.objectives.noising import renoise, share_in_pairs, stratified_sigmas
from editloop.train.align.objectives.regression import WeightedRegression
from editloop.train.align.steppers import Cps, FlowSde, Ode, Stepper, sample

GROUPS, SIZE, DIMENSIONS, SPREAD, ITERATIONS = 4, 12, 8, 0.3, 30
SIGMAS = torch.linspace(1, 0, 6)
Velocity = Callable[..., Tensor]
Trajectory = list[tuple[float, float, Tensor, Tensor]]


class Student:
    """A policy whose only parameter is the mean of what it draws."""

    def __init__(self, velocity: Velocity, *, shuffled: bool = False):
        self.generator = torch.Generator().manual_seed(0)
        self.mean = torch.zeros(DIMENSIONS, requires_grad=True)
        self.optimizer = torch.optim.Adam([self.mean], lr=0.04)
        self.shuffled = shuffled
        self._velocity = velocity

    def velocity(self, x: Tensor, t: Tensor | float, mean: Tensor) -> Tensor:
        return self._velocity(x, t, mean, SPREAD)

    def noise(self) -> Tensor:
        return torch.randn(GROUPS * SIZE, DIMENSIONS, generator=self.generator)

    @torch.no_grad()
    def rollout(self, stepper: Stepper) -> tuple[Tensor, Trajectory]:
        x, trajectory = self.noise(), []
        for t, t_next in itertools.pairwise(SIGMAS.tolist()):
            step = stepper.step(x, self.velocity(x, t, self.mean), t, t_next, SIGMAS[1])
            drawn = sample(step, self.noise())
            trajectory.append((t, t_next, x, drawn))
            x = drawn
        return x, trajectory

    def feedback(self, x0: Tensor) -> tuple[Advantages, Tensor]:
        rewards = -(x0 - 1).square().mean(1)
        if self.shuffled:
            rewards = rewards[torch.randperm(len(rewards), generator=self.generator)]
        return group_advantages(rewards.reshape(GROUPS, SIZE)), rewards

    def step(self, loss: Tensor) -> None:
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def distance(self) -> float:
        return (self.mean.detach() - 1).abs().mean().item()


def _train_forward(student: Student, objective: WeightedRegression) -> list[float]:
    history = []
    for _ in range(ITERATIONS):
        x0, _ = student.rollout(Ode())
        advantages, rewards = student.feedback(x0)
        history.append(rewards.mean().item())
        old, pairs = student.mean.detach().clone(), None
        noise, sigma = student.noise(), stratified_sigmas(len(x0), 1, student.generator)[:, 0]
        if objective.feedback == "pairs":
            pairs = torch.as_tensor(best_worst_pairs(rewards.reshape(GROUPS, SIZE)))
            noise, sigma = share_in_pairs(noise, pairs), share_in_pairs(sigma, pairs)
        advantage = torch.as_tensor(advantages.values.reshape(-1), dtype=torch.float32)
        batch = Renoised(x0, noise, sigma, advantage, torch.arange(len(x0)) // SIZE, pairs)
        x_t, t = renoise(x0, noise, sigma), sigma[:, None]
        fixed = [student.velocity(x_t, t, mean) for mean in (old, torch.zeros(DIMENSIONS))]
        for _ in range(2):
            velocities = Velocities(student.velocity(x_t, t, student.mean), *fixed)
            student.step(objective.loss(velocities, batch).loss)
    return history


def _train_trajectory(student: Student, objective: Grpo, stepper: Stepper) -> list[float]:
    history = []
    objective = objective.for_stepper(stepper, DIMENSIONS)
    for _ in range(ITERATIONS):
        x0, trajectory = student.rollout(stepper)
        advantages, rewards = student.feedback(x0)
        history.append(rewards.mean().item())
        advantage = torch.as_tensor(advantages.values.reshape(-1), dtype=torch.float32)
        old = [
            stepper.step(x, student.velocity(x, t, student.mean), t, t_next, SIGMAS[1]).detach()
            for t, t_next, x, _ in trajectory
        ]
        for _ in range(2):
            losses = []
            for (t, t_next, x, y), before in zip(trajectory[:-1], old, strict=False):
                v = student.velocity(x, t, student.mean)
                new = stepper.step(x, v, t, t_next, SIGMAS[1])
                losses.append(objective.loss(new, before, y, advantage, v, None, t, t_next).loss)
            student.step(torch.stack(losses).mean())
    return history


def _rose(history: list[float]) -> bool:
    """Mean of the last five above that of the first five by more than three standard errors."""
    first, last = torch.tensor(history[:5]), torch.tensor(history[-5:])
    standard_error = ((first.var() + last.var()) / 5).sqrt()
    return bool(last.mean() > first.mean() + 3 * standard_error)


@pytest.mark.parametrize(
    "objective",
    [
        Nft(b=1.0),
        Nft(b=0.1, per_sample_norm=False),
        Awm(),
        Awm(power=1.0, proximal=0.0),
        Rwr(temperature=0.5),
        Dgpo(beta=30),
        Dgpo(beta=1000, anchor="old"),
        Dpo(beta=10),
        Dpo(beta=100, anchor="old", velocity_kl=1e-3),
    ],
    ids=lambda o: o.kind,
)
def test_forward_objectives_raise_the_reward(
    objective: WeightedRegression, gaussian_velocity: Velocity
) -> None:
    student = Student(gaussian_velocity)
    assert _rose(_train_forward(student, objective))
    assert student.distance() < 0.5


@pytest.mark.parametrize("stepper", [FlowSde(), Cps()], ids=lambda s: s.kind)
@pytest.mark.parametrize("ratio", ["clip", "guard", "dppo"])
def test_trajectory_objectives_raise_the_reward(
    stepper: Stepper, ratio: str, gaussian_velocity: Velocity
) -> None:
    student = Student(gaussian_velocity)
    objective = Grpo.model_validate({"ratio": ratio})
    assert _rose(_train_trajectory(student, objective, stepper))
    assert student.distance() < 0.5


def test_rewards_of_other_samples_teach_nothing(gaussian_velocity: Velocity) -> None:
    student = Student(gaussian_velocity, shuffled=True)
    _train_forward(student, Nft())
    assert student.distance() > 0.8
