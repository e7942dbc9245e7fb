"""The training loop: LoRA on the language part of Qwen2.5-VL or Qwen3-VL, exact resume, weights that the adapter loads.

Two losses, alone or together: ``reply`` is the cross-entropy of the reply (ImgEdit-Judge, arXiv 2505.20275, supervised fine-tuning on the
rating text); ``expected_score`` the squared distance between people's score and the expectation over the score's digits in the score's place
(a regression-style fine-tuning, as NoHumansRequired describes its validator's, arXiv 2507.14119; how theirs is done is not published).
It looks at the digits' shares among each other only; where a model does not write digits there yet, take ``both``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.core.seeds import generator
from editloop.models.miniatures.seeding import seeded
from editloop.models.prerequisites import require
from editloop.models.vlms.transformers import TransformersVlm
from editloop.train.judge_sft.batch import ReplyBatch, reply_batch
from editloop.train.judge_sft.config import JudgeSftConfig
from editloop.train.judge_sft.examples import BalancedDraw, JudgeExample
from editloop.train.judge_sft.losses import expected_score_loss, reply_loss
from editloop.train.sft.state import Checkpoints, TrainingState

LORA_FOLDER: Final = "lora"
_LANGUAGE: Final = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
_FREE: Final = ("steps", "save_every", "micro_batch", "gradient_checkpointing")
"""Settings that a run may be continued under other values of: they do not change what a step learns."""


class JudgeTrainer:
    """Trains adapters on a model that was opened by `TransformersVlm`; a run in the same folder goes on where it was.

    Args:
        vlm: The model; its weights stay as they are.
        config: Settings.
        folder: State, and the trained weights in ``lora``: judge with ``transformers:MODEL?lora=FOLDER/lora``.
        data: Names what is learnt (a hash of the examples and of the model), so that a run is not continued on something else.

    Raises:
        PrerequisiteError: when peft is missing.
        UsageError: the scale's ends are no single digits, or the folder holds a run with other settings or other data.
    """

    def __init__(
        self, vlm: TransformersVlm, config: JudgeSftConfig, folder: Path, data: str = ""
    ) -> None:
        low, high = config.digits
        if config.loss != "reply" and not 0 <= low < high <= 9:
            raise UsageError(f"digits must be two of 0 to 9, the lower first, got {config.digits}")
        check_same_run(config, folder, data)
        self._checkpoints = Checkpoints(folder, keep=2)
        self._facts = {"config": config.model_dump(mode="json"), "data": data}
        self._vlm, self.config, self._folder = vlm, config, folder
        self.model = _with_new_lora(vlm.checkpoint.model, config)
        parameters = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self._optimizer = torch.optim.AdamW(
            parameters.values(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.state = TrainingState(parameters, self._optimizer, None)
        self._checkpoints.restore(self.state)

    def train(
        self,
        examples: Sequence[JudgeExample],
        on_step: Callable[[int, float], None] | None = None,
    ) -> Path:
        """Train to `JudgeSftConfig.steps`; returns the folder of the LoRA weights.

        Args:
            examples: Rated edits; each batch is drawn balanced over tasks and scores, from the run's seed and the step alone.
            on_step: Called with the number of the step and its loss.

        Raises:
            UsageError: there are no examples.
        """
        if not examples:
            raise UsageError("a judge needs rated edits to learn from, got none")
        self.model.train()
        draw = BalancedDraw(examples)
        while self.state.step < self.config.steps:
            rng = generator(self.config.seed, "judge-sft", self.state.step)
            loss = self.step([examples[row] for row in draw.rows(self.config.batch, rng)])
            self.state.advance()
            if on_step is not None:
                on_step(self.state.step, loss)
            if self.state.step % self.config.save_every == 0:
                self.save()
        return self.save()

    def step(self, batch: Sequence[JudgeExample]) -> float:
        """One update; returns the loss before it."""
        self._optimizer.zero_grad(set_to_none=True)
        size = self.config.micro_batch or len(batch)
        total = 0.0
        for start in range(0, len(batch), size):
            part = batch[start : start + size]
            loss = self.loss(part) * (len(part) / len(batch))
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(self.state.parameters.values(), self.config.clip_norm)
        self._optimizer.step()
        return total

    def loss(self, batch: Sequence[JudgeExample]) -> Tensor:
        """Mean loss over a batch, a scalar."""
        asked: ReplyBatch = reply_batch(self._vlm, batch)
        logits: Tensor = self.model(**asked.inputs).logits.float()
        parts = []
        if self.config.loss != "expected_score":
            parts.append(reply_loss(logits, asked.labels))
        if self.config.loss != "reply":
            tokenizer = self._vlm.checkpoint.tokenizer
            parts.append(expected_score_loss(logits, asked.marks, tokenizer, self.config.digits))
        return torch.stack(parts).sum()

    def save(self) -> Path:
        """Write state and weights; returns the folder of the weights."""
        self._checkpoints.save(self.state, self._facts)
        place = self._folder / LORA_FOLDER
        self.model.save_pretrained(str(place), safe_serialization=True)
        return place


def _with_new_lora(model: Any, config: JudgeSftConfig) -> Any:
    """`model` under fresh adapters that change nothing yet."""
    peft = require("peft", "train")
    lora = peft.LoraConfig(r=config.rank, lora_alpha=config.alpha, target_modules=_LANGUAGE)
    with seeded(config.seed), warnings.catch_warnings():
        # peft reads a property that transformers has renamed, and older versions know one name of the other call only.
        warnings.simplefilter("ignore", FutureWarning)
        adapted = peft.get_peft_model(model, lora)
        if config.gradient_checkpointing:
            adapted.gradient_checkpointing_enable({"use_reentrant": False})
    return adapted


def check_same_run(config: JudgeSftConfig, folder: Path, data: str) -> None:
    """Nothing, when a run of these settings on this data may begin or go on in `folder`.

    Raises:
        UsageError: another run is in it.
    """
    before = Checkpoints(folder, keep=2).facts()
    if before is None:
        return
    if before.get("data") != data:
        raise UsageError(
            f"{folder} holds a run on other ratings, another rubric or another model: run with what it began with, or name another "
            "folder"
        )
    old, now = before["config"], config.model_dump(mode="json")
    changed = [
        f"{name} {old.get(name)} is now {value}"
        for name, value in now.items()
        if name not in _FREE and old.get(name) != value
    ]
    if changed:
        raise UsageError(
            f"{folder} holds a run with other settings ({'; '.join(changed)}): run with those it began with, or name another folder"
        )
    if before["step"] > config.steps:
        raise UsageError(
            f"{folder} holds a run of {before['step']} steps, more than the {config.steps} asked for: name another folder"
        )
