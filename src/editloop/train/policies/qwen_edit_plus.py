"""Qwen-Image-Edit-2509 and later (arXiv 2508.02324) as a policy: text states of a vision-language model, source tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.diffusers.families.qwen_edit_plus import QwenEditPlus, qwen_size
from editloop.models.diffusers.settings import EditSettings
from editloop.models.diffusers.sizes import to_pil
from editloop.models.roles import EditRequest, ModelIdentity, RgbImage
from editloop.train.policies.wrapping import (
    JOINT_ATTENTION,
    UNNAMED,
    export_trained,
    freeze_all_but,
    network_time,
    shifted_sigmas,
    the_only_one,
    to_pictures,
)
from editloop.train.policy import Condition

POLICY_DEFAULTS = QwenEditPlus.defaults.model_copy(update={"guidance": 1.0})


class QwenEditPlusPolicy:
    """An `EditPolicy` over a `QwenImageEditPlusPipeline`; latents are packed, (tokens, 4 x VAE channels).

    The pipeline takes one prompt a call; here cases of equal sizes share a batch. Texts of unequal length are padded at
    the end and masked; a group of one case carries no padding and no mask.

    Args:
        pipeline: The pipeline; all of it but the transformer is frozen.
        settings: `pixels`, `condition_pixels`, `negative` and `guidance` count here. Guidance above 1 calls the network a
            second time with the negative prompt, with gradients through both.
        identity: For provenance.
    """

    lora_targets = JOINT_ATTENTION
    lora_prefix = "transformer"

    def __init__(
        self,
        pipeline: Any,
        settings: EditSettings = EditSettings(),  # noqa: B008 - frozen
        identity: ModelIdentity = UNNAMED,
    ) -> None:
        self.pipeline = pipeline
        self.settings = settings.over(POLICY_DEFAULTS)
        self.identity = identity
        self.network: torch.nn.Module = freeze_all_but(pipeline, "transformer")
        self._dtype = pipeline.transformer.dtype

    @property
    def guided(self) -> bool:
        """Whether velocities combine a call with the instruction and one with the negative prompt."""
        return self._guidance > 1.0

    @property
    def _guidance(self) -> float:
        return float(self.settings.guidance or 1.0)

    @torch.no_grad()
    def encode(self, requests: Sequence[EditRequest]) -> Condition:
        """Text states and picture tokens of requests whose pictures (source, then references) share their sizes.

        Raises:
            UsageError: when working sizes or numbers of references differ.
        """
        pixels = self.settings.pixels
        sizes = the_only_one(
            [
                tuple(qwen_size(picture, pixels) for picture in _pictures(request))
                for request in requests
            ],
            "working sizes",
        )
        tensors = self._text("text", requests, [request.instruction for request in requests])
        if self.guided:
            negatives = [self.settings.negative or " "] * len(requests)
            tensors |= self._text("negative", requests, negatives)
        columns = zip(*(_pictures(request) for request in requests), strict=True)
        tensors["source"] = torch.cat(
            [self._pack_images(column, size) for column, size in zip(columns, sizes, strict=True)],
            dim=1,
        )
        return Condition(tensors, {"sizes": [list(size) for size in (sizes[0], *sizes)]})

    def latent_shape(self, condition: Condition) -> tuple[int, ...]:
        """(tokens, channels) of the edited picture, which has the working size of the source."""
        rows, columns = self._grid(condition.static["sizes"][0])
        return rows * columns, condition.tensors["source"].shape[-1]

    def sigmas(self, steps: int, condition: Condition) -> Tensor:
        """See `EditPolicy`."""
        from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_shift

        tokens = self.latent_shape(condition)[0]
        return shifted_sigmas(self.pipeline.scheduler, steps, tokens, calculate_shift)

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """float32 (n, tokens, channels) from x of that shape and sigma (n,); with guidance of two calls.

        Guidance rescales the combination to the length of the conditional prediction, token by token, as the pipeline does.
        """
        told = self._predict(x, sigma, condition, "text")
        if not self.guided:
            return told
        untold = self._predict(x, sigma, condition, "negative")
        mixed = untold + self._guidance * (told - untold)
        length: Tensor = told.norm(dim=-1, keepdim=True) / mixed.norm(dim=-1, keepdim=True)
        return mixed * length

    @torch.no_grad()
    def latents(self, images: Sequence[RgbImage], condition: Condition) -> Tensor:
        """Packed clean latents, float32 (n, tokens, channels); pictures are scaled to the working size."""
        return self._pack_images(images, condition.static["sizes"][0]).float()

    @torch.no_grad()
    def decode(self, latents: Tensor, condition: Condition) -> list[RgbImage]:
        """Pictures at the working size."""
        width, height = condition.static["sizes"][0]
        vae = self.pipeline.vae
        spread = self.pipeline._unpack_latents(
            latents, height, width, self.pipeline.vae_scale_factor
        )
        mean, std = self._latent_statistics(spread)
        decoded = vae.decode((spread * std + mean).to(vae.dtype), return_dict=False)[0]
        return to_pictures(decoded[:, :, 0], self.pipeline.image_processor)

    def export(self, folder: str) -> None:
        """A LoRA for `load_lora_weights`, or the whole pipeline after full fine-tuning."""
        export_trained(self.pipeline, "transformer", folder, self.settings)

    def _predict(self, x: Tensor, sigma: Tensor, condition: Condition, prompt: str) -> Tensor:
        tensors, dtype = condition.tensors, self._dtype
        lengths = tensors[f"{prompt}_tokens"]
        longest = int(lengths.max())
        mask = None
        if int(lengths.min()) < longest:
            mask = (torch.arange(longest, device=lengths.device) < lengths[:, None]).to(x.device)
        predicted: Tensor = self.network(
            hidden_states=torch.cat([x, tensors["source"].to(x)], dim=1).to(dtype),
            timestep=network_time(sigma, dtype),
            encoder_hidden_states=tensors[prompt][:, :longest],
            encoder_hidden_states_mask=mask,
            img_shapes=[[(1, *self._grid(size)) for size in condition.static["sizes"]]],
            return_dict=False,
        )[0]
        return predicted[:, : x.shape[1]].float()

    def _text(
        self, name: str, requests: Sequence[EditRequest], texts: Sequence[str]
    ) -> dict[str, Tensor]:
        """States padded at the end, (n, longest, width), and token counts (n,), kept on the CPU to be read without waiting."""
        states = [
            self._text_states(text, request) for text, request in zip(texts, requests, strict=True)
        ]
        counts = torch.tensor([len(row) for row in states])
        longest = int(counts.max())
        padded = [F.pad(row, (0, 0, 0, longest - len(row))) for row in states]
        return {name: torch.stack(padded), f"{name}_tokens": counts}

    def _text_states(self, text: str, request: EditRequest) -> Tensor:
        """(tokens, width): the encoder reads small copies of the pictures with the text."""
        area = self.settings.condition_pixels
        pictures = [
            self.pipeline.image_processor.resize(
                to_pil(picture), *reversed(qwen_size(picture, area))
            )
            for picture in _pictures(request)
        ]
        states, _ = self.pipeline.encode_prompt(prompt=[text], image=pictures)
        row: Tensor = states[0]
        return row

    def _pack_images(self, images: Sequence[RgbImage], size: Sequence[int]) -> Tensor:
        pipeline = self.pipeline
        pictures = [to_pil(image) for image in images]
        pixels = pipeline.image_processor.preprocess(pictures, size[1], size[0]).unsqueeze(2)
        pixels = pixels.to(pipeline.vae.device, pipeline.vae.dtype)
        spread = pipeline._encode_vae_image(pixels, generator=None)
        count, channels, _, high, wide = spread.shape
        packed: Tensor = pipeline._pack_latents(spread, count, channels, high, wide)
        return packed

    def _grid(self, size: Sequence[int]) -> tuple[int, int]:
        """Rows and columns of tokens of a picture of (width, height)."""
        cell = 2 * self.pipeline.vae_scale_factor
        return size[1] // cell, size[0] // cell

    def _latent_statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        config = self.pipeline.vae.config
        mean, std = (
            torch.tensor(values).view(1, -1, 1, 1, 1).to(like)
            for values in (config.latents_mean, config.latents_std)
        )
        return mean, std


def _pictures(request: EditRequest) -> tuple[RgbImage, ...]:
    return (request.image, *request.references)


def open_policy(editor: DiffusersEditor) -> QwenEditPlusPolicy:
    """The policy of the pipeline that an editor spec names."""
    return QwenEditPlusPolicy(editor.pipeline, editor.chosen, editor.identity)
