"""Vision-language checkpoints of the Qwen2.5-VL and Qwen3-VL families, opened from a folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from editloop.core.config import Config, override
from editloop.core.errors import BadInputError, UsageError
from editloop.models.prerequisites import require

CONFIG_FILE = "config.json"
LORA_FILE = "adapter_model.safetensors"

FAMILIES: dict[str, tuple[str, str]] = {
    "qwen2_5_vl": ("Qwen2_5_VLForConditionalGeneration", "Qwen2_5_VLProcessor"),
    "qwen3_vl": ("Qwen3VLForConditionalGeneration", "Qwen3VLProcessor"),
    "qwen3_vl_moe": ("Qwen3VLMoeForConditionalGeneration", "Qwen3VLProcessor"),
}
"""`model_type` of a configuration -> classes of transformers for the model and for its processor."""


class LocalSettings(Config):
    """Options of a spec ``transformers:FOLDER_OR_ID?option=value&...``."""

    min_pixels: int | None = Field(default=None, ge=1)
    """Smaller images are scaled up to this area; the default is the checkpoint's own."""
    max_pixels: int | None = Field(default=None, ge=1)
    """Larger images are scaled down to this area: it decides how many tokens an image costs."""
    device: str | None = None
    """For example ``cuda:1``; the default is a GPU where there is one."""
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    """Precision of the weights; the default is bfloat16 on a GPU and float32 on a CPU."""
    batch: int = Field(default=8, ge=1)
    """Most requests answered at once."""
    lora: str | None = None
    """Folder of LoRA weights, as a fine-tuned judge is saved."""


def parse_local(spec: str) -> tuple[str, LocalSettings]:
    """Split ``FOLDER_OR_ID?option=value&...``.

    Raises:
        UsageError: when nothing stands before the question mark.
        ConfigError: for an unknown option or a wrong value.
    """
    source, _, options = spec.partition("?")
    if not source:
        raise UsageError(
            f"'transformers:{spec}' names no model; expected transformers:FOLDER or transformers:OWNER/NAME, "
            "with options such as ?max_pixels=602112&batch=4"
        )
    return source, override(LocalSettings, {}, [option for option in options.split("&") if option])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An opened model and what puts words and images before it."""

    model: Any
    processor: Any
    template: str
    device: str

    @property
    def tokenizer(self) -> Any:
        """The tokenizer."""
        return self.processor.tokenizer


def open_checkpoint(folder: Path, settings: LocalSettings) -> Checkpoint:
    """Load weights (safetensors only) and processor; no code of the checkpoint is run.

    Raises:
        PrerequisiteError: when transformers is missing.
        UsageError: when the model is of another family.
        BadInputError: `no_chat_template`.
    """
    transformers = require("transformers", "train")
    import torch

    model_class, _ = FAMILIES[model_type(folder)]
    device = settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = settings.dtype or ("float32" if device == "cpu" else "bfloat16")
    with _no_progress_bar():
        model = getattr(transformers, model_class).from_pretrained(
            folder, dtype=getattr(torch, dtype), use_safetensors=True
        )
    if settings.lora:
        model = with_lora(model, Path(settings.lora))
    processor = open_processor(folder, settings)
    return Checkpoint(model.to(device).eval(), processor, chat_template(folder, processor), device)


def with_lora(model: Any, folder: Path) -> Any:
    """`model` with LoRA weights on top.

    Raises:
        PrerequisiteError: when peft is missing.
        UsageError: when the folder holds no such weights as safetensors.
    """
    if not (folder / LORA_FILE).is_file():
        raise UsageError(f"{folder} holds no {LORA_FILE}, as peft's save_pretrained writes it")
    peft = require("peft", "train")
    with warnings.catch_warnings():
        # peft reads a property that transformers has renamed.
        warnings.simplefilter("ignore", FutureWarning)
        return peft.PeftModel.from_pretrained(model, str(folder))


def open_processor(folder: Path, settings: LocalSettings) -> Any:
    """The processor of a checkpoint, without its video part and without torchvision."""
    require("transformers", "train")
    from transformers import AutoTokenizer
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    image_processor = Qwen2VLImageProcessorPil.from_pretrained(folder)
    size = dict(image_processor.size)
    if settings.min_pixels is not None:
        size["shortest_edge"] = settings.min_pixels
    if settings.max_pixels is not None:
        size["longest_edge"] = settings.max_pixels
    image_processor.size = size
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.padding_side = "left"  # answers begin where prompts end, in every row
    return _processor_class(FAMILIES[model_type(folder)][1])(image_processor, tokenizer)


def model_type(folder: Path) -> str:
    """The family that a folder's configuration names.

    Raises:
        BadInputError: `not_a_model`, when the configuration cannot be read.
        UsageError: when the family is not one of `FAMILIES`.
    """
    path = folder / CONFIG_FILE
    try:
        found = str(json.loads(path.read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError("not_a_model", f"{path}: {error!r}") from error
    if found not in FAMILIES:
        raise UsageError(
            f"{folder} holds a model of type {found!r}; known here: {', '.join(sorted(FAMILIES))}. Other models can be "
            "served (vLLM, SGLang, llama.cpp) and named openai:MODEL@http://HOST:PORT/v1"
        )
    return found


def chat_template(folder: Path, processor: Any) -> str:
    """The template that turns messages into a prompt with image marks.

    Raises:
        BadInputError: `no_chat_template`.
    """
    template = processor.tokenizer.chat_template
    jinja, packed = folder / "chat_template.jinja", folder / "chat_template.json"
    if not isinstance(template, str) and jinja.is_file():
        template = jinja.read_text(encoding="utf-8")
    if not isinstance(template, str) and packed.is_file():
        template = json.loads(packed.read_text(encoding="utf-8")).get("chat_template")
    if not isinstance(template, str):
        raise BadInputError(
            "no_chat_template", f"{folder} has none, so it is no model that was taught to answer"
        )
    return template


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Inside, transformers draws none: a command line has its own."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


@cache
def _processor_class(name: str) -> Any:
    """A processor class of transformers without its video part, which needs torchvision."""
    import transformers
    from transformers.processing_utils import ProcessorMixin

    base = getattr(transformers, name)

    class ImageTextProcessor(base):  # type: ignore[misc, valid-type]
        def __init__(
            self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None
        ) -> None:
            for mark in ("image", "video"):
                setattr(self, f"{mark}_token", f"<|{mark}_pad|>")
            for mark in ("vision_start", "vision_end"):
                setattr(self, f"{mark}_token", f"<|{mark}|>")
            for mark in ("image", "video", "vision_start", "vision_end"):
                number = tokenizer.convert_tokens_to_ids(getattr(self, f"{mark}_token"))
                setattr(self, f"{mark}_token_id", number)
            ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    return ImageTextProcessor
