"""The storybook editor as a policy: 2 x 2 space-to-depth latents, a small U-Net, words from a closed vocabulary."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.models.roles import EditRequest, ModelIdentity, RgbImage
from editloop.models.storybook.latents import from_latents, to_latents, velocity_of
from editloop.models.storybook.pipeline import (
    StorybookPipeline,
    blank_image,
    conditioning_latents,
    sampling_sigmas,
)
from editloop.models.storybook.text import encode_text, with_context
from editloop.train.align.lora import has_adapters, save_lora
from editloop.train.policy import Condition


class StorybookPolicy:
    """`EditPolicy` over a `StorybookPipeline`; the U-Net is trained, the text encoder stays as it is.

    Args:
        pipeline: The editor; its modules are brought to float32 and used as they are, so training changes them.
        name: Spec string for provenance.
    """

    lora_targets = ("to_q", "to_k", "to_v", "to_out.0", "conv1", "conv2", "conv_out")
    lora_prefix = "unet"
    loss_floor = 0.2
    """`NoiseSettings.loss_floor` for a network that predicts the picture, as in the base training."""

    def __init__(self, pipeline: StorybookPipeline, name: str = "world:tiny-editor") -> None:
        self.pipeline = pipeline
        for part in (pipeline.unet, pipeline.text_encoder):
            if part.dtype != torch.float32:
                part.to(torch.float32)
        pipeline.text_encoder.eval().requires_grad_(requires_grad=False)
        self._identity = ModelIdentity(name, _weights_version(pipeline.unet), "Apache-2.0")

    @classmethod
    def from_folder(cls, folder: str | Path, name: str | None = None) -> StorybookPolicy:
        """The policy of a pipeline folder, in float32 whatever precision the folder holds."""
        pipeline = StorybookPipeline.from_pretrained(str(folder), dtype=torch.float32)
        return cls(pipeline, name or str(folder))

    @property
    def identity(self) -> ModelIdentity:
        """Name, and a hash of the network's weights as they were when the policy was made."""
        return self._identity

    @property
    def network(self) -> torch.nn.Module:
        """The U-Net."""
        network: torch.nn.Module = self.pipeline.unet
        return network

    @property
    def text_width(self) -> int:
        """Length of the vectors that `pooled_text` returns."""
        return int(self.pipeline.text_encoder.config.d_model)

    @torch.no_grad()
    def encode(self, requests: Sequence[EditRequest]) -> Condition:
        """Words, source and reference of requests whose images have one size.

        Raises:
            UsageError: when a request has more than one reference: the network has room for one.
        """
        device = self.pipeline.unet.device
        texts = [with_context(request.instruction, request.context) for request in requests]
        states, mask, pooled = encode_text(
            self.pipeline.tokenizer, self.pipeline.text_encoder, texts
        )
        sources = to_latents([request.image for request in requests])
        references = to_latents([_reference(request) for request in requests])
        below = conditioning_latents(sources, references).to(device)
        tensors = {"words": states.float(), "mask": mask, "pooled": pooled.float(), "below": below}
        return Condition(tensors, {})

    @torch.no_grad()
    def pooled_text(self, texts: Sequence[str]) -> Tensor:
        """One vector a text, float32 (n, text_width): the mean over its words."""
        _, _, pooled = encode_text(self.pipeline.tokenizer, self.pipeline.text_encoder, texts)
        return pooled.float()

    def latent_shape(self, condition: Condition) -> tuple[int, ...]:
        """(12, h / 2, w / 2)."""
        channels, height, width = condition.tensors["below"].shape[1:]
        return channels // 2, height, width

    def sigmas(self, steps: int, condition: Condition) -> Tensor:
        """The noise levels of the pipeline's own run."""
        del condition
        scheduler = deepcopy(self.pipeline.scheduler)
        scheduler.set_timesteps(sigmas=sampling_sigmas(steps))
        levels: Tensor = scheduler.sigmas.float()
        return levels

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """The velocity e - x0 that follows from the U-Net's picture."""
        given = condition.tensors
        residual: Tensor = self.pipeline.unet(
            torch.cat([x.to(given["below"]), given["below"]], dim=1),
            1000 * sigma,
            given["words"],
            class_labels=given["pooled"],
            encoder_attention_mask=given["mask"],
        ).sample
        sources = given["below"].chunk(2, dim=1)[0]
        return velocity_of(x, sigma, sources, residual.float())

    def latents(self, images: Sequence[RgbImage], condition: Condition) -> Tensor:
        """Latents of images of one size."""
        return to_latents(images).to(condition.tensors["below"].device)

    def decode(self, latents: Tensor, condition: Condition) -> list[RgbImage]:
        """Images of clean latents."""
        del condition
        return from_latents(latents)

    def export(self, folder: str) -> None:
        """A LoRA for `load_lora_weights` where the U-Net carries an adapter, else the whole pipeline."""
        if has_adapters(self.network):
            save_lora(self.network, Path(folder), prefix=self.lora_prefix)
        else:
            self.pipeline.save_pretrained(folder)


def _reference(request: EditRequest) -> RgbImage:
    if len(request.references) > 1:
        raise UsageError(
            f"the storybook editor looks at one reference image, got {len(request.references)}"
        )
    return request.references[0] if request.references else blank_image(request.image.shape[0])


def _weights_version(network: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().float().contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
