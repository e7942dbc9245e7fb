"""The storybook editor under reward conditions: it was trained to know good edits from bad ones, and is asked for good ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from torch import Tensor
from transformers import PreTrainedTokenizerFast, T5EncoderModel

from editloop.models.reward_conditioner import RewardConditioner
from editloop.models.storybook.pipeline import StorybookOutput, StorybookPipeline
from editloop.models.storybook.text import encode_text
from editloop.records.formats.reward_edit import AXES, NO_FAULT, SCALE

TOP_SCORES = (SCALE[1],) * len(AXES)
NO_FAULTS = (NO_FAULT,) * len(AXES)


class RewardedStorybookPipeline(StorybookPipeline):
    """A `StorybookPipeline` whose U-Net is told which scores its edit shall get; by default the highest, and no faults."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        text_encoder: T5EncoderModel,
        unet: UNet2DConditionModel,
        scheduler: FlowMatchEulerDiscreteScheduler,
        conditioner: RewardConditioner,
    ) -> None:
        super().__init__(tokenizer, text_encoder, unet, scheduler)
        self.register_modules(conditioner=conditioner)
        conditioner.attach(unet)

    @torch.no_grad()
    def __call__(
        self,
        *args: Any,
        scores: Sequence[float | None] = TOP_SCORES,
        faults: Sequence[str] = NO_FAULTS,
        **kwargs: Any,
    ) -> StorybookOutput:
        """Edit under the same reward condition for every image; all else as `StorybookPipeline`.

        Args:
            args: As the parent's.
            scores: Asked for following, preserving and quality, each in [0, 5].
            faults: In words, one for each score.
            kwargs: As the parent's.
        """
        condition = self.conditioner.condition([scores], [faults], self._pooled)
        with self.conditioner.rewarding(condition):
            return super().__call__(*args, **kwargs)

    def _pooled(self, texts: Sequence[str]) -> Tensor:
        return encode_text(self.tokenizer, self.text_encoder, texts)[2]
