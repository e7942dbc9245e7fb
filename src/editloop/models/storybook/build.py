"""A storybook pipeline with fresh random weights: where its training starts, and what tests use at toy size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from transformers import T5Config, T5EncoderModel

from editloop.models.storybook.latents import LATENT_CHANNELS
from editloop.models.storybook.pipeline import StorybookPipeline
from editloop.models.storybook.text import word_tokenizer

NOISE_SHIFT = 3.0
"""Of the scheduler (arXiv 2403.03206, equation 23): most steps are spent where it is decided what is drawn, few on polish."""


def build_pipeline(
    words: Sequence[str],
    *,
    seed: int = 0,
    channels: Sequence[int] = (48, 96, 128),
    hidden: int = 128,
    text_layers: int = 3,
    image_size: int = 32,
) -> StorybookPipeline:
    """A pipeline over the given vocabulary; `channels` are the U-Net's widths from fine to coarse.

    The global random state is left as it was.
    """
    tokenizer = word_tokenizer(words)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        text_encoder = build_text_encoder(len(tokenizer), hidden, text_layers)
        coarse = len(channels) - 1
        unet = UNet2DConditionModel(
            sample_size=image_size // 2,
            in_channels=3 * LATENT_CHANNELS,
            out_channels=LATENT_CHANNELS,
            block_out_channels=tuple(channels),
            down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * coarse),
            up_block_types=(*["CrossAttnUpBlock2D"] * coarse, "UpBlock2D"),
            layers_per_block=1,
            norm_num_groups=min(16, *channels),
            attention_head_dim=4,
            cross_attention_dim=hidden,
            resnet_time_scale_shift="scale_shift",
            class_embed_type="projection",
            projection_class_embeddings_input_dim=hidden,
        )
        torch.nn.init.zeros_(unet.conv_out.weight)
        torch.nn.init.zeros_(unet.conv_out.bias)
    scheduler = FlowMatchEulerDiscreteScheduler(shift=NOISE_SHIFT)
    pipeline = StorybookPipeline(tokenizer, text_encoder, unet, scheduler)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def build_text_encoder(words: int, hidden: int, layers: int) -> T5EncoderModel:
    """A fresh encoder over `words` numbers, of which 0 is padding, drawn from the global random state."""
    heads = max(1, hidden // 32)
    encoder = T5EncoderModel(
        T5Config(
            vocab_size=words,
            d_model=hidden,
            d_kv=hidden // heads,
            d_ff=2 * hidden,
            num_layers=layers,
            num_heads=heads,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            relative_attention_num_buckets=16,
            relative_attention_max_distance=32,
            pad_token_id=0,
        )
    )
    _look_at_neighbours(encoder)
    return encoder


@torch.no_grad()
def _look_at_neighbours(text_encoder: T5EncoderModel) -> None:
    """Start the first heads at the words before, after and around, the rest without a preference.

    From T5's own start the encoder stays a bag of words for thousands of texts: it knows which kinds a prompt names, but not which
    stands where. Who stands where is said by neighbours ("a red ball on the left").
    """
    attention = text_encoder.encoder.block[0].layer[0].SelfAttention
    bias = attention.relative_attention_bias.weight
    before, after = (
        torch.arange(1, 4),
        attention.relative_attention_num_buckets // 2 + torch.arange(1, 5),
    )
    bias.zero_()
    heads = bias.shape[1]
    bias[before, 0] = torch.tensor([3.0, 2.5, 2.0])
    if heads > 1:
        bias[after, 1] = torch.tensor([2.0, 2.5, 3.0, 2.5])
    if heads > 2:
        bias[torch.cat([before[:2], after[:2]]), 2] = 2.0
