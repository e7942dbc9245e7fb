"""The Qwen processor without torchvision: images and words in, as the published checkpoints store them."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from editloop.models.diffusers.qwen_processor import load_qwen_processor
from editloop.models.diffusers.sizes import to_pil

PUBLISHED = {
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_processor_type": "Qwen2VLImageProcessor",
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "max_pixels": 12845056,
    "merge_size": 2,
    "min_pixels": 3136,
    "patch_size": 14,
    "processor_class": "Qwen2_5_VLProcessor",
    "size": {"longest_edge": 12845056, "shortest_edge": 3136},
    "temporal_patch_size": 2,
}
"""`preprocessor_config.json` as older versions of transformers wrote it."""


@pytest.fixture
def checkpoint(saved: dict[str, Path], tmp_path: Path) -> Path:
    """The miniature's folder with its processor stored in the published layout."""
    shutil.copytree(saved["qwen-edit-plus"], tmp_path / "checkpoint")
    processor = tmp_path / "checkpoint" / "processor"
    for file in processor.glob("*processor_config.json"):
        file.unlink()
    (processor / "preprocessor_config.json").write_text(json.dumps(PUBLISHED))
    return tmp_path / "checkpoint"


def test_words_and_image_come_out_as_tokens_and_patches(saved: dict[str, Path]) -> None:
    processor = load_qwen_processor(saved["qwen-edit-plus"])
    picture = to_pil(np.full((56, 84, 3), 200, np.uint8))
    inputs = processor(
        text=["<|vision_start|><|image_pad|><|vision_end|>make it red"],
        images=[picture],
        return_tensors="pt",
    )
    assert inputs["image_grid_thw"].tolist() == [[1, 4, 6]]
    assert inputs["pixel_values"].shape == (4 * 6, 3 * 2 * 14 * 14)
    tokens = inputs["input_ids"][0].tolist()
    assert tokens.count(processor.image_token_id) == 4 * 6 // 4


def test_the_published_layout_gives_the_same_inputs(
    saved: dict[str, Path], checkpoint: Path
) -> None:
    picture = to_pil(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    text = ["<|image_pad|> remove the object"]
    ours = load_qwen_processor(saved["qwen-edit-plus"])(
        text=text, images=[picture], return_tensors="pt"
    )
    theirs = load_qwen_processor(checkpoint)(text=text, images=[picture], return_tensors="pt")
    assert ours["input_ids"].equal(theirs["input_ids"])
    assert ours["pixel_values"].equal(theirs["pixel_values"])


def test_saved_pipelines_name_the_library_class(saved: dict[str, Path]) -> None:
    index = json.loads((saved["qwen-edit-plus"] / "model_index.json").read_text())
    assert index["processor"] == ["transformers", "Qwen2VLProcessor"]


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
def test_the_trap_is_still_there(saved: dict[str, Path]) -> None:
    """When this fails, transformers opens the processor by itself and the module can go."""
    from transformers import Qwen2VLProcessor

    with pytest.raises((ImportError, AttributeError, ValueError, OSError)):
        Qwen2VLProcessor.from_pretrained(saved["qwen-edit-plus"] / "processor")
