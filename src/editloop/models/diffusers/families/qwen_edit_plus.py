"""Qwen-Image-Edit-2509 and its successors (arXiv 2508.02324): a source and further pictures, one prompt a call."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from editloop.models.diffusers.families import generators, torch_dtype
from editloop.models.diffusers.qwen_processor import load_qwen_processor
from editloop.models.diffusers.settings import EditSettings
from editloop.models.diffusers.sizes import to_pil
from editloop.models.roles import EditRequest, RgbImage

_AREAS_LOCK = threading.RLock()


class QwenEditPlus:
    """`QwenImageEditPlusPipeline`: classifier-free guidance, references beside the source, no batches of prompts."""

    takes_dialogues: ClassVar[bool] = False
    defaults: ClassVar[EditSettings] = EditSettings(
        steps=40,
        pixels=1024 * 1024,
        condition_pixels=384 * 384,
        guidance=4.0,
        negative=" ",
        batch=1,
    )

    def open(self, folder: Path, settings: EditSettings) -> Any:
        """See `PipelineFamily`."""
        from diffusers import QwenImageEditPlusPipeline

        return QwenImageEditPlusPipeline.from_pretrained(
            folder, processor=load_qwen_processor(folder), dtype=torch_dtype(settings)
        )

    def edit(
        self, pipeline: Any, requests: Sequence[EditRequest], settings: EditSettings
    ) -> list[RgbImage]:
        """See `PipelineFamily`; the pictures of a request are its source and then its references."""
        return [self._edit_one(pipeline, request, settings) for request in requests]

    def _edit_one(self, pipeline: Any, request: EditRequest, settings: EditSettings) -> RgbImage:
        width, height = qwen_size(request.image, settings.pixels)
        guided = (settings.guidance or 1.0) > 1.0
        with picture_areas(settings):
            images = pipeline(
                image=[to_pil(picture) for picture in (request.image, *request.references)],
                prompt=request.instruction,
                negative_prompt=settings.negative if guided else None,
                true_cfg_scale=settings.guidance if guided else 1.0,
                width=width,
                height=height,
                num_inference_steps=settings.steps,
                generator=generators([request])[0],
                output_type="np",
            ).images
        return np.asarray((images[0] * 255).round(), dtype=np.uint8)


def qwen_size(image: RgbImage, pixels: int | None) -> tuple[int, int]:
    """Width and height of about `pixels` in area, multiples of 32, as the pipeline rounds them."""
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_dimensions

    height, width = image.shape[:2]
    area = pixels or QwenEditPlus.defaults.pixels
    wide, high = calculate_dimensions(area, width / height)
    return max(int(wide), 32), max(int(high), 32)


@contextmanager
def picture_areas(settings: EditSettings) -> Iterator[None]:
    """Inside, the pipeline reads its input pictures at the areas that the settings name.

    The pipeline keeps both areas as constants of its module, so one thread at a time edits.
    """
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as module

    with _AREAS_LOCK:
        before = module.VAE_IMAGE_SIZE, module.CONDITION_IMAGE_SIZE
        module.VAE_IMAGE_SIZE = settings.pixels or before[0]
        module.CONDITION_IMAGE_SIZE = settings.condition_pixels or before[1]
        try:
            yield
        finally:
            module.VAE_IMAGE_SIZE, module.CONDITION_IMAGE_SIZE = before
