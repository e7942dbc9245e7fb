"""FLUX.1 Kontext (arXiv 2506.15742) as a policy: source tokens behind the noisy ones, guidance embedded in the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.diffusers.families import refuse_references
from editloop.models.diffusers.families.kontext import Kontext, kontext_size
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


class KontextPolicy:
    """An `EditPolicy` over a `FluxKontextPipeline`; latents are packed, (tokens, 4 x VAE channels).

    Args:
        pipeline: The pipeline; all of it but the transformer is frozen.
        settings: `pixels`, `guidance` (embedded) and `text_tokens` count here.
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
        self.settings = settings.over(Kontext.defaults)
        self.identity = identity
        self.network: torch.nn.Module = freeze_all_but(pipeline, "transformer")
        self._dtype = pipeline.transformer.dtype

    @torch.no_grad()
    def encode(self, requests: Sequence[EditRequest]) -> Condition:
        """Text states, pooled text and source tokens of requests that share their working size.

        Raises:
            UsageError: when the working sizes differ.
            BadInputError: `references_unsupported`.
        """
        refuse_references(requests, "FluxKontextPipeline")
        size = the_only_one(
            [kontext_size(self.pipeline, request.image, self.settings) for request in requests],
            "working size",
        )
        states, pooled, _ = self.pipeline.encode_prompt(
            prompt=[request.instruction for request in requests],
            prompt_2=None,
            max_sequence_length=self.settings.text_tokens,
        )
        source = self._pack_images([request.image for request in requests], size)
        return Condition({"text": states, "pooled": pooled, "source": source}, {"size": list(size)})

    def latent_shape(self, condition: Condition) -> tuple[int, ...]:
        """(tokens, channels): the picture has as many tokens as its source."""
        return tuple(condition.tensors["source"].shape[1:])

    def sigmas(self, steps: int, condition: Condition) -> Tensor:
        """See `EditPolicy`."""
        from diffusers.pipelines.flux.pipeline_flux_kontext import calculate_shift

        tokens = self.latent_shape(condition)[0]
        return shifted_sigmas(self.pipeline.scheduler, steps, tokens, calculate_shift)

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """float32 (n, tokens, channels) from x of that shape and sigma (n,)."""
        tensors, dtype = condition.tensors, self._dtype
        guidance = None
        if self.pipeline.transformer.config.guidance_embeds:
            guidance = x.new_full(
                (len(x),), float(self.settings.guidance or 1.0), dtype=torch.float32
            )
        predicted: Tensor = self.network(
            hidden_states=torch.cat([x, tensors["source"].to(x)], dim=1).to(dtype),
            timestep=network_time(sigma, dtype),
            guidance=guidance,
            pooled_projections=tensors["pooled"],
            encoder_hidden_states=tensors["text"],
            txt_ids=x.new_zeros(tensors["text"].shape[1], 3, dtype=dtype),
            img_ids=self._position_ids(condition, x.device),
            return_dict=False,
        )[0]
        return predicted[:, : x.shape[1]].float()

    @torch.no_grad()
    def latents(self, images: Sequence[RgbImage], condition: Condition) -> Tensor:
        """Packed clean latents, float32 (n, tokens, channels); pictures are scaled to the working size."""
        return self._pack_images(images, condition.static["size"]).float()

    @torch.no_grad()
    def decode(self, latents: Tensor, condition: Condition) -> list[RgbImage]:
        """Pictures at the working size."""
        width, height = condition.static["size"]
        vae = self.pipeline.vae
        spread = self.pipeline._unpack_latents(
            latents, height, width, self.pipeline.vae_scale_factor
        )
        unscaled = spread.to(vae.dtype) / vae.config.scaling_factor + vae.config.shift_factor
        return to_pictures(
            vae.decode(unscaled, return_dict=False)[0], self.pipeline.image_processor
        )

    def export(self, folder: str) -> None:
        """A LoRA for `load_lora_weights`, or the whole pipeline after full fine-tuning."""
        export_trained(self.pipeline, "transformer", folder, self.settings)

    def _pack_images(self, images: Sequence[RgbImage], size: Sequence[int]) -> Tensor:
        pipeline = self.pipeline
        pictures = [to_pil(image, (size[0], size[1])) for image in images]
        pixels = pipeline.image_processor.preprocess(pictures, size[1], size[0])
        pixels = pixels.to(pipeline.vae.device, pipeline.vae.dtype)
        spread = pipeline._encode_vae_image(pixels, generator=None)
        packed: Tensor = pipeline._pack_latents(spread, *spread.shape)
        return packed

    def _position_ids(self, condition: Condition, device: torch.device) -> Tensor:
        """(2 x tokens, 3): row and column of each token, the source's marked by a one in front."""
        width, height = condition.static["size"]
        cell = 2 * self.pipeline.vae_scale_factor
        ids: Tensor = self.pipeline._prepare_latent_image_ids(
            1, height // cell, width // cell, device, self._dtype
        )
        source = ids.clone()
        source[:, 0] = 1
        return torch.cat([ids, source])


def open_policy(editor: DiffusersEditor) -> KontextPolicy:
    """The policy of the pipeline that an editor spec names."""
    return KontextPolicy(editor.pipeline, editor.chosen, editor.identity)
