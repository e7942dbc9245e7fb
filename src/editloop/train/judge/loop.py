"""The training loop of a judge: AdamW, a cosine schedule, averaged weights, and a state that a cut-off run goes on from."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from editloop.core.errors import UsageError
from editloop.models.storybook.judge_network import JudgeNetwork, Reading
from editloop.train.judge.batches import Batch, Batches

_log = logging.getLogger(__name__)
STATE_NAME, _PLAN = "state.safetensors", "plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How long and how fast a judge learns."""

    steps: int = 2000
    batch: int = 64
    learning_rate: float = 1.5e-3
    warm_up: int = 100
    weight_decay: float = 0.02
    average: float = 0.997
    """Decay of the running mean of the weights, which is what is kept."""
    failure_weight: float = 0.3
    task_weight: float = 0.1
    repair_weight: float = 8.0
    """Of the mean absolute error (pixels in -1 to 1) of what is missing."""
    distance_weight: float = 0.3
    """Of the squared distance between expected and target score, beside the cross-entropy of the distribution."""
    gap_weight: float = 0.6
    """Of the squared distance between the expected and the true gap of two edits of one case: post-training learns from nothing else,
    and it is a small part of what makes scores differ."""
    seed: int = 0
    half_precision: bool = False
    """Multiply in bfloat16; weights stay float32. At these sizes a CPU loses more by converting than it gains."""


class Trainer:
    """Trains `network` in place.

    Args:
        network: Fresh or pretrained.
        batches: Where the pairs come from.
        plan: Length, rates and weights of the losses.
        folder: Holds the state between runs; a state of another plan is an error.
    """

    def __init__(
        self, network: JudgeNetwork, batches: Batches, plan: TrainingPlan, folder: Path
    ) -> None:
        self.network, self.batches, self.plan, self.folder = network, batches, plan, folder
        self.step = 0
        self.averaged = {name: value.detach().clone() for name, value in self._weights().items()}
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        if (folder / STATE_NAME).exists():
            self._restore()

    def run(self, until: int | None = None, save_every: int = 200) -> None:
        """Train to step `until`, or to the end of the plan, keeping the state every `save_every` steps."""
        goal = self.plan.steps if until is None else min(until, self.plan.steps)
        self.network.train()
        while self.step < goal:
            loss = self._update(self.batches.at(self.step, self.plan.batch))
            self.step += 1
            if self.step % 50 == 0:
                _log.info("step %d of %d, loss %.3f", self.step, self.plan.steps, loss)
            if self.step % save_every == 0 or self.step == goal:
                self._save()

    def result(self) -> JudgeNetwork:
        """The network with the averaged weights, ready to read."""
        self.network.load_state_dict(self.averaged)
        return self.network.eval()

    def _update(self, batch: Batch) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate * schedule(self.step, self.plan)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.plan.half_precision):
            reading = self.network(
                batch.source, batch.edited, batch.reference, batch.words, batch.draft
            )
        loss = judge_loss(reading, batch, self.plan)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        # A mean over all of a short history at first, so that the start does not linger.
        decay = min(self.plan.average, (1 + self.step) / (10 + self.step))
        for name, value in self._weights().items():
            self.averaged[name].lerp_(value, 1.0 - decay)
        return float(loss.detach())

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach() for name, value in self.network.state_dict().items()}

    def _save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Copies, for the text encoder has one tensor under two names, which safetensors refuses.
        tensors = {f"network/{k}": v.clone() for k, v in self._weights().items()}
        tensors |= {f"averaged/{k}": v.contiguous() for k, v in self.averaged.items()}
        for name, parameter in self.network.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer/{name}/{key}"] = torch.as_tensor(value).clone()
        tensors["step"] = torch.tensor(self.step)
        (self.folder / _PLAN).write_text(json.dumps(asdict(self.plan)), encoding="utf-8")
        part = self.folder / f"{STATE_NAME}.part"
        save_file(tensors, str(part))
        part.replace(self.folder / STATE_NAME)

    def _restore(self) -> None:
        planned = json.loads((self.folder / _PLAN).read_text(encoding="utf-8"))
        if planned != asdict(self.plan):
            raise UsageError(
                f"{self.folder} holds a run with another plan ({planned}); choose another folder or delete it"
            )
        kept = load_file(str(self.folder / STATE_NAME))
        self.step = int(kept.pop("step"))
        self.network.load_state_dict(_under(kept, "network/"))
        self.averaged = _under(kept, "averaged/")
        for name, parameter in self.network.named_parameters():
            self.optimizer.state[parameter] = _under(kept, f"optimizer/{name}/")


def judge_loss(reading: Reading, batch: Batch, plan: TrainingPlan) -> Tensor:
    """Cross-entropy of the scores, squared distances of their expectations and gaps, both classifications, the repair.

    Rows k and n / 2 + k are two edits of one case, whose gap is meant. The distance tells the loss that 4 is nearer to 5 than 1 is, which cross-entropy over classes ignores.
    """
    entropy = -(batch.scores * reading.scores.log_softmax(-1)).sum(-1).mean()
    off = reading.expected() - (batch.scores * reading.steps()).sum(-1)
    distance = off.square().mean()
    half = len(off) // 2
    gap = (off[:half] - off[half : 2 * half]).square().sum() / max(1, half * off.shape[1])
    failures = F.cross_entropy(reading.failures, batch.failures)
    tasks = F.cross_entropy(reading.tasks, batch.tasks)
    repair = (reading.repair - batch.repair).abs().mean()
    return (
        entropy
        + plan.distance_weight * distance
        + plan.gap_weight * gap
        + plan.failure_weight * failures
        + plan.task_weight * tasks
        + plan.repair_weight * repair
    )


def schedule(step: int, plan: TrainingPlan) -> float:
    """Factor on the learning rate: linear warm-up, then half a cosine down to a fiftieth."""
    if step < plan.warm_up:
        return (step + 1) / plan.warm_up
    done = (step - plan.warm_up) / max(1, plan.steps - plan.warm_up)
    return 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * done))


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
