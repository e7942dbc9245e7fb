"""Miniatures are real pipelines: seeded, saved and reopened without a changed bit, by diffusers' own means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from editloop.core.errors import UnknownNameError
from editloop.models.diffusers.families import family
from editloop.models.diffusers.settings import EditSettings
from editloop.models.miniatures import MINIATURE_SETTINGS, MINIATURES, SIDE, build_miniature
from editloop.models.roles import EditRequest, RgbImage

NAMES = list(MINIATURES)


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def pipeline(name: str) -> Any:
    return build_miniature(name)


def edit(pipeline: Any, instruction: str = "make the object red", seed: int = 0) -> RgbImage:
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    kind = family(type(pipeline).__name__)
    settings = EditSettings(steps=2).over(MINIATURE_SETTINGS).over(kind.defaults)
    return kind.edit(pipeline, [EditRequest(picture, instruction, seed)], settings)[0]


def weights(pipeline: Any) -> dict[str, torch.Tensor]:
    return {
        f"{part}.{name}": weight
        for part, module in pipeline.components.items()
        if isinstance(module, torch.nn.Module)
        for name, weight in module.state_dict().items()
    }


def test_it_is_small(pipeline: Any) -> None:
    assert sum(weight.numel() for weight in weights(pipeline).values()) < 600_000


def test_the_same_seed_gives_the_same_weights(name: str, pipeline: Any) -> None:
    state = torch.random.get_rng_state()
    again = weights(build_miniature(name))
    other = weights(build_miniature(name, seed=1))
    assert torch.equal(torch.random.get_rng_state(), state), "global random numbers are left alone"
    mine = weights(pipeline)
    assert mine.keys() == again.keys() == other.keys()
    assert all(torch.equal(mine[key], again[key]) for key in mine)
    assert any(not torch.equal(mine[key], other[key]) for key in mine)


def test_picture_depends_on_seed_and_instruction(pipeline: Any) -> None:
    base = edit(pipeline)
    assert base.shape == (SIDE, SIDE, 3)
    assert base.std() > 5
    np.testing.assert_array_equal(edit(pipeline), base)
    assert (edit(pipeline, seed=1) != base).mean() > 0.5
    assert (edit(pipeline, "remove the background") != base).mean() > 0.01


def test_saved_and_reopened_bit_for_bit(name: str, pipeline: Any, saved: dict[str, Path]) -> None:
    opened = family(type(pipeline).__name__).open(saved[name], EditSettings())
    opened.set_progress_bar_config(disable=True)
    mine, theirs = weights(pipeline), weights(opened)
    assert all(torch.equal(weight, theirs[key]) for key, weight in mine.items())
    np.testing.assert_array_equal(edit(opened), edit(pipeline))


def test_qwens_system_message_is_as_long_as_the_pipeline_assumes() -> None:
    pipeline = build_miniature("qwen-edit-plus")
    message = pipeline.prompt_template_encode.partition("{}")[0]
    assert len(pipeline.tokenizer(message).input_ids) == 64
    assert pipeline.prompt_template_encode_start_idx == 64


def test_an_unknown_miniature_names_the_known() -> None:
    with pytest.raises(UnknownNameError, match="kontext"):
        build_miniature("kontex")
