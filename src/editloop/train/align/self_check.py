"""What is tried before the first step: does replay give back the rollout, and does the reward deserve to be trained on?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from editloop.core.errors import UsageError
from editloop.core.seeds import derive_seed
from editloop.models.roles import RgbImage
from editloop.train.align.anchor import Anchor
from editloop.train.align.conditions import ConditionCache
from editloop.train.align.config import AlignConfig
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.reward_bus import RewardBus
from editloop.train.align.rewarding import Rewarder
from editloop.train.align.rollout import RolloutEngine, window_of
from editloop.train.align.steppers import log_prob
from editloop.train.align.trajectory import AlignCase, Trajectory
from editloop.train.policy import EditPolicy

BLUR_SHARE = 0.06
"""Radius of the blur that must lose, as a share of the longer side."""


class StartUpCheck:
    """Tries out a run before it costs anything.

    Args:
        policy: As it will be trained, with a fresh adapter.
        anchor: Its other versions.
        config: Which checks to make.
        engine: Draws groups.
        cache: Conditions.
        rewarder: Turns scores into rewards.
    """

    def __init__(
        self,
        policy: EditPolicy,
        anchor: Anchor,
        config: AlignConfig,
        engine: RolloutEngine,
        cache: ConditionCache,
        rewarder: Rewarder,
    ) -> None:
        self._policy, self._anchor, self._config = policy, anchor, config
        self._engine, self._cache, self._rewarder = engine, cache, rewarder

    def run(self, cases: Sequence[AlignCase], bus: RewardBus | None) -> dict[str, float]:
        """All checks that are switched on; returns what was measured, for the run's record.

        Raises:
            UsageError: for a check that failed, saying what was found and what to do.
        """
        check = self._config.check
        found: dict[str, float] = {}
        if check.ratio and self._config.data == "rollouts":
            found |= self._replay(cases[0])
        if check.judge and bus is not None:
            found |= self._judge(cases[: check.judge_cases], bus)
        return found

    def _replay(self, case: AlignCase) -> dict[str, float]:
        """Replay is rollout: ratios of 1, and a policy that has not moved yet."""
        group = self._draw(case)
        objective, stepper = self._config.objective, self._config.rollout.noise_stepper
        if group.steps is None or stepper is None or not isinstance(objective, Grpo):
            return {"check/drift_from_reference": self._drift(group)}
        worst = max(self._ratio_error(group, step) for step in range(len(group.steps)))
        clip = objective.for_stepper(stepper, group.x0[0].numel()).clip_range or 0.0
        allowed = max(self._config.check.ratio_share * clip, self._config.check.ratio_floor)
        if worst > allowed:
            raise UsageError(
                f"replaying a rollout gives ratios off by {worst:.2e}, at most {allowed:.2e} is sound: rollout and training do "
                "not compute the same; look for dropout, a batch-dependent kernel, or latents that are stored too coarsely"
            )
        return {"check/ratio_error": worst, "check/drift_from_reference": self._drift(group)}

    @torch.no_grad()
    def _ratio_error(self, group: Trajectory, step: int) -> float:
        """Largest |ratio - 1| of one stored step, from mean log-probabilities."""
        stored, stepper = group.steps, self._config.rollout.noise_stepper
        if stored is None or stepper is None:
            return 0.0
        x = stored.x[step]
        rows = group.condition.take([0] * len(group))
        velocity = self._policy.velocity(x, stored.sigma[step].to(x).expand(len(x)), rows)
        new = stepper.step(
            x, velocity, stored.sigma[step], stored.sigma_next[step], stored.first_sigma
        )
        old = stored.old(step, slice(None))
        difference = log_prob(stored.y[step], new) - log_prob(stored.y[step], old)
        return float((difference.flatten(1).mean(1).exp() - 1).abs().max())

    @torch.no_grad()
    def _drift(self, group: Trajectory) -> float:
        """Mean squared difference between the fresh policy and the reference; anything but 0 is a broken adapter.

        Raises:
            UsageError: when they differ.
        """
        if not self._anchor.has_reference:
            return 0.0
        rows = group.condition.take([0] * len(group))
        sigma = torch.full((len(group),), 0.5).to(group.x0)
        live = self._policy.velocity(group.x0, sigma, rows)
        with self._anchor.reference():
            reference = self._policy.velocity(group.x0, sigma, rows)
        apart = float((live - reference).square().mean())
        if apart > 1e-10 * max(1.0, float(reference.square().mean())):
            raise UsageError(
                f"before training the policy already differs from its reference by {apart:.2e}: the adapter does not start at zero"
            )
        return apart

    def _judge(self, cases: Sequence[AlignCase], bus: RewardBus) -> dict[str, float]:
        """An edit that was not made must not succeed, and blur must not win.

        The results that are blurred are the targets where cases have them, else what the policy draws now.
        """
        unedited = [case.request.image for case in cases]
        results = [
            case.target if case.target is not None else self._draw(case, 1).images[0]
            for case in cases
        ]
        same = self._rewards(cases, unedited, bus)
        sharp = self._rewards(cases, results, bus)
        soft = self._rewards(cases, [blurred(image) for image in results], bus)
        known = np.isfinite(same) & np.isfinite(sharp) & np.isfinite(soft)
        if not known.any():
            raise UsageError(
                "the reward scored none of the pictures of the start-up check; is the judge there?"
            )
        found = {
            "check/identity_reward": float(same[known].mean()),
            "check/result_reward": float(sharp[known].mean()),
            "check/blurred_reward": float(soft[known].mean()),
        }
        bounds = self._rewarder.range
        if bounds is not None:
            success = bounds[0] + self._config.check.success * (bounds[1] - bounds[0])
            if found["check/identity_reward"] >= success:
                raise UsageError(
                    f"the reward gives {found['check/identity_reward']:.2f}, a success (from {success:.2f} on), to pictures that were "
                    "not edited at all: it cannot see whether the instruction was followed; take another judge, or set check.judge=false"
                )
        if found["check/blurred_reward"] > found["check/result_reward"]:
            raise UsageError(
                f"the reward prefers blurred results ({found['check/blurred_reward']:.3f}) to sharp ones "
                f"({found['check/result_reward']:.3f}): training would learn to blur; take another judge, or set check.judge=false"
            )
        return found

    def _rewards(
        self, cases: Sequence[AlignCase], images: Sequence[RgbImage], bus: RewardBus
    ) -> NDArray[np.float64]:
        scores = bus.submit([case.request for case in cases], images).result()
        rewards: NDArray[np.float64] = self._rewarder.rewards([scores])[0]
        return rewards

    def _draw(self, case: AlignCase, count: int | None = None) -> Trajectory:
        config = self._config
        seed = derive_seed(config.seed, "check", case.id)
        window = window_of(config.rollout, 0, config.seed, case.id)
        condition = self._cache.get(case.request)
        return self._engine.draw(case, condition, seed=seed, window=window, count=count)


def blurred(image: RgbImage) -> RgbImage:
    """`image` under a Gaussian blur that people would call out of focus."""
    radius = max(1.0, BLUR_SHARE * max(image.shape[:2]))
    soft = Image.fromarray(np.ascontiguousarray(image)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(soft, np.uint8)
