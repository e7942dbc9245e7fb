"""InstructPix2Pix (arXiv 2211.09800) and the many checkpoints fine-tuned from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from editloop.models.diffusers.families import generators, refuse_references, torch_dtype
from editloop.models.diffusers.settings import EditSettings
from editloop.models.diffusers.sizes import fit_area, to_pil
from editloop.models.roles import EditRequest, RgbImage


class InstructPix2Pix:
    """`StableDiffusionInstructPix2PixPipeline`: guidance by text and by picture, three network calls a step."""

    takes_dialogues: ClassVar[bool] = False
    defaults: ClassVar[EditSettings] = EditSettings(
        steps=20, pixels=512 * 512, guidance=7.5, image_guidance=1.5, batch=4
    )

    def open(self, folder: Path, settings: EditSettings) -> Any:
        """See `PipelineFamily`. The checkpoint's safety checker, which blackens pictures, is left out."""
        from diffusers import StableDiffusionInstructPix2PixPipeline

        return StableDiffusionInstructPix2PixPipeline.from_pretrained(
            folder,
            safety_checker=None,
            requires_safety_checker=False,
            dtype=torch_dtype(settings),
        )

    def edit(
        self, pipeline: Any, requests: Sequence[EditRequest], settings: EditSettings
    ) -> list[RgbImage]:
        """See `PipelineFamily`.

        Raises:
            BadInputError: `references_unsupported`.
        """
        refuse_references(requests, "StableDiffusionInstructPix2PixPipeline")
        height, width = requests[0].image.shape[:2]
        multiple = 2 * pipeline.vae_scale_factor
        size = fit_area(width, height, settings.pixels or 512 * 512, multiple)
        images = pipeline(
            prompt=[request.instruction for request in requests],
            image=[to_pil(request.image, size) for request in requests],
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance,
            image_guidance_scale=settings.image_guidance,
            generator=generators(requests),
            output_type="np",
        ).images
        return list((images * 255).round().astype(np.uint8))
