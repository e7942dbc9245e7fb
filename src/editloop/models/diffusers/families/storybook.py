"""The tiny editor of the storybook world, base or fine-tuned, from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from editloop.core.errors import BadInputError
from editloop.models.diffusers.families import generators, torch_dtype
from editloop.models.diffusers.settings import EditSettings
from editloop.models.diffusers.sizes import fit_area, to_pil
from editloop.models.roles import EditRequest, RgbImage


class Storybook:
    """`StorybookPipeline`: small pictures, at most one reference, dialogues."""

    takes_dialogues: ClassVar[bool] = True
    defaults: ClassVar[EditSettings] = EditSettings(steps=6, batch=32)

    def open(self, folder: Path, settings: EditSettings) -> Any:
        """See `PipelineFamily`."""
        from editloop.models.storybook.pipeline import StorybookPipeline

        return StorybookPipeline.from_pretrained(folder, dtype=torch_dtype(settings))

    def edit(
        self, pipeline: Any, requests: Sequence[EditRequest], settings: EditSettings
    ) -> list[RgbImage]:
        """See `PipelineFamily`.

        Raises:
            BadInputError: `references_unsupported`, for more than one reference.
        """
        if any(len(request.references) > 1 for request in requests):
            raise BadInputError("references_unsupported", "StorybookPipeline takes one reference")
        height, width = requests[0].image.shape[:2]
        size = fit_area(width, height, settings.pixels or pipeline.image_size**2, 2)

        def scaled(image: RgbImage) -> RgbImage:
            return np.asarray(to_pil(image, size))

        made: list[RgbImage] = pipeline(
            [scaled(request.image) for request in requests],
            [request.instruction for request in requests],
            references=[
                scaled(request.references[0]) if request.references else None
                for request in requests
            ],
            context=[request.context for request in requests],
            num_inference_steps=settings.steps,
            generator=generators(requests),
        ).images
        return made
