"""Post-training of any editor with any reward: draw groups, judge them, learn from the differences inside each group.

    policy = load_policy("world:tiny-editor")
    result = align(policy, cases, JudgeReward(judge), align_preset("nft_edit"), Path("runs/align"))

`Aligner` is the same loop, step by step, for callers that evaluate in between.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias

import torch
from torch import Tensor

from editloop.core.config import dump_config
from editloop.core.errors import ConfigError, UsageError
from editloop.core.ids import content_id
from editloop.core.seeds import derive_seed
from editloop.train.align.anchor import Anchor, decay_at
from editloop.train.align.checkpoint import (
    FOLDER,
    load_checkpoint,
    pack_optimizer,
    pack_random_states,
    save_checkpoint,
    unpack_optimizer,
    unpack_random_states,
)
from editloop.train.align.clock import PhaseClock
from editloop.train.align.collector import Collector
from editloop.train.align.conditions import ConditionCache
from editloop.train.align.config import AlignConfig
from editloop.train.align.held_out import HeldOut, HeldOutEvaluator
from editloop.train.align.log import LOG_FILE, AlignLog
from editloop.train.align.lora import ATTENTION_TARGETS, add_adapter
from editloop.train.align.replay import (
    ForwardReplay,
    Replay,
    TrajectoryReplay,
    accumulate,
)
from editloop.train.align.reward_bus import RewardBus, RewardModel
from editloop.train.align.rewarding import Rewarder
from editloop.train.align.rollout import RolloutEngine, RowLimit
from editloop.train.align.sampler import CaseSampler
from editloop.train.align.self_check import StartUpCheck
from editloop.train.align.sheets import draw_sheet
from editloop.train.align.statistics import step_statistics
from editloop.train.align.trajectory import AlignCase, RewardedGroup
from editloop.train.policy import EditPolicy
from editloop.train.sft.parallel import Processes

Reward: TypeAlias = RewardModel | Mapping[str, RewardModel]
StepCallback: TypeAlias = Callable[[int, dict[str, Any]], None]

EXPORT_FOLDER: Final = "export"
_MAY_CHANGE: Final = {
    "steps",
    "bus",
    "check",
    "checkpoint_every",
    "keep_checkpoints",
    "sheet_every",
    "sheet_groups",
}
"""Settings that a resumed run may change: they bear on no gradient (rows and the rest do, if only by rounding)."""


@dataclass(frozen=True, slots=True)
class AlignResult:
    """How a run ended.

    Args:
        steps: Steps done, those of earlier sessions included.
        stopped: ``finished``, or ``held_out`` when the held-out judge fell while the reward rose.
        export: Folder with the LoRA or pipeline.
        log: One JSON line a step.
        last: The last step's statistics; empty when there was nothing left to do.
    """

    steps: int
    stopped: Literal["finished", "held_out"]
    export: Path
    log: Path
    last: dict[str, Any]


def align(
    policy: EditPolicy,
    cases: Sequence[AlignCase],
    reward: Reward | None,
    config: AlignConfig,
    run_dir: Path,
    *,
    held_out: HeldOut | None = None,
    resume: bool = True,
    on_step: StepCallback | None = None,
) -> AlignResult:
    """Post-train `policy` and export what was learned.

    Args:
        policy: Is changed in place.
        cases: What to practise on.
        reward: One reward model, or several by name; None with ``data: scored``.
        config: Settings, for example `align_preset("nft_edit")`.
        run_dir: Log, checkpoints, pictures and export go here.
        held_out: A judge that is not trained on, with its cases.
        resume: Go on from the newest checkpoint in `run_dir`; without, an earlier run there is deleted.
        on_step: Called after each step with its number, counted from 1, and its statistics.

    Raises:
        UsageError: for settings that do not fit, or a failed check before the first step.
        ConfigError: when the checkpoint was made with other settings.
    """
    with Aligner(policy, cases, reward, config, run_dir, held_out=held_out, resume=resume) as run:
        last: dict[str, Any] = {}
        while not run.finished:
            last = run.step()
            if on_step is not None:
                on_step(run.steps_done, last)
        return AlignResult(run.steps_done, run.stopped, run.export(), run.log_path, last)


class Aligner:
    """A run of post-training; use it as a context manager.

    Args:
        policy: Is changed in place: an adapter is added, or all weights train.
        cases: As `align`.
        reward: As `align`.
        config: As `align`.
        run_dir: As `align`.
        held_out: As `align`.
        resume: As `align`.
    """

    def __init__(
        self,
        policy: EditPolicy,
        cases: Sequence[AlignCase],
        reward: Reward | None,
        config: AlignConfig,
        run_dir: Path,
        *,
        held_out: HeldOut | None = None,
        resume: bool = True,
    ) -> None:
        self.policy, self.config, self.run_dir = policy, config, run_dir
        self.processes = Processes()
        self.stopped: Literal["finished", "held_out"] = "finished"
        self.steps_done = 0
        self._updates = 0
        self._held_out_alarm = False
        models = _named(reward, config)
        self.anchor = _anchor(policy, config, raises_kl=held_out is not None)
        self._optimizer = torch.optim.AdamW(
            self.anchor.trainable,
            lr=config.update.learning_rate,
            betas=config.update.betas,
            weight_decay=config.update.weight_decay,
        )
        self._cache = ConditionCache(policy, run_dir / "conditions")
        self.sampler = CaseSampler(
            cases, config.seed, rank=self.processes.rank, processes=self.processes.count
        )
        self.rewarder = Rewarder(config.reward, models)
        self._rollout_rows, self._update_rows = (
            RowLimit(config.rollout.rows),
            RowLimit(config.update.rows),
        )
        self.engine = RolloutEngine(policy, config.rollout, self._rollout_rows)
        self.replay: Replay = _replay(policy, self.anchor, config, self._cache, cases[0])
        self._evaluator = (
            HeldOutEvaluator(config, held_out, models, self.rewarder, self._cache, self.engine)
            if held_out is not None
            else None
        )
        self._identity = _run_identity(policy, cases, config)
        self._prepare_folder(resume=resume)
        self._bus = RewardBus(models, config.bus) if models else None
        self._collector = Collector(
            policy,
            config,
            self.anchor,
            self._cache,
            self.sampler,
            self._bus,
            self.rewarder,
            self.engine,
            self.processes,
        )
        if self.steps_done == 0:
            check = StartUpCheck(
                policy, self.anchor, config, self.engine, self._cache, self.rewarder
            )
            self.checked = check.run(cases, self._bus)

    def __enter__(self) -> Aligner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def finished(self) -> bool:
        """Whether no step is left, or the held-out judge stopped the run."""
        return self._held_out_alarm or self.steps_done >= self.config.steps

    @property
    def log_path(self) -> Path:
        """One JSON line a step."""
        return self.run_dir / LOG_FILE

    @property
    def condition(self) -> ConditionCache:
        """Conditions encoded so far."""
        return self._cache

    def step(self) -> dict[str, Any]:
        """Draw, judge, update, follow, evaluate, log, save; returns what was logged."""
        config, step, clock = self.config, self.steps_done, PhaseClock()
        found = self._collector.collect(step, clock, draw_ahead=self._draws_ahead(step))
        groups = self.rewarder.rewarded(found.kept)
        with clock.phase("update"):
            learned = self._update(groups, step)
        self.anchor.follow(decay_at(config.anchor.old, step))
        self.steps_done += 1
        stats = step_statistics(found, self.rewarder, learned, self._bus)
        if self._evaluator is not None and self.steps_done % config.held_out.every == 0:
            with clock.phase("held_out"):
                stats |= self._evaluate()
        if (
            self.processes.leads
            and config.sheet_every
            and self.steps_done % config.sheet_every == 0
        ):
            draw_sheet(found.judged[: config.sheet_groups], self.rewarder, self._sheet_path())
        stats["kl_weight"] = self.replay.objective.velocity_kl
        stats |= {f"time/{name}_s": seconds for name, seconds in clock.seconds.items()}
        entry = {"step": self.steps_done, **stats, "time/step_s": clock.total()}
        if self.processes.leads:
            self._log.write(entry)
        if self.finished or self.steps_done % config.checkpoint_every == 0:
            self.save()
        return entry

    def export(self) -> Path:
        """Write the LoRA, or the whole pipeline, with averaged weights where an average is kept."""
        folder = self.run_dir / EXPORT_FOLDER
        if self.processes.leads:
            with self.anchor.average():
                self.policy.export(str(folder))
        self.processes.wait()
        return folder

    def close(self) -> None:
        """Stop the judges' threads."""
        if self._bus is not None:
            self._bus.close()
        if self._evaluator is not None:
            self._evaluator.close()

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        positions = torch.zeros(self.processes.count, dtype=torch.int64)
        positions[self.processes.rank] = self.sampler.position
        positions = self.processes.sum(positions)
        if not self.processes.leads:
            return
        settings, moments = pack_optimizer(self._optimizer)
        numbers, random_states = pack_random_states()
        state = {
            "identity": self._identity,
            "updates": self._updates,
            "positions": positions.tolist(),
            "velocity_kl": self.replay.objective.velocity_kl,
            "stopped": self.stopped,
            "optimizer": settings,
            "random": numbers,
            "held_out": self._evaluator.monitor.as_json() if self._evaluator else None,
        }
        tensors = {**self.anchor.tensors(), **moments, **random_states}
        save_checkpoint(self.run_dir, self.steps_done, state, tensors, self.config.keep_checkpoints)

    def set_velocity_kl(self, weight: float) -> None:
        """Change the pull towards the reference, which must have been kept.

        Raises:
            UsageError: when full fine-tuning kept no reference.
        """
        if not self.anchor.has_reference:
            raise UsageError("full fine-tuning kept no reference: start with a velocity_kl above 0")
        self.replay.objective = self.replay.objective.model_copy(update={"velocity_kl": weight})

    def _update(self, groups: Sequence[RewardedGroup], step: int) -> dict[str, float]:
        """One optimiser step for each part of the groups; the mean of their statistics."""
        parts, size = self.config.update.batches, -(-len(groups) // self.config.update.batches)
        found: list[dict[str, float]] = []
        for part in range(parts):
            seed = derive_seed(self.config.seed, "replay", step, part, self.processes.rank)
            random = torch.Generator().manual_seed(seed)
            units = self.replay.units(groups[part * size : (part + 1) * size], random)
            rows = int(self.processes.sum(torch.tensor(sum(map(len, units)))).item())
            if rows == 0:
                continue
            stats = accumulate(self.replay, units, self._update_rows, rows, self.anchor.trainable)
            self.processes.sum_gradients(self.anchor.trainable)
            norm = torch.nn.utils.clip_grad_norm_(
                self.anchor.trainable, self.config.update.gradient_norm
            )
            if not bool(torch.isfinite(norm)):
                raise UsageError(
                    f"the gradient is {float(norm)} at step {step + 1}; lower update.learning_rate or check the reward"
                )
            self._optimizer.step()
            self._updates += 1
            if self.config.anchor.average and self._updates % self.config.anchor.average_every == 0:
                self.anchor.follow_average(self.config.anchor.average)
            found.append({**stats, "gradient_norm": float(norm), "samples": float(rows)})
        self._optimizer.zero_grad(set_to_none=True)
        return _mean(found)

    def _evaluate(self) -> dict[str, Any]:
        """Ask the held-out judge, and do what its monitor says."""
        if self._evaluator is None:
            return {}
        with self.anchor.average():
            stats, action = self._evaluator.evaluate(self.steps_done)
        if action == "stop":
            self._held_out_alarm, self.stopped = True, "held_out"
        elif action == "raise_kl":
            monitor = self.config.held_out
            weight = self.replay.objective.velocity_kl
            self.set_velocity_kl(max(weight * monitor.kl_factor, monitor.kl_floor))
        return stats

    def _draws_ahead(self, step: int) -> bool:
        """Never across a checkpoint: what was drawn ahead is not stored, and a resumed run must draw the same."""
        following = step + 1
        at_checkpoint = following % self.config.checkpoint_every == 0
        return self.config.max_staleness > 0 and following < self.config.steps and not at_checkpoint

    def _sheet_path(self) -> Path:
        return self.run_dir / "sheets" / f"step-{self.steps_done:06d}.png"

    def _prepare_folder(self, *, resume: bool) -> None:
        if not resume and self.processes.leads:
            shutil.rmtree(self.run_dir / FOLDER, ignore_errors=True)
        self.processes.wait()
        found = load_checkpoint(self.run_dir)
        if found is not None:
            self._restore(*found)
        if self.processes.leads:
            self._log = AlignLog(self.run_dir, self.steps_done)
            (self.run_dir / "config.yaml").write_text(dump_config(self.config), "utf-8")

    def _restore(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        if state["identity"] != self._identity:
            raise ConfigError(
                f"{self.run_dir} was begun with other settings, cases or another editor; "
                "use the same ones, another folder, or resume=False to start over"
            )
        anchored = ("live/", "old/", "average/", "reference/")
        self.anchor.load({k: v for k, v in tensors.items() if k.startswith(anchored)})
        unpack_optimizer(self._optimizer, state["optimizer"], tensors)
        unpack_random_states(state["random"], tensors)
        self.steps_done, self._updates = state["step"], state["updates"]
        if len(state["positions"]) != self.processes.count:
            raise ConfigError(
                f"{self.run_dir} was begun with {len(state['positions'])} processes, not {self.processes.count}"
            )
        self.sampler.position = state["positions"][self.processes.rank]
        self.stopped = state["stopped"]
        self._held_out_alarm = self.stopped == "held_out"
        if state["velocity_kl"] != self.replay.objective.velocity_kl:
            self.set_velocity_kl(state["velocity_kl"])
        if self._evaluator is not None and state["held_out"] is not None:
            self._evaluator.restore(state["held_out"])


def _named(reward: Reward | None, config: AlignConfig) -> dict[str, RewardModel]:
    if config.data == "scored":
        return {}
    if reward is None:
        raise UsageError(
            "rollouts need a reward; give one, or set data=scored and cases with scores"
        )
    return dict(reward) if isinstance(reward, Mapping) else {"reward": reward}


def _anchor(policy: EditPolicy, config: AlignConfig, *, raises_kl: bool) -> Anchor:
    network = policy.network.eval()
    if config.lora is None:
        network.requires_grad_(True)
    else:
        own: Sequence[str] = getattr(policy, "lora_targets", ATTENTION_TARGETS)
        add_adapter(
            network,
            rank=config.lora.rank,
            alpha=config.lora.alpha,
            targets=config.lora.targets or own,
            seed=derive_seed(config.seed, "lora"),
        )
    raises = raises_kl and config.held_out.action == "raise_kl"
    uses = getattr(config.objective, "uses_reference", config.objective.velocity_kl > 0)
    return Anchor(
        network,
        keep_old=config.anchor.old != "live",
        keep_average=config.anchor.average is not None,
        keep_reference=uses or raises,
    )


def _replay(
    policy: EditPolicy, anchor: Anchor, config: AlignConfig, cache: ConditionCache, case: AlignCase
) -> Replay:
    objective, stepper = config.objective, config.rollout.noise_stepper
    if objective.kind != "grpo" or stepper is None:
        return ForwardReplay(policy, anchor, config)
    shape = policy.latent_shape(cache.get(case.request))
    return TrajectoryReplay(
        policy, anchor, objective.for_stepper(stepper, torch.Size(shape).numel()), stepper
    )


def _run_identity(policy: EditPolicy, cases: Sequence[AlignCase], config: AlignConfig) -> str:
    """What must be equal for a run to go on: the editor, the cases, and every setting that bears on the outcome."""
    settings = config.model_dump(mode="json", exclude=_MAY_CHANGE)
    return content_id(policy.identity.name, sorted(case.id for case in cases), settings)


def _mean(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    if not parts:
        return {}
    return {name: sum(p[name] for p in parts) / len(parts) for name in parts[0]}
