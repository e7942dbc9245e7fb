"""The generator role over a storybook pipeline: pictures from words alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from editloop.core.errors import UsageError
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.diffusers.folders import pipeline_class
from editloop.models.diffusers.sizes import to_pil
from editloop.models.roles import GenerationRequest, ModelIdentity, RgbImage

PIPELINE_CLASS = "StorybookPipeline"


class StorybookGenerator:
    """A generator from a storybook pipeline's folder or hub id; weights are opened on the first picture.

    Args:
        spec: ``PATH_OR_ID?option=value&...`` with the options of `DiffusersEditor`.

    Raises:
        PrerequisiteError: when diffusers is missing; says what to install.
        UsageError: when the spec names no pipeline.
    """

    def __init__(self, spec: str = "") -> None:
        self._editor = DiffusersEditor(spec)

    @cached_property
    def identity(self) -> ModelIdentity:
        """The spec; the version covers weights, settings and the version of diffusers."""
        return self._drawer.identity

    def generate_many(self, requests: Sequence[GenerationRequest]) -> list[RgbImage]:
        """One picture a request, in order, at the network's size unless the request names one.

        A picture depends on its own request alone, up to what the batch's matrix kernels round (at most a grey level).

        Raises:
            UsageError: when the folder holds an editor that does not draw from words alone.
        """
        import torch

        pipeline, settings = self._drawer.pipeline, self._drawer.settings
        size = settings.batch or 1
        images: list[RgbImage] = []
        for start in range(0, len(requests), size):
            batch = requests[start : start + size]
            images += pipeline(
                None,
                [request.prompt for request in batch],
                num_inference_steps=settings.steps,
                generator=[torch.Generator("cpu").manual_seed(request.seed) for request in batch],
            ).images
        return [_sized(*pair) for pair in zip(images, requests, strict=True)]

    @property
    def _drawer(self) -> DiffusersEditor:
        found = pipeline_class(self._editor.folder)
        if found != PIPELINE_CLASS:
            raise UsageError(
                f"{self._editor.source} holds a {found}; generators are {PIPELINE_CLASS} folders"
            )
        return self._editor


def _sized(image: RgbImage, request: GenerationRequest) -> RgbImage:
    height, width = image.shape[:2]
    return np.asarray(to_pil(image, (request.width or width, request.height or height)))
