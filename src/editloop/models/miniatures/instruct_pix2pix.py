"""InstructPix2Pix (arXiv 2211.09800) at toy size: a noise-predicting U-Net, the editor here that is no flow model."""

from __future__ import annotations

from typing import Any

from editloop.models.miniatures.seeding import seeded
from editloop.models.miniatures.text_encoders import clip_text_encoder
from editloop.models.miniatures.tokenizers import clip_tokenizer
from editloop.models.prerequisites import require


def build(seed: int) -> Any:
    """A `StableDiffusionInstructPix2PixPipeline` with random weights; its VAE divides the sides by eight."""
    require("diffusers", "train")
    from diffusers import DDIMScheduler, StableDiffusionInstructPix2PixPipeline

    tokenizer = clip_tokenizer()
    with seeded(seed):
        return StableDiffusionInstructPix2PixPipeline(
            vae=_vae(),
            text_encoder=clip_text_encoder(tokenizer),
            tokenizer=tokenizer,
            unet=_unet(),
            scheduler=DDIMScheduler(
                beta_start=0.00085,
                beta_end=0.012,
                beta_schedule="scaled_linear",
                steps_offset=1,
                set_alpha_to_one=False,
            ),
            safety_checker=None,
            feature_extractor=None,
            image_encoder=None,
            requires_safety_checker=False,
        )


def _unet() -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=8,
        in_channels=8,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        norm_num_groups=8,
    ).eval()


def _vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(16, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=8,
    ).eval()
