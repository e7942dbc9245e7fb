"""Trains the storybook editor from random weights, resumably, on CPU or GPU."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader

from editloop.core.errors import UsageError
from editloop.core.ids import content_id
from editloop.models.storybook.build import NOISE_SHIFT, build_pipeline
from editloop.models.storybook.latents import to_latents
from editloop.models.storybook.pipeline import StorybookPipeline, conditioning_latents
from editloop.models.storybook.shipped import shipped_folder
from editloop.models.storybook.text import encode_text
from editloop.train.sft.state import TrainingState
from editloop.train.storybook.reading import teach_reading
from editloop.train.storybook.stream import TripletBatches
from editloop.world.grammar import vocabulary
from editloop.world.oracle import FAILURE_WORDS

log = logging.getLogger(__name__)

MAY_CHANGE = ("steps", "checkpoint_every", "device")
"""Settings that a resumed training may change."""

REPORT_EVERY = 50
"""Updates between two lines of the log."""
LEAST_LOSS_SIGMA = 0.5
"""Below it errors of the picture count no more than at it. With the velocity's full weight 1 / sigma^2 the polish of the last steps
drowned what the first ones have to learn: after 40,000 samples edits stood in the right place in the wrong colours."""


class BaseTrainingConfig(BaseModel):
    """Settings of the base training; the defaults made the first half of the shipped weights, whose ``training.json`` has both commands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    start_from: str | None = None
    """Folder of a pipeline with the same words and sizes whose weights are the beginning, or ``shipped``; None begins with random ones.
    Then choose `reading_steps` 0, for it can read, and another `seed`, for other triplets."""
    steps: int = 3500
    """May be changed when a training is resumed: the learning rate then follows the new length."""
    batch_size: int = 32
    learning_rate: float = 1e-3
    warmup_steps: int = 150
    final_rate: float = 0.03
    """Last learning rate as a share of the highest; cosine in between."""
    weight_decay: float = 0.01
    gradient_norm: float = 1.0
    ema_decay: float = 0.999
    pure_noise_share: float = 0.4
    """Share of samples at sigma 1, where the first Euler step decides from words and source alone what is drawn and where."""
    noise_shift: float = NOISE_SHIFT
    """The other samples' uniform levels are shifted towards noise as those of sampling are: sigma becomes s sigma / (1 + (s - 1) sigma)."""
    least_sigma: float = 0.1
    """Lowest noise level before the shift: the last of ten Euler steps."""
    flawed_from: float = 0.8
    """Share of the training after which triplets carry flaws. Before it the network learns what words mean from right edits, as big
    editors learn to see and draw before they meet machine-made triplets; then it learns the habits of its imperfect data."""
    channels: tuple[int, ...] = (48, 96, 128)
    hidden: int = 128
    text_layers: int = 3
    reading_steps: int = 600
    """Updates of the text encoder on words alone, before the first picture."""
    reading_batch_size: int = 128
    reading_rate: float = 2e-3
    drawing_lessons: int = 1500
    """Updates over which text-to-image samples fall from most of a batch to their final share."""
    checkpoint_every: int = 250
    device: str = "cpu"


def region_weights(source: Tensor, target: Tensor, *, threshold: float = 18 / 127.5) -> Tensor:
    """Loss weights (n, 1, h, w) with mean 1: edited cells count log2(all cells / edited cells) + 1 times.

    The formula is UniWorld-V1's; without it small objects are a few per cent of the loss and are learned last.
    """
    edited = ((source - target).abs().amax(1, keepdim=True) > threshold).float()
    share = edited.mean((1, 2, 3), keepdim=True).clamp(min=1 / edited[0].numel())
    weights = 1 + edited * (torch.log2(1 / share))
    return weights / weights.mean((1, 2, 3), keepdim=True)


def flow_matching_loss(
    pipeline: StorybookPipeline,
    pixels: NDArray[Any],
    texts: list[str],
    sigma: Tensor,
    noise: Tensor,
    device: str,
) -> Tensor:
    """Weighted squared error of the velocity (arXiv 2210.02747) that follows from the predicted picture, a scalar."""
    sources, references, targets = (to_latents(pixels[:, k]).to(device) for k in range(3))
    states, mask, pooled = encode_text(pipeline.tokenizer, pipeline.text_encoder, texts)
    level = sigma[:, None, None, None]
    noisy = (1 - level) * targets + level * noise
    stacked = torch.cat([noisy, conditioning_latents(sources, references)], dim=1)
    residual = pipeline.unet(
        stacked.contiguous(memory_format=torch.channels_last),
        1000 * sigma,
        states,
        class_labels=pooled,
        encoder_attention_mask=mask,
    ).sample
    picture = sources + residual.float()
    error = ((picture - targets) / level.clamp(min=LEAST_LOSS_SIGMA)).square()
    loss: Tensor = (error * region_weights(sources, targets)).mean()
    return loss


def half_precision(device: str) -> AbstractContextManager[Any]:
    """bfloat16 autocast where the device multiplies it itself; a CPU without such instructions is many times slower with it."""
    kind = device.split(":")[0]
    native = kind != "cpu" or any(
        torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16")
    )
    return torch.autocast(kind, torch.bfloat16) if native else nullcontext()


def training_vocabulary() -> tuple[str, ...]:
    """Every word of the world: instructions, prompts, and the texts that name a failure."""
    return tuple(sorted({*vocabulary(), *FAILURE_WORDS}))


class BaseState(TrainingState):
    """A training state whose average forgets its beginning faster: decay ``step / (step + 20)``, up to the final one."""

    def decay(self, final: float) -> float:
        """See `TrainingState.decay`."""
        return min(final, self.step / (self.step + 20))


class BaseTrainer:
    """A training of pipeline and text encoder; weights, their average, optimiser and step are restored on resuming."""

    def __init__(self, config: BaseTrainingConfig, out: Path) -> None:
        self.config, self.out, self.seconds = config, out, 0.0
        self._meta_on_disk = self._read_meta()
        self.words: tuple[str, ...] = tuple(
            self._meta_on_disk["words"] if self._meta_on_disk else training_vocabulary()
        )
        self.pipeline = self._fresh_pipeline()
        if config.start_from is not None and self._meta_on_disk is None:
            self._begin_with(config.start_from)
        self.pipeline.to(config.device)
        self.pipeline.unet.to(memory_format=torch.channels_last)
        parameters = dict(self._named_parameters())
        self.optimizer = torch.optim.AdamW(
            parameters.values(),
            lr=config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
        )
        self.state = BaseState(parameters, self.optimizer, config.ema_decay)
        self._restore()

    @property
    def step(self) -> int:
        """Updates so far, those before a resume included."""
        return self.state.step

    def train(self, *, until_seconds: float = math.inf) -> None:
        """Run to the last step, or until this call has used so many seconds; checkpoints as it goes."""
        started, before = time.monotonic(), self.seconds
        if self.step == 0 and self.config.reading_steps:
            self._learn_to_read()
        for pixels, texts in self._batches():
            loss = self._train_step(pixels, texts)
            self.seconds = before + time.monotonic() - started
            if self.step % REPORT_EVERY == 0:
                self._report(loss)
            if self.step % self.config.checkpoint_every == 0:
                self.save()
            if time.monotonic() - started > until_seconds:
                break
        self.save()

    def _learn_to_read(self) -> None:
        config = self.config
        tokenizer, encoder = self.pipeline.tokenizer, self.pipeline.text_encoder
        teach_reading(
            lambda texts: encode_text(tokenizer, encoder, texts),
            encoder,
            width=config.hidden,
            steps=config.reading_steps,
            batch_size=config.reading_batch_size,
            learning_rate=config.reading_rate,
            seed=config.seed,
        )

    def save(self) -> None:
        """Write the state (for resuming) and the averaged weights as a pipeline (for use), each atomically."""
        self._state_path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._state_path.with_suffix(".new")
        save_file(self.state.tensors(), partial, metadata={"meta": json.dumps(self._meta())})
        partial.replace(self._state_path)
        self.export(self.out / "pipeline")

    def export(self, folder: Path) -> None:
        """Write the averaged weights as a pipeline (U-Net in half precision) that `from_pretrained` loads."""
        copy = self._fresh_pipeline()
        with self.state.averaged():
            copy.unet.load_state_dict(self.pipeline.unet.state_dict())
            copy.text_encoder.load_state_dict(self.pipeline.text_encoder.state_dict())
        copy.unet.half()
        copy.save_pretrained(folder)

    def _train_step(self, pixels: NDArray[Any], texts: list[str]) -> float:
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.step)
        sigma = self._noise_levels(len(texts), generator)
        side = pixels.shape[2] // 2
        noise = torch.randn((len(texts), 12, side, side), generator=generator)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        device = self.config.device
        with half_precision(device):
            loss = flow_matching_loss(
                self.pipeline, pixels, texts, sigma.to(device), noise.to(device), device
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.state.parameters.values(), self.config.gradient_norm)
        self.optimizer.step()
        self.state.advance()
        return float(loss.detach())

    def _noise_levels(self, count: int, generator: torch.Generator) -> Tensor:
        least = self.config.least_sigma
        uniform = least + (1 - least) * torch.rand(count, generator=generator)
        shift = self.config.noise_shift
        shifted = shift * uniform / (1 + (shift - 1) * uniform)
        pure = torch.rand(count, generator=generator) < self.config.pure_noise_share
        return torch.where(pure, torch.ones(()), shifted)

    def _learning_rate(self) -> float:
        config = self.config
        warm = min(1.0, (self.step + 1) / config.warmup_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / config.steps)))
        return config.learning_rate * warm * (config.final_rate + (1 - config.final_rate) * cosine)

    def _batches(self) -> Iterator[tuple[NDArray[Any], list[str]]]:
        data = TripletBatches(
            self.config.seed,
            self.config.batch_size,
            self.step,
            self.config.steps,
            self.config.drawing_lessons,
            flawed_from=round(self.config.flawed_from * self.config.steps),
        )
        return iter(DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4))

    def _report(self, loss: float) -> None:
        line = {
            "step": self.step,
            "samples": self.step * self.config.batch_size,
            "loss": round(loss, 4),
            "samples_per_second": round(self.step * self.config.batch_size / self.seconds, 1),
        }
        log.info("%s", line)
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _named_parameters(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        for part in ("unet", "text_encoder"):
            for name, parameter in getattr(self.pipeline, part).named_parameters():
                yield f"{part}.{name}", parameter

    def _meta(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "seconds": self.seconds,
            "run": self._run_id(),
            "words": self.words,
        }

    def _read_meta(self) -> dict[str, Any] | None:
        if not self._state_path.exists():
            return None
        with safe_open(self._state_path, "pt") as file:
            return dict(json.loads(file.metadata()["meta"]))

    @property
    def _state_path(self) -> Path:
        return self.out / "state" / "training.safetensors"

    def _fresh_pipeline(self) -> StorybookPipeline:
        config = self.config
        return build_pipeline(
            self.words,
            seed=config.seed,
            channels=config.channels,
            hidden=config.hidden,
            text_layers=config.text_layers,
        )

    def _begin_with(self, start: str) -> None:
        """Take over the weights of a trained pipeline."""
        folder = str(shipped_folder()) if start == "shipped" else start
        trained = StorybookPipeline.from_pretrained(folder, dtype=torch.float32)
        if trained.tokenizer.get_vocab() != self.pipeline.tokenizer.get_vocab():
            raise UsageError(
                f"the pipeline in {folder} knows other words than the world has today: train from the beginning"
            )
        for part in ("unet", "text_encoder"):
            getattr(self.pipeline, part).load_state_dict(getattr(trained, part).state_dict())

    def _run_id(self) -> str:
        settings = self.config.model_dump(mode="json", exclude=set(MAY_CHANGE))
        return content_id("storybook-base", json.dumps(settings, sort_keys=True))

    def _restore(self) -> None:
        meta = self._meta_on_disk
        if meta is None:
            return
        if meta["run"] != self._run_id():
            raise UsageError(
                f"{self.out} holds a training with other settings; give another --out, or the settings it began with"
            )
        held = load_file(self._state_path)
        # Earlier states call the weights "live".
        tensors = {
            f"weight.{name[5:]}" if name.startswith("live.") else name: value
            for name, value in held.items()
        }
        self.state.restore(tensors, int(meta["step"]))
        self.seconds = float(meta["seconds"])
        log.info("resumed at step %d", self.step)
