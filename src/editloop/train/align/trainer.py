"""Post-training of any editor with any reward: draw groups, judge them, learn from the differences inside each group.

    policy = load_policy("world:tiny-editor")
    result = align(policy, cases, JudgeReward(judge), align_preset("nft_edit"), Path("runs/align"))

`Aligner` is the same loop, step by step, for callers that evaluate in between.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias

import torch
from torch import Tensor

from editloop.core.config import dump_config
from editloop.core.errors import ConfigError, UsageError
from editloop.train.align.anchor import PARTS
from editloop.train.align.assembly import (
    Reward,
    make_anchor,
    make_replay,
    named_rewards,
    run_identity,
)
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
from editloop.train.align.held_out import ACTIONS, Action, HeldOut, HeldOutEvaluator
from editloop.train.align.log import LOG_FILE, AlignLog
from editloop.train.align.reward_bus import RewardBus
from editloop.train.align.rewarding import Rewarder
from editloop.train.align.rollout import RolloutEngine
from editloop.train.align.sampler import CaseSampler
from editloop.train.align.self_check import StartUpCheck
from editloop.train.align.sheets import draw_sheet
from editloop.train.align.statistics import step_statistics
from editloop.train.align.trajectory import AlignCase
from editloop.train.align.updater import Updater
from editloop.train.policy import EditPolicy
from editloop.train.sft.parallel import Processes

StepCallback: TypeAlias = Callable[[int, dict[str, Any]], None]

EXPORT_FOLDER: Final = "export"


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
    on_export: Callable[[EditPolicy], None] | None = None,
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
        on_export: Called with the policy while it has the weights that are exported.

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
        export = run.export()
        if on_export is not None:
            with run.anchor.average():
                on_export(policy)
        return AlignResult(run.steps_done, run.stopped, export, run.log_path, last)


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

    Attributes:
        anchor: The versions of the weights; ``with run.anchor.average():`` puts those for evaluation in place.
        checked: What the start-up check measured; empty after a resume.
        stopped: How the run ended, once `finished`.
        steps_done: Steps so far, those of earlier sessions included.
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
        self.stopped: Literal["finished", "held_out"] = "finished"
        self.steps_done = 0
        self.checked: dict[str, float] = {}
        self._processes = Processes()
        models = named_rewards(reward, config)
        self._identity = run_identity(policy, cases, models, config)
        self._rewarder = Rewarder(config.reward, models)
        self._sampler = CaseSampler(
            cases, config.seed, rank=self._processes.rank, processes=self._processes.count
        )
        self.anchor = make_anchor(policy, config, raises_kl=held_out is not None)
        cache = ConditionCache(policy, run_dir / "conditions" if config.keep_conditions else None)
        engine = RolloutEngine(policy, config.rollout)
        replay = make_replay(policy, self.anchor, config, cache, cases[0])
        self._updater = Updater(config, self.anchor, replay, self._processes)
        with ExitStack() as stack:  # judges' threads end even when a check fails
            self._bus = stack.enter_context(RewardBus(models, config.bus)) if models else None
            self._evaluator: HeldOutEvaluator | None = None
            if held_out is not None:
                judge_bus = stack.enter_context(RewardBus({"held_out": held_out.judge}, config.bus))
                self._evaluator = HeldOutEvaluator(
                    config, held_out, judge_bus, self._bus, self._rewarder, cache, engine
                )
            self._collector = Collector(
                policy,
                config,
                self.anchor,
                cache,
                self._sampler,
                self._bus,
                self._rewarder,
                engine,
                self._processes,
            )
            self._open_folder(resume=resume)
            if self.steps_done == 0:
                check = StartUpCheck(policy, self.anchor, config, engine, cache, self._rewarder)
                self._check(check, cases)
            self._stack = stack.pop_all()

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
        return self.stopped == "held_out" or self.steps_done >= self.config.steps

    @property
    def log_path(self) -> Path:
        """One JSON line a step."""
        return self.run_dir / LOG_FILE

    def step(self) -> dict[str, Any]:
        """Draw, judge, update, evaluate, log, save; returns what was logged."""
        step, clock = self.steps_done, PhaseClock()
        found = self._collector.collect(step, clock, draw_ahead=self._draws_ahead(step))
        groups = self._rewarder.rewarded(found.kept)
        with clock.phase("update"):
            learned = self._updater.update(groups, step)
        self.steps_done += 1
        entry = {"step": self.steps_done, "kl_weight": self._updater.replay.objective.velocity_kl}
        entry |= step_statistics(found, self._rewarder, learned, self._bus)
        if self._is_turn(self.config.held_out.every):
            with clock.phase("held_out"):
                entry |= self._evaluate()
        entry |= {f"time/{name}_s": seconds for name, seconds in clock.seconds.items()}
        entry["time/step_s"] = clock.total()
        if self._processes.leads:
            self._log.write(entry)
            if self._is_turn(self.config.sheet_every) and found.judged:
                draw_sheet(found.judged[: self.config.sheet_groups], self._rewarder, self._sheet)
        if self.finished or self._is_turn(self.config.checkpoint_every):
            self.save()
        return entry

    def export(self) -> Path:
        """Write the LoRA, or the whole pipeline, with averaged weights where an average is kept."""
        folder = self.run_dir / EXPORT_FOLDER
        if self._processes.leads:
            with self.anchor.average():
                self.policy.export(str(folder))
        self._processes.wait()
        return folder

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        device = self.anchor.trainable[0].device
        positions = torch.zeros(self._processes.count, dtype=torch.int64, device=device)
        positions[self._processes.rank] = self._sampler.position
        positions = self._processes.sum(positions)
        if not self._processes.leads:
            return
        settings, moments = pack_optimizer(self._updater.optimizer)
        numbers, random_states = pack_random_states()
        state = {
            "identity": self._identity,
            "updates": self._updater.updates,
            "positions": positions.tolist(),
            "velocity_kl": self._updater.replay.objective.velocity_kl,
            "stopped": self.stopped,
            "optimizer": settings,
            "random": numbers,
            "held_out": self._evaluator.monitor.as_json() if self._evaluator else None,
        }
        tensors = {**self.anchor.tensors(), **moments, **random_states}
        save_checkpoint(self.run_dir, self.steps_done, state, tensors, self.config.keep_checkpoints)

    def set_velocity_kl(self, weight: float) -> None:
        """Change the pull towards the reference.

        Raises:
            UsageError: when full fine-tuning kept no reference.
        """
        if not self.anchor.has_reference:
            raise UsageError("full fine-tuning kept no reference: start with a velocity_kl above 0")
        replay = self._updater.replay
        replay.objective = replay.objective.model_copy(update={"velocity_kl": weight})

    def close(self) -> None:
        """Stop the judges' threads."""
        self._stack.close()

    def _check(self, check: StartUpCheck, cases: Sequence[AlignCase]) -> None:
        self.checked = check.run(cases, self._bus)
        if self._processes.leads:
            text = json.dumps(self.checked, indent=2)
            (self.run_dir / "check.json").write_text(text + "\n", "utf-8")

    def _evaluate(self) -> dict[str, Any]:
        """Ask the held-out judge, in the leading process, and do everywhere what its monitor says."""
        if self._evaluator is None:
            return {}
        stats: dict[str, Any] = {}
        action: Action = "none"
        if self._processes.leads:
            with self.anchor.average():
                stats, action = self._evaluator.evaluate(self.steps_done)
        device = self.anchor.trainable[0].device
        code = self._processes.sum(torch.tensor(ACTIONS.index(action), device=device))
        action = ACTIONS[int(code.item())]
        if action == "stop":
            self.stopped = "held_out"
        elif action == "raise_kl":
            monitor, weight = self.config.held_out, self._updater.replay.objective.velocity_kl
            self.set_velocity_kl(max(weight * monitor.kl_factor, monitor.kl_floor))
        return stats

    def _is_turn(self, every: int | None) -> bool:
        return every is not None and self.steps_done % every == 0

    def _draws_ahead(self, step: int) -> bool:
        """Never across a checkpoint: what was drawn ahead is not stored, and a resumed run must draw the same."""
        following = step + 1
        at_checkpoint = following % self.config.checkpoint_every == 0
        return self.config.max_staleness > 0 and following < self.config.steps and not at_checkpoint

    @property
    def _sheet(self) -> Path:
        return self.run_dir / "sheets" / f"step-{self.steps_done:06d}.png"

    def _open_folder(self, *, resume: bool) -> None:
        if not resume and self._processes.leads:
            shutil.rmtree(self.run_dir / FOLDER, ignore_errors=True)
        self._processes.wait()
        found = load_checkpoint(self.run_dir)
        if found is not None:
            self._restore(*found)
        if self._processes.leads:
            self._log = AlignLog(self.run_dir, self.steps_done)
            (self.run_dir / "config.yaml").write_text(dump_config(self.config), "utf-8")

    def _restore(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        processes = self._processes
        if state["identity"] != self._identity:
            raise ConfigError(
                f"{self.run_dir} was begun with other settings, cases or rewards, or another editor; "
                "use the same ones, another folder, or resume=False to start over"
            )
        if len(state["positions"]) != processes.count:
            raise ConfigError(
                f"{self.run_dir} was begun with {len(state['positions'])} processes, not {processes.count}"
            )
        self.anchor.load({k: v for k, v in tensors.items() if k.partition("/")[0] in PARTS})
        unpack_optimizer(self._updater.optimizer, state["optimizer"], tensors)
        unpack_random_states(state["random"], tensors)
        self.steps_done, self.stopped = state["step"], state["stopped"]
        self._updater.updates = state["updates"]
        self._sampler.position = state["positions"][processes.rank]
        if state["velocity_kl"] != self._updater.replay.objective.velocity_kl:
            self.set_velocity_kl(state["velocity_kl"])
        if self._evaluator is not None and state["held_out"] is not None:
            self._evaluator.restore(state["held_out"])
