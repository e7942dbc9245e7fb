"""What policies over diffusers pipelines share: schedules, freezing, pictures, export."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from editloop.core.errors import UsageError
from editloop.models.diffusers.settings import SETTINGS_FILE, EditSettings
from editloop.models.roles import ModelIdentity, RgbImage
from editloop.train.align.lora import has_adapters, save_lora

JOINT_ATTENTION = (
    "to_q",
    "to_k",
    "to_v",
    "to_out.0",
    "add_q_proj",
    "add_k_proj",
    "add_v_proj",
    "to_add_out",
)
"""Attention projections of both streams of a joint-attention transformer: where LoRA sits by default."""

UNNAMED = ModelIdentity("diffusers:unnamed", "0")
"""Identity of a policy over a pipeline that was made in memory."""


def freeze_all_but(pipeline: Any, component: str) -> Any:
    """Switch off the gradients of every module of `pipeline` except one, which is returned; all in evaluation mode."""
    for name, module in pipeline.components.items():
        if isinstance(module, torch.nn.Module):
            module.eval()
            if name != component:
                module.requires_grad_(False)
    return getattr(pipeline, component)


def shifted_sigmas(
    scheduler: Any, steps: int, tokens: int, calculate_shift: Callable[..., float]
) -> Tensor:
    """float32 (steps + 1,) from 1 down to 0, shifted for a picture of `tokens` latent tokens.

    Args:
        scheduler: A `FlowMatchEulerDiscreteScheduler`; it stays as it is.
        steps: Of the run from noise to picture.
        tokens: Latent tokens of the picture, without those of its source.
        calculate_shift: The pipeline's own rule from tokens to the shift mu.
    """
    config = scheduler.config
    own = type(scheduler).from_config(config)
    mu = calculate_shift(
        tokens,
        config.get("base_image_seq_len", 256),
        config.get("max_image_seq_len", 4096),
        config.get("base_shift", 0.5),
        config.get("max_shift", 1.15),
    )
    own.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
    return torch.as_tensor(own.sigmas, dtype=torch.float32)


def network_time(sigma: Tensor, dtype: torch.dtype) -> Tensor:
    """Noise levels as pipelines hand them to their network: rounded at a scale of 1000, which shows in bfloat16."""
    return (sigma * 1000).to(dtype) / 1000


def the_only_one(values: Sequence[Any], what: str) -> Any:
    """The value that all cases of a batch share.

    Raises:
        UsageError: when they differ.
    """
    if len(set(values)) != 1:
        raise UsageError(
            f"cases of one batch must share their {what}, got {sorted(set(values))}; "
            "encode them in batches of one size"
        )
    return values[0]


def to_pictures(decoded: Tensor, image_processor: Any) -> list[RgbImage]:
    """uint8 pictures of a VAE's output (n, 3, h, w) in [-1, 1]."""
    images = image_processor.postprocess(decoded.float(), output_type="np")
    return list((images * 255).round().astype(np.uint8))


def export_trained(pipeline: Any, component: str, folder: str, settings: EditSettings) -> None:
    """Write what was trained of `pipeline`.

    A network with a LoRA adapter leaves a folder for `load_lora_weights`; any other leaves a whole pipeline, with the
    settings that it was trained at beside it.
    """
    network = getattr(pipeline, component)
    if has_adapters(network):
        save_lora(network, Path(folder), prefix=component)
        return
    pipeline.save_pretrained(folder)
    kept = settings.model_dump(mode="json", exclude_none=True, exclude={"device", "lora"})
    (Path(folder) / SETTINGS_FILE).write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
