"""One arm of post-training: the base editor aligned to a judge, watched by the oracle and a held-out judge on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from editloop.claims.arms import ArmResult, CurvePoint
from editloop.claims.evaluation import Measurement
from editloop.claims.lab import Lab
from editloop.judges.base import Judge
from editloop.rewards.combination import AnyMultiReward, Gated, WeightedSum
from editloop.rewards.groups import GroupFilter
from editloop.rewards.maps import Sigmoid
from editloop.train.align.config import (
    AlignConfig,
    AnchorConfig,
    CheckConfig,
    RewardConfig,
    RolloutConfig,
    UpdateConfig,
)
from editloop.train.align.monitors import HeldOutConfig
from editloop.train.align.objectives.forward import Awm, Nft, Rwr
from editloop.train.align.objectives.preference import Dpo
from editloop.train.align.objectives.trajectory import Grpo
from editloop.train.align.reward_bus import JudgeReward
from editloop.train.align.steppers import Cps, FlowSde
from editloop.train.align.trainer import Aligner
from editloop.train.align.trajectory import AlignCase

WINDOW: Final = 1
"""Noisy steps of the short window; of three denoising steps the full trajectory has two."""
LEARNING_RATE: Final = 1e-4
"""For every weight of the toy editor, which is small enough to be trained whole; chosen on training combinations."""
LEVELS: Final = (0.55, 1.0)
"""Noise levels of the forward objectives: those that three denoising steps come by. Below them the network only copies."""


AVERAGE: Final = 0.8
"""Decay of the averaged weights that are measured, an optimiser step."""
EVERY_AXIS: Final = Gated(names=("instruction", "preservation", "quality"), how="geometric")
"""High only where all axes are. Their mean rises also when an edit is left undone, because an untouched picture is well kept and clean."""
OVERALL: Final = WeightedSum(weights={"overall": 1.0})
"""One score an image, as HP-Scorer gives it."""


def alignment_config(
    lab: Lab,
    objective: str,
    seed: int,
    *,
    times: int = 1,
    combination: AnyMultiReward = EVERY_AXIS,
) -> AlignConfig:
    """The settings of an objective at equal rollouts: same groups, same denoising steps, same weights trained.

    Args:
        lab: Gives the sizes.
        objective: One of those below.
        seed: Of the alignment.
        times: As many times the steps.
        combination: How the scorer's axes become one reward, after HP-Edit's sigmoid on each.
    """
    sizes = lab.sizes
    rollout = RolloutConfig(
        group_size=sizes.group_size, groups=sizes.groups, steps=sizes.edit_steps
    )
    common: dict[str, Any] = {
        "steps": sizes.alignment_steps * times,
        "seed": seed,
        "reward": RewardConfig(
            map=Sigmoid(), combination=combination, filter=GroupFilter(min_std=0.01)
        ),
        "update": UpdateConfig(
            learning_rate=LEARNING_RATE, batches=2, levels=1, level_range=LEVELS, rows=48
        ),
        "lora": None,
        "anchor": AnchorConfig(average=AVERAGE, average_every=1),
        "held_out": HeldOutConfig(),
        # What a weak scorer does as a reward is what the ablation measures: the start-up check must not refuse it.
        "check": CheckConfig(judge=False),
        "sheet_every": None,
        # An interrupted arm begins anew, so one checkpoint is enough.
        "checkpoint_every": sizes.alignment_steps * times,
        "keep_checkpoints": 1,
    }
    noisy = rollout.model_copy(update={"noise_stepper": Cps(eta=0.8)})
    window = noisy.model_copy(update={"window": WINDOW, "equal_noise": True})
    full = rollout.model_copy(update={"noise_stepper": FlowSde(eta=0.7)})
    old = rollout.model_copy(update={"drawn_by": "old"})
    chosen: dict[str, dict[str, Any]] = {
        "nft": {
            "objective": Nft(b=1.0, velocity_kl=1e-3),
            "rollout": old,
            "anchor": AnchorConfig(old="slow_start", average=AVERAGE, average_every=1),
        },
        "awm": {
            "objective": Awm(velocity_kl=1e-3),
            "rollout": old,
            "anchor": AnchorConfig(old="slow_start", average=AVERAGE, average_every=1),
        },
        "rwr": {"objective": Rwr(velocity_kl=1e-3), "rollout": rollout},
        "grpo_window": {"objective": Grpo(ratio="guard"), "rollout": window},
        "grpo_full": {"objective": Grpo(ratio="clip"), "rollout": full},
        "dpo": {"objective": Dpo(beta=100.0), "rollout": rollout},
    }
    return AlignConfig(**common | chosen[objective])


def aligned_arm(
    lab: Lab,
    name: str,
    seed: int,
    config: AlignConfig,
    practice: Callable[[], Sequence[AlignCase]],
    judge: Judge,
    practice_id: str,
) -> ArmResult:
    """Align once; the curve holds as many looks as `look_every` gives a run of plain length, the first before any training.

    Args:
        lab: The bench.
        name: Of the arm.
        seed: Of the alignment.
        config: Settings.
        practice: Finds the edits to practise on.
        judge: The reward.
        practice_id: Says how `practice` was made, for the arm's identity.
    """

    def train(folder: Path) -> tuple[Measurement, dict[str, Any]]:
        policy, cases = lab.policy(), practice()
        found = lab.base
        curve = [_point(found, 0, 0, 0.0, None)]
        looks_cost, started = 0.0, time.process_time()
        rollouts = 0
        look_every = lab.sizes.look_every * config.steps // lab.sizes.alignment_steps
        # Begun anew after an interruption: the curve and its costs are not in the checkpoint.
        with Aligner(
            policy, cases, JudgeReward(judge), config, folder / "training", resume=False
        ) as run:
            while not run.finished:
                stats = run.step()
                rollouts += int(stats["groups/drawn"]) * config.rollout.group_size
                if run.steps_done % look_every and not run.finished:
                    continue
                before = time.process_time()
                used = before - started - looks_cost
                reward = float(stats["reward/mean"])
                with run.anchor.average():
                    found = lab.measured(lab.in_memory(policy))
                curve.append(_point(found, run.steps_done, rollouts, used, reward))
                looks_cost += time.process_time() - before
        counts = {"rollouts": float(rollouts), "practice_cases": float(len(cases))}
        return found, {"curve": tuple(curve), "counts": counts}

    settings = {
        "config": config.model_dump(mode="json", exclude={"check"}),
        "judge": judge.identity.version,
        "practice": practice_id,
    }
    return lab.arm(name, seed, settings, train)


def _point(
    found: Measurement, step: int, rollouts: int, cpu_seconds: float, reward: float | None
) -> CurvePoint:
    return CurvePoint(
        step=step,
        rollouts=rollouts,
        cpu_seconds=cpu_seconds,
        reward=reward,
        oracle=found.mean("overall"),
        held_out_judge=found.mean("held_out_judge"),
        right=found.mean("right"),
    )
