"""Real editing pipelines at toy size with random weights: for tests, benchmarks and health checks without a network.

They run the code of their full-size relatives (attention layout, packing, schedulers, processors) in a tenth of a second an
edit; what they draw is noise that depends on image, instruction and seed. `python -c` users can try the whole tool chain on
them before they fetch tens of gigabytes.

Example:
    >>> from editloop.models.miniatures import MINIATURES
    >>> sorted(MINIATURES)
    ['instruct-pix2pix', 'kontext', 'qwen-edit-plus']
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from editloop.core.registry import Registry
from editloop.models.diffusers.settings import SETTINGS_FILE, EditSettings

MINIATURES: Registry[Any] = Registry("miniature")
"""Name -> builder `(seed: int) -> DiffusionPipeline`, imported on first use."""

for _name in ("kontext", "qwen_edit_plus", "instruct_pix2pix"):
    MINIATURES.add(_name.replace("_", "-"), f"editloop.models.miniatures.{_name}:build")

SIDE = 64
"""Pixels of a miniature's pictures."""

MINIATURE_SETTINGS = EditSettings(
    steps=4, pixels=SIDE * SIDE, condition_pixels=SIDE * SIDE, text_tokens=32
)


def build_miniature(name: str, seed: int = 0) -> Any:
    """A fresh pipeline on the CPU in float32; the same seed gives the same weights.

    Args:
        name: One of `MINIATURES`.
        seed: Of the weights. The global random state is left as it was.

    Raises:
        UnknownNameError: when there is no such miniature.
        PrerequisiteError: when diffusers is missing.
    """
    pipeline = MINIATURES.get(name)(seed)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save_miniature(name: str, folder: Path, seed: int = 0) -> Path:
    """Write a miniature to `folder` as any diffusers pipeline is written, with settings that keep it small when it is used.

    Returns:
        The folder, which `diffusers:FOLDER` loads as an editor.
    """
    build_miniature(name, seed).save_pretrained(folder)
    settings = MINIATURE_SETTINGS.model_dump(mode="json", exclude_none=True)
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return folder
