"""What an instruction asks for, as the packaged editor imagines it: the picture of its first denoising step.

Who judges an edit forms an idea of the right one. Big judges and editors share a pretrained model that has it (Qwen2.5-VL reads for
Qwen-Image-Edit and judges for ImgEdit-Judge); a judge of a few hundred thousand weights has none of its own. The draft is the mean of what the editor thinks possible, hence blurred where it is unsure, and one forward pass a case.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import Any, Final

import torch

from editloop.core.ids import content_id, sha256_hex
from editloop.models.diffusers.editor import no_progress_bars
from editloop.models.roles import RgbImage
from editloop.models.storybook.latents import LATENT_CHANNELS, PATCH, from_latents
from editloop.models.storybook.pipeline import StorybookPipeline
from editloop.models.storybook.shipped import shipped_folder

KEPT: Final = 2048
"""Drafts that stay in memory; post-training asks for the same case again and again."""
_BATCH: Final = 64
_WEIGHTS: Final = ("unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors")


@cache
def draft_version() -> str:
    """Checksum of the weights that draft.

    Raises:
        PrerequisiteError: when the package came without its editor.
    """
    folder = shipped_folder()
    return sha256_hex(b"".join((folder / name).read_bytes() for name in _WEIGHTS))[:12]


class Drafter:
    """Drafts edits; each depends on its own case alone. Safe to be used by several threads.

    Args:
        pipeline: The editor.
    """

    def __init__(self, pipeline: StorybookPipeline) -> None:
        self._pipeline = pipeline
        self._kept: OrderedDict[str, RgbImage] = OrderedDict()
        self._lock = Lock()

    def drafts(
        self,
        sources: Sequence[RgbImage],
        instructions: Sequence[str],
        references: Sequence[RgbImage | None],
        contexts: Sequence[Sequence[str]],
    ) -> list[RgbImage]:
        """One picture a case, of the size of the sources, which is one size."""
        keys = [
            content_id(
                sha256_hex(source.tobytes()),
                text,
                None if reference is None else sha256_hex(reference.tobytes()),
                list(turns),
            )
            for source, text, reference, turns in zip(
                sources, instructions, references, contexts, strict=True
            )
        ]
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
            missing = list({key: row for row, key in enumerate(keys) if key not in found}.values())
            for start in range(0, len(missing), _BATCH):
                rows = missing[start : start + _BATCH]
                drawn = self._draw(
                    [sources[row] for row in rows],
                    [instructions[row] for row in rows],
                    [references[row] for row in rows],
                    [contexts[row] for row in rows],
                )
                found |= {keys[row]: picture for row, picture in zip(rows, drawn, strict=True)}
            self._kept |= found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return [found[key] for key in keys]

    @torch.no_grad()
    def _draw(
        self,
        sources: Sequence[RgbImage],
        instructions: Sequence[str],
        references: Sequence[RgbImage | None],
        contexts: Sequence[Sequence[str]],
    ) -> list[RgbImage]:
        height, width = sources[0].shape[:2]
        # The same noise for all: at sigma 1 the network has learnt to look past it.
        noise = torch.randn(
            (1, LATENT_CHANNELS, height // PATCH, width // PATCH),
            generator=torch.Generator().manual_seed(0),
        )
        made = self._pipeline(
            sources,
            instructions,
            references,
            contexts,
            num_inference_steps=1,
            latents=noise.expand(len(sources), -1, -1, -1),
            output_type="latent",
        )
        latents: Any = made.images
        return from_latents(latents)


@cache
def packaged_drafter() -> Drafter:
    """Drafts by the editor of the package, in float32; opened once a process."""
    with no_progress_bars():
        pipeline = StorybookPipeline.from_pretrained(str(shipped_folder()), dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return Drafter(pipeline)
