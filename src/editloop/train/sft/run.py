"""Fine-tuning from an editor and examples to an exported editor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from editloop.core.errors import UsageError
from editloop.core.seeds import derive_seed
from editloop.train.align.lora import ADAPTER, add_adapter, has_adapters
from editloop.train.examples import EditExample
from editloop.train.policy import EditPolicy
from editloop.train.sft.config import LoraSettings, SftConfig
from editloop.train.sft.source import ExampleSource, ShuffledExamples
from editloop.train.sft.trainer import OnExport, OnStep, SftTrainer, TrainingResult


def train_sft(
    policy: EditPolicy,
    examples: Sequence[EditExample] | ExampleSource,
    config: SftConfig,
    folder: str | Path,
    *,
    on_step: OnStep | None = None,
    on_export: OnExport | None = None,
) -> TrainingResult:
    """Fine-tune an editor on triplets, as they are: good or bad, all are imitated.

    Example:
        >>> result = train_sft(policy, examples, SftConfig(steps=100), "runs/sft")  # doctest: +SKIP
        >>> StorybookPipeline.from_pretrained(result.editor)  # doctest: +SKIP

    Args:
        policy: The editor; its network is changed in place.
        examples: A fixed set, shuffled anew for each pass, or a stream.
        config: Settings.
        folder: Of the run; an unfinished run in it is resumed.
        on_step: Called after every update.
        on_export: Called with the policy while it has the weights that are exported.

    Raises:
        UsageError: when `folder` holds a run with other settings or examples.
    """
    make_trainable(policy, config)
    source = as_source(examples, config)
    return SftTrainer(
        policy, source, config, Path(folder), on_step=on_step, on_export=on_export
    ).run()


def make_trainable(policy: EditPolicy, config: SftConfig) -> None:
    """Put an adapter on the policy's network, or unfreeze all of it.

    Raises:
        UsageError: when all of it is to be trained and it carries an adapter, or weights that are not float32.
    """
    if config.lora is None:
        if has_adapters(policy.network):
            raise UsageError("the editor carries a LoRA: fuse it, or set lora to train adapters")
        odd = {p.dtype for p in policy.network.parameters()} - {torch.float32}
        if odd:
            raise UsageError(
                f"the network's weights are {odd.pop()}, in which small updates vanish: train them with ?dtype=float32 behind "
                "the editor's folder (and bf16=true for speed), or train a LoRA"
            )
        policy.network.requires_grad_(requires_grad=True)
        return
    settings = config.lora
    add_adapter(
        policy.network,
        rank=settings.rank,
        alpha=settings.alpha,
        targets=_targets(policy, settings),
        seed=derive_seed(config.seed, "lora"),
    )
    if settings.dropout:
        for module in policy.network.modules():
            dropouts: Any = getattr(module, "lora_dropout", None)
            if dropouts is not None:
                dropouts[ADAPTER] = torch.nn.Dropout(settings.dropout)


def as_source(examples: Sequence[EditExample] | ExampleSource, config: SftConfig) -> ExampleSource:
    """A fixed set as a source; a source is itself."""
    if isinstance(examples, Sequence):
        return ShuffledExamples(examples, config.seed)
    return examples


def _targets(policy: EditPolicy, settings: LoraSettings) -> Sequence[str]:
    from editloop.train.align.lora import ATTENTION_TARGETS

    own: Sequence[str] = getattr(policy, "lora_targets", ATTENTION_TARGETS)
    return settings.targets or own
