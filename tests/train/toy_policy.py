"""A policy of a few thousand parameters over real diffusers code, so that a training step takes milliseconds.

Latents are the pixels of 8 x 8 pictures; the network sees the noisy picture above the source, and the instruction as fixed
random vectors, one a word.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from editloop.core.seeds import derive_seed
from editloop.models.roles import EditRequest, ModelIdentity, RgbImage
from editloop.train.policy import Condition

SIDE = 8
WORDS = 6
TEXT_WIDTH = 8


def toy_network(seed: int = 0) -> UNet2DConditionModel:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return UNet2DConditionModel(
            sample_size=SIDE,
            in_channels=6,
            out_channels=3,
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            norm_num_groups=4,
            attention_head_dim=2,
            cross_attention_dim=TEXT_WIDTH,
        ).eval()


class ToyPolicy:
    """`EditPolicy` at toy size; `unet` is the real network class."""

    lora_targets = ("to_q", "to_k", "to_v", "to_out.0", "conv1", "conv2", "conv_out")
    lora_prefix = "unet"

    def __init__(self, seed: int = 0) -> None:
        self.unet = toy_network(seed)
        self.encoded = 0

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity("toy:unet", "1")

    @property
    def network(self) -> torch.nn.Module:
        return self.unet

    def encode(self, requests: Sequence[EditRequest]) -> Condition:
        self.encoded += len(requests)
        text = torch.stack([_words(request.instruction) for request in requests])
        source = _to_latents([request.image for request in requests])
        return Condition({"source": source, "text": text}, {"side": source.shape[-1]})

    def latent_shape(self, condition: Condition) -> tuple[int, ...]:
        return tuple(condition.tensors["source"].shape[1:])

    def sigmas(self, steps: int, condition: Condition) -> Tensor:
        return torch.linspace(1, 0, steps + 1)

    def velocity(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        stacked = torch.cat([x, condition.tensors["source"]], dim=1)
        predicted: Tensor = self.unet(stacked, 1000 * sigma, condition.tensors["text"]).sample
        return predicted

    def latents(self, images: Sequence[RgbImage], condition: Condition) -> Tensor:
        return _to_latents(images)

    def decode(self, latents: Tensor, condition: Condition) -> list[RgbImage]:
        pixels = latents.detach().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
        return list(np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy()))

    def export(self, folder: str) -> None:
        from editloop.train.align.lora import has_adapters, save_lora

        if has_adapters(self.unet):
            save_lora(self.unet, Path(folder), prefix=self.lora_prefix)
        else:
            self.unet.save_pretrained(folder)


def toy_request(number: int, side: int = SIDE) -> EditRequest:
    """The number-th picture of noise around a colour, with an instruction of its own."""
    rng = np.random.default_rng(number)
    colour = rng.integers(60, 196, 3)
    image = np.clip(colour + rng.normal(0, 20, (side, side, 3)), 0, 255).astype(np.uint8)
    return EditRequest(
        image, f"make it {('red', 'green', 'blue')[number % 3]} {number}", seed=number
    )


def read_metadata(path: Path) -> dict[str, object]:
    """The adapter's settings in the header of a LoRA file."""
    header = path.read_bytes()
    size = int.from_bytes(header[:8], "little")
    metadata = json.loads(header[8 : 8 + size])["__metadata__"]
    settings: dict[str, object] = json.loads(metadata["lora_adapter_metadata"])
    return settings


def _words(instruction: str) -> Tensor:
    words = [*instruction.split(), *[""] * WORDS][:WORDS]
    rows = [np.random.default_rng(derive_seed(0, word)).normal(size=TEXT_WIDTH) for word in words]
    return torch.tensor(np.stack(rows), dtype=torch.float32)


def _to_latents(images: Sequence[RgbImage]) -> Tensor:
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()
    return pixels.div(127.5).sub(1)
