"""Writing a conditioned editor so that it can be used like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from editloop.models.reward_conditioner import RewardConditioner
from editloop.models.storybook.pipeline import StorybookPipeline
from editloop.models.storybook.rewarded import RewardedStorybookPipeline
from editloop.train.align.lora import has_adapters
from editloop.train.policy import EditPolicy

CONDITIONER_FOLDER = "conditioner"


def export_conditioned(base: EditPolicy, conditioner: RewardConditioner, folder: str) -> None:
    """Write editor and conditioner.

    A fully trained storybook editor becomes one pipeline, which asks for the highest rewards by itself. Of any other the
    policy writes what it always does, with the conditioner in ``conditioner/`` beside it: `RewardConditioner.attach` joins them.
    """
    pipeline: Any = getattr(base, "pipeline", None)
    if isinstance(pipeline, StorybookPipeline) and not has_adapters(base.network):
        parts = {
            name: pipeline.components[name]
            for name in ("tokenizer", "text_encoder", "unet", "scheduler")
        }
        RewardedStorybookPipeline(**parts, conditioner=conditioner).save_pretrained(folder)
        return
    base.export(folder)
    conditioner.save_pretrained(Path(folder) / CONDITIONER_FOLDER)
