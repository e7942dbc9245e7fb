"""How each pipeline class is opened and called. To add an editor, write a family and enter it here.

A family says its defaults, opens a folder, and edits requests whose pictures share their sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch

from editloop.core.errors import BadInputError, UnknownNameError
from editloop.core.registry import Registry
from editloop.models.diffusers.settings import EditSettings
from editloop.models.roles import EditRequest, RgbImage


class PipelineFamily(Protocol):
    """One pipeline class."""

    defaults: ClassVar[EditSettings]
    """Settings that the published checkpoints were made for; `batch` 1 where the class takes one prompt a call."""
    takes_dialogues: ClassVar[bool]
    """Whether the pipeline is given the earlier instructions of a dialogue as such."""

    def open(self, folder: Path, settings: EditSettings) -> Any:
        """The pipeline on the CPU, in `settings.dtype`, without LoRA."""

    def edit(
        self, pipeline: Any, requests: Sequence[EditRequest], settings: EditSettings
    ) -> list[RgbImage]:
        """One picture a request at the network's working size. All requests' pictures have the same sizes."""


FAMILIES: Registry[type[PipelineFamily]] = Registry("pipeline class")
"""Class name of `model_index.json` -> family."""

for _class_name, _where in (
    ("FluxKontextPipeline", "kontext:Kontext"),
    ("QwenImageEditPlusPipeline", "qwen_edit_plus:QwenEditPlus"),
    ("StableDiffusionInstructPix2PixPipeline", "instruct_pix2pix:InstructPix2Pix"),
    ("StorybookPipeline", "storybook:Storybook"),
    ("RewardedStorybookPipeline", "rewarded_storybook:RewardedStorybook"),
):
    FAMILIES.add(_class_name, f"editloop.models.diffusers.families.{_where}")


def family(class_name: str) -> PipelineFamily:
    """The family of a pipeline class.

    Raises:
        UnknownNameError: listing the classes that can be used as editors.
    """
    if class_name not in FAMILIES:
        raise UnknownNameError(
            f"{class_name} is no editing pipeline that editloop can call; it calls: {', '.join(FAMILIES)}"
        )
    return FAMILIES.get(class_name)()


def torch_dtype(settings: EditSettings) -> torch.dtype:
    """The precision that the settings name."""
    return getattr(torch, settings.dtype or "float32")  # type: ignore[no-any-return]


def generators(requests: Sequence[EditRequest]) -> list[torch.Generator]:
    """One CPU generator a request, so that its noise depends on neither the device nor its neighbours."""
    return [torch.Generator("cpu").manual_seed(request.seed) for request in requests]


def refuse_references(requests: Sequence[EditRequest], class_name: str) -> None:
    """For pipelines that take one picture.

    Raises:
        BadInputError: `references_unsupported`.
    """
    if any(request.references for request in requests):
        raise BadInputError(
            "references_unsupported", f"{class_name} edits one picture and takes no references"
        )
