"""Sampling by hand from a policy, and by its pipeline's public call."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch

from editloop.models.diffusers.families.qwen_edit_plus import picture_areas
from editloop.models.diffusers.sizes import to_pil
from editloop.models.miniatures import SIDE
from editloop.models.roles import EditRequest, RgbImage
from editloop.train.policies.kontext import KontextPolicy

STEPS = 4


def picture(seed: int, height: int = SIDE, width: int = SIDE) -> RgbImage:
    """Random pixels: the pipelines' weights are random too."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def working_size(condition: Any) -> tuple[int, int]:
    """Width and height that the policy works at."""
    static = condition.static
    width, height = static["size"] if "size" in static else static["sizes"][0]
    return width, height


def noise(policy: Any, condition: Any, seed: int = 0) -> torch.Tensor:
    """Starting latents, one a case."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(condition), *policy.latent_shape(condition), generator=generator)


@torch.no_grad()
def euler(policy: Any, x: torch.Tensor, condition: Any, steps: int = STEPS) -> torch.Tensor:
    """The plain sampler, x + v dt, from noise to clean latents."""
    levels = policy.sigmas(steps, condition)
    for level, following in pairwise(levels):
        x = x + (following - level) * policy.velocity(x, level.expand(len(x)), condition)
    return x


def pipeline_run(
    pipeline: Any,
    policy: Any,
    request: EditRequest,
    latents: torch.Tensor,
    size: tuple[int, int] = (SIDE, SIDE),
    output: str = "latent",
) -> Any:
    """What `pipeline` makes of the request from the same noise, called as the policy's settings say.

    `size` is the working (width, height).
    """
    width, height = size
    arguments: dict[str, Any] = {
        "prompt": request.instruction,
        "latents": latents,
        "num_inference_steps": STEPS,
        "output_type": output,
        "height": height,
        "width": width,
    }
    if isinstance(policy, KontextPolicy):
        return pipeline(
            image=to_pil(request.image, size),
            max_area=height * width,
            _auto_resize=False,
            guidance_scale=policy.settings.guidance,
            max_sequence_length=policy.settings.text_tokens,
            **arguments,
        ).images
    if policy.guided:
        arguments["negative_prompt"] = policy.settings.negative
    with picture_areas(policy.settings):
        return pipeline(
            image=[to_pil(each) for each in (request.image, *request.references)],
            true_cfg_scale=policy.settings.guidance,
            **arguments,
        ).images
