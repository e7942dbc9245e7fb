"""Qwen-Image-Edit-2509 (arXiv 2508.02324) at toy size: two blocks of width 48, a vision-language encoder of width 32."""

from __future__ import annotations

from typing import Any

from editloop.models.miniatures.seeding import seeded
from editloop.models.miniatures.tokenizers import qwen_tokenizer
from editloop.models.miniatures.vision_language import qwen25_vl
from editloop.models.prerequisites import require

LATENT_CHANNELS = 4


def build(seed: int, *, blocks: int = 2, heads: int = 3, head_dim: int = 16) -> Any:
    """A `QwenImageEditPlusPipeline` with random weights; its VAE quarters the sides.

    Args:
        seed: Of the weights.
        blocks: Transformer blocks.
        heads: Attention heads a block.
        head_dim: Width of a head; half of it carries the frame axis of the position code.
    """
    require("diffusers", "train")
    from diffusers import QwenImageEditPlusPipeline
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from editloop.models.diffusers.qwen_processor import image_text_processor

    tokenizer = qwen_tokenizer(_prompt_template())
    image_processor = Qwen2VLImageProcessorPil(
        size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280},
        patch_size=14,
        temporal_patch_size=2,
        merge_size=2,
    )
    with seeded(seed):
        return QwenImageEditPlusPipeline(
            scheduler=_scheduler(),
            vae=_vae(),
            text_encoder=qwen25_vl(tokenizer),
            tokenizer=tokenizer,
            processor=image_text_processor(image_processor, tokenizer),
            transformer=_transformer(blocks, heads, head_dim),
        )


def _prompt_template() -> str:
    """The words that the pipeline puts around every instruction and image."""
    from diffusers import QwenImageEditPlusPipeline

    parts = ("scheduler", "vae", "text_encoder", "tokenizer", "processor", "transformer")
    empty = QwenImageEditPlusPipeline(**dict.fromkeys(parts))
    return f"{empty.prompt_template_encode} Picture 1: Picture 2: "


def _transformer(blocks: int, heads: int, head_dim: int) -> Any:
    from diffusers import QwenImageTransformer2DModel

    return QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=4 * LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_layers=blocks,
        attention_head_dim=head_dim,
        num_attention_heads=heads,
        joint_attention_dim=32,
        guidance_embeds=False,
        axes_dims_rope=(head_dim // 2, head_dim // 4, head_dim // 4),
    ).eval()


def _vae() -> Any:
    from diffusers import AutoencoderKLQwenImage

    return AutoencoderKLQwenImage(
        base_dim=4,
        z_dim=LATENT_CHANNELS,
        dim_mult=[1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True],
        latents_mean=[0.0] * LATENT_CHANNELS,
        latents_std=[1.0] * LATENT_CHANNELS,
    ).eval()


def _scheduler() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(
        shift=1.0,
        use_dynamic_shifting=True,
        base_shift=0.5,
        max_shift=0.9,
        base_image_seq_len=256,
        max_image_seq_len=8192,
        shift_terminal=0.02,
        time_shift_type="exponential",
    )
