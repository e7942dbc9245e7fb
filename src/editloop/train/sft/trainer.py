"""Supervised fine-tuning of any policy on triplets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from editloop.core.errors import EditloopError, RunInterruptedError, UsageError
from editloop.core.seeds import derive_seed
from editloop.train.examples import EditExample
from editloop.train.policy import Condition, EditPolicy
from editloop.train.sft.config import SftConfig
from editloop.train.sft.log import StepReport, TrainingLog
from editloop.train.sft.loss import NoiseDraw, draw_noise, flow_matching_loss
from editloop.train.sft.parallel import Processes
from editloop.train.sft.region import region_weights
from editloop.train.sft.source import ExampleSource, prepared
from editloop.train.sft.state import Checkpoints, TrainingState

OnStep: TypeAlias = Callable[[StepReport], None]
OnExport: TypeAlias = Callable[[EditPolicy], None]
EncodeExamples: TypeAlias = Callable[[Sequence[EditExample]], Condition]

_MAY_CHANGE = ("steps", "micro_batch_size", "checkpoint_every", "keep_checkpoints")
"""Settings that a resumed run may change; a constant schedule may go on past its last step."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a training ended."""

    folder: Path
    editor: Path | None
    """What `EditPolicy.export` wrote; None when the run was stopped before its last step."""
    step: int
    loss: float | None
    """Of the last update of this session; None when there was none to do."""
    seconds: float
    """Time of training, over all sessions."""


@dataclass(frozen=True, slots=True)
class Gradient:
    """What a batch says, before the optimiser acts on it."""

    loss: float
    """Mean over the samples that were learned from."""
    norm: float
    """Before clipping."""
    rejected: int
    """Samples that were left out."""


class SftTrainer:
    """Trains whatever parameters of the policy's network require gradients; resumes from the folder's newest checkpoint.

    The same settings give the same weights bit by bit on a CPU, however often the run was stopped in between.

    Args:
        policy: What is trained, in place.
        source: Where examples come from.
        config: Settings.
        folder: Gets ``checkpoints/``, ``log.jsonl`` and, at the end, ``editor/``.
        encode: Conditions of examples; None asks the policy, which knows nothing of rewards.
        on_step: Called after every update, in the leading process.
        on_export: Called there with the policy while it has the weights that are exported.
        processes: Who trains together; None finds out.

    Raises:
        UsageError: when nothing requires gradients, or the folder holds a run with other settings.
    """

    def __init__(
        self,
        policy: EditPolicy,
        source: ExampleSource,
        config: SftConfig,
        folder: Path,
        *,
        encode: EncodeExamples | None = None,
        on_step: OnStep | None = None,
        on_export: OnExport | None = None,
        processes: Processes | None = None,
    ) -> None:
        self._policy, self._source, self.config, self.folder = policy, source, config, folder
        self._encode = encode or (lambda examples: policy.encode([e.request() for e in examples]))
        self._on_step, self._on_export = on_step, on_export
        self._processes = processes or Processes()
        if config.batch_size < self._processes.count:
            raise UsageError(
                f"batch_size {config.batch_size} does not reach all {self._processes.count} processes"
            )
        own = getattr(policy, "loss_floor", 0.0)
        self._loss_floor = own if config.noise.loss_floor is None else config.noise.loss_floor
        parameters = {n: p for n, p in policy.network.named_parameters() if p.requires_grad}
        if not parameters:
            raise UsageError("no parameter of the network requires gradients: nothing to train")
        self._device = next(iter(parameters.values())).device
        self._state = TrainingState(parameters, _optimizer(parameters, config), config.ema_decay)
        self._checkpoints = Checkpoints(folder / "checkpoints", config.keep_checkpoints)
        self._seconds = self._resume()

    @property
    def step(self) -> int:
        """Updates done."""
        return self._state.step

    def run(self, until: int | None = None) -> TrainingResult:
        """Train to the last step, or to step `until`, and export at the end.

        Raises:
            RunInterruptedError: on Ctrl-C; the last checkpoint stays good.
            EditloopError: when the loss is no number any more.
        """
        last = min(self.config.steps, until if until is not None else self.config.steps)
        log = TrainingLog(self.folder / "log.jsonl", self.step) if self._processes.leads else None
        report: StepReport | None = None
        self._policy.network.train()
        try:
            while self.step < last:
                report = self._update()
                if log is not None:
                    log.write(report)
                    if self._on_step is not None:
                        self._on_step(report)
                if self.step % self.config.checkpoint_every == 0 or self.step == last:
                    self._save()
        except KeyboardInterrupt as error:
            facts = self._checkpoints.facts()
            saved = facts["step"] if facts else 0
            raise RunInterruptedError(
                f"stopped at step {self.step}; the same command goes on from step {saved}"
            ) from error
        finally:
            self._policy.network.eval()
        return TrainingResult(
            self.folder,
            self._export() if self.step >= self.config.steps else None,
            self.step,
            report.loss if report else None,
            self._seconds,
        )

    def _update(self) -> StepReport:
        started, step, config = time.perf_counter(), self.step, self.config
        rate = config.learning_rate * rate_factor(step, config)
        for group in self._state.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        examples = prepared(self._source.batch(step, config.batch_size), config, step)
        gradient = self.accumulate(examples, step)
        self._state.optimizer.step()
        self._state.advance()
        seconds = time.perf_counter() - started
        self._seconds += seconds
        return StepReport(
            step=self.step,
            loss=gradient.loss,
            gradient_norm=gradient.norm,
            learning_rate=rate,
            samples=self.step * config.batch_size,
            rejected=gradient.rejected,
            seconds=round(self._seconds, 3),
            samples_per_second=round(config.batch_size / seconds, 2),
        )

    def accumulate(self, examples: Sequence[EditExample], step: int) -> Gradient:
        """Leave the clipped gradient of the batch's mean loss in the parameters; `step` seeds its noise."""
        self._state.optimizer.zero_grad(set_to_none=True)
        mine = self._processes.rows(len(examples))
        condition = self._encode(examples[mine])
        shape = self._policy.latent_shape(condition)
        generator = torch.Generator().manual_seed(derive_seed(self.config.seed, "noise", step))
        draw = draw_noise(len(examples), shape, self.config.noise, generator)
        weights, kept = self._region(examples, shape)
        learned = int(kept.sum())
        total = torch.zeros((), device=self._device)
        seed = derive_seed(self.config.seed, "dropout", step, self._processes.rank)
        with _seeded_dropout(seed, self._device):
            for part in _parts(mine, self.config.micro_batch_size):
                losses = self._losses(
                    examples[part],
                    condition.take(range(part.start - mine.start, part.stop - mine.start)),
                    draw.rows(part),
                    None if weights is None else weights[part],
                )
                counted = torch.where(kept[part].to(losses.device), losses, 0.0)
                loss = counted.sum() / max(1, learned)
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.detach()
        parameters = list(self._state.parameters.values())
        self._processes.sum_gradients(parameters)
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.config.gradient_norm)
        value = float(self._processes.sum(total))
        if not math.isfinite(value) or not math.isfinite(float(norm)):
            raise EditloopError(
                f"the loss became {value} (gradient {float(norm)}) at step {step + 1}; lower learning_rate or check the data"
            )
        return Gradient(value, float(norm), len(examples) - learned)

    def _losses(
        self,
        examples: Sequence[EditExample],
        condition: Condition,
        draw: NoiseDraw,
        weights: Tensor | None,
    ) -> Tensor:
        clean = self._policy.latents([example.target for example in examples], condition)
        with self._autocast():
            return flow_matching_loss(
                self._policy, condition, clean, draw, weights, self._loss_floor
            )

    def _region(
        self, examples: Sequence[EditExample], shape: tuple[int, ...]
    ) -> tuple[Tensor | None, Tensor]:
        if self.config.region is None:
            return None, torch.ones(len(examples), dtype=torch.bool)
        sources, targets = [e.source for e in examples], [e.target for e in examples]
        return region_weights(sources, targets, shape, self.config.region)

    def _autocast(self) -> AbstractContextManager[Any]:
        if not self.config.bf16:
            return nullcontext()
        return torch.autocast(self._device.type, dtype=torch.bfloat16)

    def _resume(self) -> float:
        facts = self._checkpoints.facts()
        if facts is None:
            return 0.0
        began, now = facts["config"], self.config.model_dump(mode="json")
        free = {*_MAY_CHANGE} - ({"steps"} if self.config.schedule == "cosine" else set())
        for key in now.keys() - free:
            if began.get(key) != now[key]:
                raise UsageError(
                    f"{self.folder} holds a training with {key} = {began.get(key)}, now {now[key]}; "
                    "give the settings it began with, or another folder"
                )
        if facts["source"] != self._source.identity:
            raise UsageError(
                f"{self.folder} holds a training on other examples; give another folder"
            )
        if facts["editor"] != self._policy.identity.version:
            raise UsageError(
                f"{self.folder} holds a training of another editor; give another folder"
            )
        self._checkpoints.restore(self._state)
        return float(facts["seconds"])

    def _save(self) -> None:
        if self._processes.leads:
            facts = {
                "seconds": self._seconds,
                "source": self._source.identity,
                "editor": self._policy.identity.version,
                "config": self.config.model_dump(mode="json"),
            }
            self._checkpoints.save(self._state, facts)
        self._processes.wait()

    def _export(self) -> Path:
        editor = self.folder / "editor"
        if self._processes.leads:
            with self._state.averaged():
                self._policy.export(str(editor))
                if self._on_export is not None:
                    self._on_export(self._policy)
        self._processes.wait()
        return editor


def rate_factor(step: int, config: SftConfig) -> float:
    """Share of the full learning rate at an update counted from 0: linear warm-up, then constant or half a cosine to 0."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return 1.0
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * done))


def _optimizer(
    parameters: dict[str, torch.nn.Parameter], config: SftConfig
) -> torch.optim.Optimizer:
    """AdamW with a group for each factor on the learning rate."""
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in parameters.items():
        scales = [s for start, s in config.rate_scales.items() if name.startswith(start)]
        groups.setdefault(scales[0] if scales else 1.0, []).append(parameter)
    return torch.optim.AdamW(
        [{"params": members, "scale": scale} for scale, members in groups.items()],
        lr=config.learning_rate,
        betas=config.betas,
        eps=config.epsilon,
        weight_decay=config.weight_decay,
    )


@contextmanager
def _seeded_dropout(seed: int, device: torch.device) -> Iterator[None]:
    """Dropout layers draw from the global state, which is put back afterwards."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.set_rng_state(torch.Generator(device).manual_seed(seed).get_state(), device)
        yield


def _parts(rows: slice, size: int | None) -> Iterator[slice]:
    """`rows`, at most `size` at a time."""
    step = size or max(1, rows.stop - rows.start)
    return (slice(k, min(k + step, rows.stop)) for k in range(rows.start, rows.stop, step))
