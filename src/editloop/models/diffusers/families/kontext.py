"""FLUX.1 Kontext (arXiv 2506.15742)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from editloop.models.diffusers.families import generators, refuse_references, torch_dtype
from editloop.models.diffusers.settings import EditSettings
from editloop.models.diffusers.sizes import fit_area, to_pil
from editloop.models.roles import EditRequest, RgbImage

TRAINED_PIXELS = 1024 * 1024


class Kontext:
    """`FluxKontextPipeline`: one source picture, guidance embedded in the network."""

    takes_dialogues: ClassVar[bool] = False
    defaults: ClassVar[EditSettings] = EditSettings(
        steps=28, pixels=TRAINED_PIXELS, guidance=2.5, text_tokens=512, batch=4
    )

    def open(self, folder: Path, settings: EditSettings) -> Any:
        """See `PipelineFamily`."""
        from diffusers import FluxKontextPipeline

        return FluxKontextPipeline.from_pretrained(folder, dtype=torch_dtype(settings))

    def edit(
        self, pipeline: Any, requests: Sequence[EditRequest], settings: EditSettings
    ) -> list[RgbImage]:
        """See `PipelineFamily`.

        Raises:
            BadInputError: `references_unsupported`.
        """
        refuse_references(requests, "FluxKontextPipeline")
        width, height = kontext_size(pipeline, requests[0].image, settings)
        images = pipeline(
            image=[to_pil(request.image, (width, height)) for request in requests],
            prompt=[request.instruction for request in requests],
            width=width,
            height=height,
            max_area=width * height,
            _auto_resize=False,
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance,
            max_sequence_length=settings.text_tokens,
            generator=generators(requests),
            output_type="np",
        ).images
        return list((images * 255).round().astype(np.uint8))


def kontext_size(pipeline: Any, image: RgbImage, settings: EditSettings) -> tuple[int, int]:
    """Width and height at which the network sees `image`.

    At the area it was trained at, the nearest of the aspect ratios that it was trained on; otherwise the picture's own.
    """
    from diffusers.pipelines.flux.pipeline_flux_kontext import PREFERRED_KONTEXT_RESOLUTIONS

    height, width = image.shape[:2]
    multiple = 2 * pipeline.vae_scale_factor
    if settings.pixels == TRAINED_PIXELS:
        width, height = min(
            PREFERRED_KONTEXT_RESOLUTIONS, key=lambda size: abs(size[0] / size[1] - width / height)
        )
        return width // multiple * multiple, height // multiple * multiple
    return fit_area(width, height, settings.pixels or TRAINED_PIXELS, multiple)
