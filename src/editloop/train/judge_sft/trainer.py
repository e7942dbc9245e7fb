"""The training loop: LoRA on the language part of Qwen2.5-VL or Qwen3-VL, exact resume, weights that the adapter loads.

Two losses: ``reply`` is the cross-entropy of the reply (ImgEdit-Judge, arXiv 2505.20275, supervised fine-tuning on the rating text);
``expected_score`` the squared distance between people's score and the expectation over the score's digits at the first token of the
reply (a regression-style fine-tuning, as NoHumansRequired describes its validator's, arXiv 2507.14119; how theirs is done is not published).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from editloop.core.config import Config
from editloop.core.errors import UsageError
from editloop.core.seeds import generator
from editloop.models.miniatures.seeding import seeded
from editloop.models.prerequisites import require
from editloop.models.vlms.transformers import TransformersVlm
from editloop.train.judge_sft.examples import JudgeExample, balanced_rows
from editloop.train.sft.state import Checkpoints, TrainingState

LORA_FOLDER: Final = "lora"
_IGNORED: Final = -100
_LANGUAGE: Final = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


class JudgeSftConfig(Config):
    """Settings of a fine-tuning."""

    loss: Literal["reply", "expected_score"] = "reply"
    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    digits: tuple[int, int] = (1, 5)
    """Ends of the scale, whole numbers of one digit, for the loss ``expected_score``."""
    save_every: int = Field(default=100, ge=1)
    seed: int = 0


class JudgeTrainer:
    """Trains adapters on a model that was opened by `TransformersVlm`; a run in the same folder goes on where it was.

    Args:
        vlm: The model; its weights stay as they are.
        config: Settings.
        folder: State, and the trained weights in ``lora``: judge with ``transformers:MODEL?lora=FOLDER/lora``.

    Raises:
        PrerequisiteError: when peft is missing.
        UsageError: the scale's ends are no single digits.
    """

    def __init__(self, vlm: TransformersVlm, config: JudgeSftConfig, folder: Path) -> None:
        low, high = config.digits
        if not 0 <= low < high <= 9:
            raise UsageError(f"digits must be two of 0 to 9, the lower first, got {config.digits}")
        peft = require("peft", "train")
        self._vlm, self.config, self._folder = vlm, config, folder
        lora = peft.LoraConfig(r=config.rank, lora_alpha=config.alpha, target_modules=_LANGUAGE)
        with seeded(config.seed), warnings.catch_warnings():
            # peft reads a property that transformers has renamed.
            warnings.simplefilter("ignore", FutureWarning)
            self.model = peft.get_peft_model(vlm.checkpoint.model, lora)
        parameters = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self._optimizer = torch.optim.AdamW(
            parameters.values(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.state = TrainingState(parameters, self._optimizer, None)
        self._checkpoints = Checkpoints(folder, keep=2)
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
        while self.state.step < self.config.steps:
            rng = generator(self.config.seed, "judge-sft", self.state.step)
            rows = balanced_rows(examples, self.config.batch, rng)
            loss = self.step([examples[row] for row in rows])
            self.state.advance()
            if on_step is not None:
                on_step(self.state.step, loss)
            if self.state.step % self.config.save_every == 0:
                self.save()
        return self.save()

    def step(self, batch: Sequence[JudgeExample]) -> float:
        """One update; returns the loss before it."""
        self._optimizer.zero_grad(set_to_none=True)
        loss = self.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.state.parameters.values(), self.config.clip_norm)
        self._optimizer.step()
        return float(loss.detach())

    def loss(self, batch: Sequence[JudgeExample]) -> Tensor:
        """Mean loss over a batch, a scalar."""
        inputs, labels, prompt = self._with_replies(batch)
        logits: Tensor = self.model(**inputs).logits.float()
        if self.config.loss == "reply":
            return F.cross_entropy(
                logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=_IGNORED
            )
        low, high = self.config.digits
        tokenizer = self._vlm.checkpoint.tokenizer
        tokens = [
            tokenizer(str(digit), add_special_tokens=False)["input_ids"][0]
            for digit in range(low, high + 1)
        ]
        shares = logits[:, prompt - 1][:, tokens].softmax(dim=1)
        values = torch.arange(low, high + 1, dtype=shares.dtype, device=shares.device)
        people = torch.tensor([one.score for one in batch], device=shares.device)
        return F.mse_loss(shares @ values, people.to(shares.dtype))

    def save(self) -> Path:
        """Write state and weights; returns the folder of the weights."""
        self._checkpoints.save(self.state, {})
        place = self._folder / LORA_FOLDER
        self.model.save_pretrained(str(place), safe_serialization=True)
        return place

    def _with_replies(self, batch: Sequence[JudgeExample]) -> tuple[dict[str, Any], Tensor, int]:
        """Model inputs of questions followed by replies, the labels, and the length of the questions.

        Questions are padded on the left and replies on the right, so that all replies begin at one place.
        """
        inputs = dict(self._vlm.prepare([example.request for example in batch]))
        tokenizer = self._vlm.checkpoint.tokenizer
        shape, prompt = inputs["input_ids"].shape, int(inputs["input_ids"].shape[1])
        replies = [
            [*tokenizer(one.reply, add_special_tokens=False)["input_ids"], self._end()]
            for one in batch
        ]
        longest = max(map(len, replies))
        device = inputs["input_ids"].device
        added = torch.full((len(batch), longest), self._end(), device=device)
        real = torch.zeros((len(batch), longest), dtype=torch.long, device=device)
        for row, reply in enumerate(replies):
            added[row, : len(reply)] = torch.tensor(reply, device=device)
            real[row, : len(reply)] = 1
        labels = torch.full((len(batch), prompt + longest), _IGNORED, device=device)
        labels[:, prompt:] = added.masked_fill(real == 0, _IGNORED)
        for name, value in list(inputs.items()):
            if isinstance(value, Tensor) and value.shape == shape:
                more = {"input_ids": added, "attention_mask": real}.get(name)
                more = torch.zeros_like(added) if more is None else more
                inputs[name] = torch.cat([value, more.to(value.dtype)], dim=1)
        return inputs, labels, prompt

    def _end(self) -> int:
        ends = self._vlm.checkpoint.model.generation_config.eos_token_id
        return int(ends[0] if isinstance(ends, list) else ends)
