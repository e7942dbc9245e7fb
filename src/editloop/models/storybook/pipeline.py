"""The tiny editor as a diffusers pipeline: loaded by `from_pretrained`, LoRA by `load_lora_weights`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.loaders.lora_pipeline import StableDiffusionLoraLoaderMixin
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from diffusers.utils import BaseOutput
from torch import Tensor
from transformers import PreTrainedTokenizerFast, T5EncoderModel

from editloop.core.errors import UsageError
from editloop.models.roles import RgbImage
from editloop.models.storybook.latents import from_latents, to_latents, velocity_of
from editloop.models.storybook.text import encode_text, with_context

BLANK = 127
"""Grey level of a missing source (text-to-image) and of a missing reference image."""
DEFAULT_STEPS = 3
"""Of one edit. The shipped weights score 3.30 with 2 steps, 3.27 with 3, 3.19 with 4 and 3.10 with 6 (`benchmarks/tiny_editor.py --steps 2 3 4 6`):
later steps polish a blur that the first ones left; 3 keeps some of the variety that one guess has not. Post-training draws with more, for their noise is what makes its samples differ."""


@dataclass
class StorybookOutput(BaseOutput):  # type: ignore[misc]
    """Edited images, RGB uint8 (h, w, 3) each, or clean latents where those were asked for."""

    images: list[RgbImage] | Tensor


def blank_image(size: int) -> RgbImage:
    """The grey picture that stands for "no image"."""
    return np.full((size, size, 3), BLANK, np.uint8)


def conditioning_latents(sources: Tensor, references: Tensor) -> Tensor:
    """What is stacked under the noisy latent: source, then reference, (n, 24, h, w)."""
    return torch.cat([sources, references], dim=1)


def sampling_sigmas(steps: int) -> list[float]:
    """Noise levels of an Euler run, from 1 down; the scheduler adds the closing 0."""
    return [1 - index / steps for index in range(steps)]


class StorybookPipeline(DiffusionPipeline, StableDiffusionLoraLoaderMixin):  # type: ignore[misc]
    """Edits small pictures by flow matching: noise, source and reference enter a U-Net side by side.

    Text-to-image is the same call with a blank source (`images=None`). The network predicts the change of the source at sigma in
    [0, 1] (`latents.velocity_of` makes a velocity of it); it is told ``1000 * sigma``, as diffusers' flow-matching pipelines do.
    """

    model_cpu_offload_seq = "text_encoder->unet"
    unet_name = "unet"
    text_encoder_name = "text_encoder"
    _lora_loadable_modules = ["unet", "text_encoder"]  # noqa: RUF012 - diffusers' own attribute

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        text_encoder: T5EncoderModel,
        unet: UNet2DConditionModel,
        scheduler: FlowMatchEulerDiscreteScheduler,
    ) -> None:
        super().__init__()
        self.register_modules(
            tokenizer=tokenizer, text_encoder=text_encoder, unet=unet, scheduler=scheduler
        )

    @property
    def image_size(self) -> int:
        """Side of the pictures that the network was trained on, in pixels."""
        return 2 * int(self.unet.config.sample_size)

    @torch.no_grad()
    def __call__(
        self,
        images: Sequence[RgbImage] | None,
        instructions: Sequence[str],
        references: Sequence[RgbImage | None] | None = None,
        context: Sequence[Sequence[str]] | None = None,
        num_inference_steps: int = DEFAULT_STEPS,
        generator: Sequence[torch.Generator] | torch.Generator | None = None,
        latents: Tensor | None = None,
        output_type: str = "np",
    ) -> StorybookOutput:
        """Edit each image by its instruction.

        Args:
            images: RGB uint8 (h, w, 3) of one size with even sides; None draws from words alone.
            instructions: One an image.
            references: An image an instruction may refer to, or None, for each.
            context: Earlier instructions of the dialogue, oldest first, for each.
            num_inference_steps: Euler steps from noise to image.
            generator: One for all, or one an image, so that a result does not depend on its neighbours.
            latents: The starting noise (n, 12, h / 2, w / 2) in place of drawn noise.
            output_type: ``np`` for images, ``latent`` for clean latents in `images`.

        Raises:
            UsageError: when the lists differ in length or the images in size.
        """
        count = len(instructions)
        for name, value in (("images", images), ("references", references), ("context", context)):
            if value is not None and len(value) != count:
                raise UsageError(
                    f"{count} instructions came with {len(value)} {name}; give one each"
                )
        sources = to_latents(
            images if images is not None else [blank_image(self.image_size)] * count
        )
        sources = sources.to(self.unet.device, self.unet.dtype)
        below = conditioning_latents(sources, self._reference_latents(references, sources))
        texts = [
            with_context(text, turns)
            for text, turns in zip(instructions, context or [()] * count, strict=True)
        ]
        states, mask, pooled = encode_text(self.tokenizer, self.text_encoder, texts)
        x = latents if latents is not None else self._noise(sources.shape, generator)
        self.scheduler.set_timesteps(sigmas=sampling_sigmas(num_inference_steps))
        for step in self.scheduler.timesteps:
            times = step.expand(count).to(self.unet.device)
            residual = self.unet(
                torch.cat([x.to(self.unet.dtype), below], dim=1),
                times,
                states,
                class_labels=pooled,
                encoder_attention_mask=mask,
            ).sample
            velocity = velocity_of(x, times / 1000, sources, residual)
            x = self.scheduler.step(velocity, step, x, return_dict=False)[0]
        return StorybookOutput(images=x if output_type == "latent" else from_latents(x))

    def _noise(
        self, shape: torch.Size, generator: Sequence[torch.Generator] | torch.Generator | None
    ) -> Tensor:
        if isinstance(generator, Sequence):
            rows = [torch.randn(shape[1:], generator=one) for one in generator]
            return torch.stack(rows).to(self.unet.device)
        return torch.randn(shape, generator=generator).to(self.unet.device)

    def _reference_latents(
        self, references: Sequence[RgbImage | None] | None, sources: Tensor
    ) -> Tensor:
        empty = blank_image(2 * sources.shape[-1])
        given: list[Any] = list(references or [None] * len(sources))
        filled = [empty if reference is None else reference for reference in given]
        return to_latents(filled).to(sources)
