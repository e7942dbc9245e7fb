"""How a pipeline is called: options of its spec string over the folder's own over the family's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from editloop.core.config import Config, override
from editloop.core.errors import ConfigError, UsageError

SETTINGS_FILE = "editloop.json"
"""Optional file beside `model_index.json` with settings that suit this checkpoint."""


class EditSettings(Config):
    """Call settings of an editor; None leaves a setting to the checkpoint or, failing that, to the family."""

    steps: int | None = Field(default=None, ge=1)
    """Denoising steps of an edit."""
    pixels: int | None = Field(default=None, ge=256)
    """Area at which the network works, width x height; the result is scaled back to the source's size."""
    condition_pixels: int | None = Field(default=None, ge=256)
    """Area of the copy that a vision-language encoder reads (Qwen)."""
    guidance: float | None = Field(default=None, ge=0)
    """Embedded guidance (Kontext), or the factor of classifier-free guidance (Qwen, InstructPix2Pix; 1 is off)."""
    image_guidance: float | None = Field(default=None, ge=0)
    """Second factor of InstructPix2Pix: how strongly the source is kept."""
    negative: str | None = None
    """What classifier-free guidance leads away from."""
    text_tokens: int | None = Field(default=None, ge=1)
    """Length to which instructions are padded (Kontext)."""
    lora: str | None = None
    """Folder or file of LoRA weights, put on top of the checkpoint."""
    device: str | None = None
    """For example ``cuda:1``; the default is a GPU where there is one."""
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    """Precision of the weights; the default is bfloat16 on a GPU and float32 on a CPU."""
    batch: int | None = Field(default=None, ge=1)
    """Most edits in one call of the pipeline."""
    context: Literal["prompt", "none"] | None = None
    """Earlier instructions of a dialogue: written before the instruction, or kept back; the default is ``none``, since published
    checkpoints were trained on single instructions. Pipelines that take dialogues always get them."""

    def over(self, defaults: EditSettings) -> EditSettings:
        """These settings where they are set, `defaults` elsewhere."""
        return defaults.model_copy(update=self.model_dump(exclude_none=True))


def parse_spec(spec: str) -> tuple[str, EditSettings]:
    """Split ``PATH_OR_ID?option=value&...``.

    Raises:
        UsageError: when nothing stands before the question mark.
        ConfigError: for an unknown option or a wrong value, with what there is.
    """
    source, _, options = spec.partition("?")
    if not source:
        raise UsageError(
            f"'diffusers:{spec}' names no pipeline; expected diffusers:FOLDER or diffusers:OWNER/NAME, "
            "with options such as ?lora=FOLDER&steps=20"
        )
    given = [option for option in options.split("&") if option]
    return source, override(EditSettings, {}, given)


def folder_settings(folder: Path) -> EditSettings:
    """What the folder's `editloop.json` sets, or nothing.

    Raises:
        ConfigError: when the file cannot be read as settings.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return EditSettings()
    try:
        return EditSettings.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise ConfigError(f"{path} does not hold call settings: {error}") from error
