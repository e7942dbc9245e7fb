"""The editor role over any pipeline that a family knows how to call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from editloop.core.errors import UsageError
from editloop.core.ids import content_id
from editloop.models.diffusers.folders import fingerprint, local_folder, pipeline_class
from editloop.models.diffusers.settings import EditSettings, folder_settings, parse_spec
from editloop.models.diffusers.sizes import back_to
from editloop.models.editors.told import in_one_prompt
from editloop.models.prerequisites import require
from editloop.models.roles import EditRequest, EditResult, ModelIdentity

CODE_VERSION = "1"
"""Changes when the same weights, settings and request would give another picture."""


class DiffusersEditor:
    """An editor from a folder or a hub id; weights are opened on the first edit.

    Earlier instructions of a dialogue (`EditRequest.context`) reach the storybook pipelines, and others with ``context=prompt``
    alone: these were trained on single instructions, and their source already shows the earlier edits (`hears_dialogues`).

    Args:
        spec: ``PATH_OR_ID?option=value&...``, the options being fields of `EditSettings`, for example
            ``models/kontext?lora=runs/12/lora&steps=20``.

    Raises:
        PrerequisiteError: when diffusers is missing; says what to install.
        UsageError: when the spec names no pipeline.
        ConfigError: when an option is unknown or of the wrong type.
    """

    def __init__(self, spec: str = "") -> None:
        self.spec = spec
        self.source, self._asked = parse_spec(spec)
        require("diffusers", "train")

    @cached_property
    def folder(self) -> Path:
        """Where the pipeline lies; a hub id is fetched first."""
        return local_folder(self.source)

    @cached_property
    def chosen(self) -> EditSettings:
        """What the spec and the checkpoint set; the spec goes first."""
        return self._asked.over(folder_settings(self.folder))

    @cached_property
    def settings(self) -> EditSettings:
        """What every edit is called with."""
        return self.chosen.over(self._family.defaults)

    @cached_property
    def identity(self) -> ModelIdentity:
        """The spec; the version covers weights, LoRA weights, settings and the version of diffusers."""
        import diffusers

        places = [self.folder]
        if self.settings.lora:
            places.append(Path(self.settings.lora))
        unsaid = {"lora", "batch", "device"}
        if self.settings.context != "prompt":
            unsaid.add("context")
        asked = self.settings.model_dump(mode="json", exclude=unsaid)
        made_by = content_id(asked, diffusers.__version__)[:8]
        return ModelIdentity(
            f"diffusers:{self.spec}", f"{CODE_VERSION}-{fingerprint(*places)}-{made_by}"
        )

    @cached_property
    def pipeline(self) -> Any:
        """The opened pipeline on its device, with its LoRA."""
        settings = _on_a_device(self.settings)
        with no_progress_bars():
            pipeline = self._family.open(self.folder, settings)
        if settings.lora:
            load_lora(pipeline, Path(settings.lora))
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to(settings.device)

    @property
    def hears_dialogues(self) -> bool:
        """Whether earlier instructions of a dialogue reach the pipeline, as words of their own or in its prompt."""
        return self._family.takes_dialogues or self.settings.context == "prompt"

    def edit(self, request: EditRequest) -> EditResult:
        """The edited picture at the size of the source.

        Raises:
            BadInputError: when the pipeline cannot take what the request holds (`references_unsupported`).
        """
        return self.edit_many([request])[0]

    def edit_many(self, requests: Sequence[EditRequest]) -> list[EditResult]:
        """One result a request, in order; pictures of one size share calls where the pipeline allows it.

        A result depends on its own request alone, up to what the batch's matrix kernels round (at most a grey level).

        Raises:
            BadInputError: as `edit`.
        """
        results: dict[int, EditResult] = {}
        for places in _batches(requests, self.settings.batch or 1):
            batch = [self._told(requests[place]) for place in places]
            for place, image in zip(
                places, self._family.edit(self.pipeline, batch, self.settings), strict=True
            ):
                results[place] = EditResult(back_to(image, requests[place].image))
        return [results[place] for place in range(len(requests))]

    def _told(self, request: EditRequest) -> EditRequest:
        if self._family.takes_dialogues or self.settings.context != "prompt":
            return request
        return replace(request, instruction=in_one_prompt(request), context=())

    @cached_property
    def _family(self) -> Any:
        from editloop.models.diffusers.families import family

        return family(pipeline_class(self.folder))


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Inside, diffusers and transformers draw none: a command line has its own."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    shown = [
        module
        for module in (diffusers_logging, transformers_logging)
        if module.is_progress_bar_enabled()
    ]
    for module in shown:
        module.disable_progress_bar()
    try:
        yield
    finally:
        for module in shown:
            module.enable_progress_bar()


def load_lora(pipeline: Any, place: Path) -> None:
    """Put LoRA weights on a pipeline.

    Args:
        pipeline: A pipeline with diffusers' LoRA loader.
        place: A folder as `save_lora_weights` writes it, or a `.safetensors` file.

    Raises:
        UsageError: when there are no such weights, or they fit no layer of the pipeline.
    """
    weights = place if place.is_file() else next(iter(sorted(place.glob("*.safetensors"))), None)
    if weights is None:
        raise UsageError(f"{place} holds no LoRA weights (*.safetensors)")
    try:
        pipeline.load_lora_weights(weights.parent, weight_name=weights.name)
    except (ValueError, RuntimeError, KeyError) as error:
        raise UsageError(
            f"the LoRA weights {weights} do not fit a {type(pipeline).__name__}: {error}"
        ) from error


def _on_a_device(settings: EditSettings) -> EditSettings:
    import torch

    device = settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = settings.dtype or ("float32" if device == "cpu" else "bfloat16")
    return settings.model_copy(update={"device": device, "dtype": dtype})


def _batches(requests: Sequence[EditRequest], largest: int) -> Iterator[list[int]]:
    """Places of requests whose pictures have the same sizes, at most `largest` together."""
    alike: defaultdict[Any, list[int]] = defaultdict(list)
    for place, request in enumerate(requests):
        pictures = (request.image, *request.references)
        alike[tuple(picture.shape for picture in pictures)].append(place)
    for places in alike.values():
        for start in range(0, len(places), largest):
            yield places[start : start + largest]
