"""The tiny editor after reward-conditioned training: asked for the highest scores and no faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from editloop.models.diffusers.families import torch_dtype
from editloop.models.diffusers.families.storybook import Storybook
from editloop.models.diffusers.settings import EditSettings


class RewardedStorybook(Storybook):
    """`RewardedStorybookPipeline`, which is called like the plain one."""

    def open(self, folder: Path, settings: EditSettings) -> Any:
        """See `PipelineFamily`."""
        from editloop.models.storybook.rewarded import RewardedStorybookPipeline

        return RewardedStorybookPipeline.from_pretrained(folder, dtype=torch_dtype(settings))
