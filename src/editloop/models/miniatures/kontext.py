"""FLUX.1 Kontext (arXiv 2506.15742) at toy size: one double and one single block of width 32."""

from __future__ import annotations

from typing import Any

from editloop.models.miniatures.seeding import seeded
from editloop.models.miniatures.text_encoders import clip_text_encoder, t5_encoder
from editloop.models.miniatures.tokenizers import clip_tokenizer, t5_tokenizer
from editloop.models.prerequisites import require


def build(seed: int) -> Any:
    """A `FluxKontextPipeline` with random weights; its VAE halves the sides once."""
    require("diffusers", "train")
    from diffusers import FluxKontextPipeline

    tokenizer, tokenizer_2 = clip_tokenizer(), t5_tokenizer()
    with seeded(seed):
        return FluxKontextPipeline(
            scheduler=_scheduler(),
            vae=_vae(),
            text_encoder=clip_text_encoder(tokenizer),
            tokenizer=tokenizer,
            text_encoder_2=t5_encoder(tokenizer_2),
            tokenizer_2=tokenizer_2,
            transformer=_transformer(),
        )


def _transformer() -> Any:
    from diffusers import FluxTransformer2DModel

    return FluxTransformer2DModel(
        patch_size=1,
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        guidance_embeds=True,
        axes_dims_rope=(4, 4, 8),
    ).eval()


def _vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        sample_size=32,
        block_out_channels=(4, 4),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=1,
        norm_num_groups=1,
        use_quant_conv=False,
        use_post_quant_conv=False,
        shift_factor=0.0609,
        scaling_factor=1.5035,
    ).eval()


def _scheduler() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(
        shift=3.0,
        use_dynamic_shifting=True,
        base_shift=0.5,
        max_shift=1.15,
        base_image_seq_len=256,
        max_image_seq_len=4096,
    )
