"""Vision-language models of the real classes at toy size: the encoder of the Qwen editors, and models that answer.

Their weights are random: what they answer is noise that depends on every pixel and every word, at the cost of milliseconds.

Example:
    >>> from editloop.models.miniatures.vision_language import VISION_LANGUAGE
    >>> sorted(VISION_LANGUAGE)
    ['qwen2.5-vl', 'qwen3-vl']
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from editloop.models.miniatures.seeding import seeded
from editloop.models.miniatures.tokenizers import QWEN_SPECIALS, qwen_tokenizer
from editloop.models.prerequisites import require

CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\n' }}
{%- if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%}
{{ '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- else -%}
{{ part['text'] }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{ '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\n' }}
{%- endif -%}
"""
"""The turns and image marks of the Qwen models, without their default system message."""

LOUDNESS = 10.0
"""Factor of the usual initial weights, which are so small that a fresh model gives one answer to everything."""

TRAINING_WORDS = "system user assistant Score: 0 1 2 3 4 5 6 7 8 9 10 yes no Was the edit followed? Answer with a number."


def save_vision_language(name: str, folder: Path, seed: int = 0) -> Path:
    """Write a toy model with its processor to `folder`, as `save_pretrained` of the published ones does.

    Args:
        name: One of `VISION_LANGUAGE`.
        folder: Where to.
        seed: Of the weights.

    Returns:
        The folder, which ``transformers:FOLDER`` loads.

    Raises:
        PrerequisiteError: when transformers is missing.
    """
    require("transformers", "train")
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    build, patch = VISION_LANGUAGE[name]
    tokenizer = qwen_tokenizer(TRAINING_WORDS)
    tokenizer.chat_template = CHAT_TEMPLATE
    with seeded(seed):
        model = build(tokenizer)
    for weights in model.parameters():
        if weights.ndim > 1:
            weights.data.mul_(LOUDNESS)
    generation = model.generation_config
    generation.eos_token_id = [tokenizer.eos_token_id, tokenizer.pad_token_id]
    generation.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    Qwen2VLImageProcessorPil(
        size={"shortest_edge": (2 * patch) ** 2, "longest_edge": 16 * (2 * patch) ** 2},
        patch_size=patch,
        temporal_patch_size=2,
        merge_size=2,
    ).save_pretrained(folder)
    return folder


def qwen25_vl(tokenizer: Any) -> Any:
    """A `Qwen2_5_VLForConditionalGeneration`, two layers of width 32 on each side."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = _text(tokenizer) | {
        "rope_theta": 1e6,
        "rope_scaling": {"type": "default", "rope_type": "default", "mrope_section": [2, 3, 3]},
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [1],
    }
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        **_marks(tokenizer),
        tie_word_embeddings=True,
    )
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def qwen3_vl(tokenizer: Any) -> Any:
    """A `Qwen3VLForConditionalGeneration`, two layers of width 32 on each side, one of them with deep features."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    text = _text(tokenizer) | {
        "head_dim": 16,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 5e6,
            "mrope_section": [4, 2, 2],
            "mrope_interleaved": True,
        },
        "tie_word_embeddings": True,
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    config = Qwen3VLConfig(
        text_config=text, vision_config=vision, **_marks(tokenizer), tie_word_embeddings=True
    )
    return Qwen3VLForConditionalGeneration(config).eval()


def _text(tokenizer: Any) -> dict[str, Any]:
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 4096,
        "bos_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _marks(tokenizer: Any) -> dict[str, int]:
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in QWEN_SPECIALS}
    return {
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
    }


VISION_LANGUAGE: dict[str, tuple[Callable[[Any], Any], int]] = {
    "qwen2.5-vl": (qwen25_vl, 14),
    "qwen3-vl": (qwen3_vl, 16),
}
"""Name -> builder over a tokenizer, and the side of its patches in pixels."""
