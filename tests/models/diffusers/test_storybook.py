"""The tiny editor of the drawn world from a folder: one reference, dialogues."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from editloop.core.errors import BadInputError
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.roles import EditRequest, RgbImage
from editloop.models.storybook.build import build_pipeline

WORDS = ("make", "it", "red", "remove", "the", "ball", "undo", "that")


def picture(seed: int, side: int = 16) -> RgbImage:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy editor that no longer copies its source, as a fresh one does."""
    place = tmp_path_factory.mktemp("storybook")
    pipeline = build_pipeline(WORDS, channels=(16, 16), hidden=32, text_layers=1, image_size=16)
    weights = pipeline.unet.conv_out.weight
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        weights.copy_(0.1 * torch.randn(weights.shape, generator=random))
    pipeline.save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def editor(folder: Path) -> DiffusersEditor:
    return DiffusersEditor(str(folder))


def test_edits_alone_and_together(editor: DiffusersEditor) -> None:
    requests = [
        EditRequest(picture(0), "make it red", seed=1),
        EditRequest(picture(1), "remove the ball", seed=2),
        EditRequest(picture(1, side=20), "remove the ball", seed=2),
    ]
    for request, result in zip(requests, editor.edit_many(requests), strict=True):
        assert result.image.shape == request.image.shape
        alone = editor.edit(request).image.astype(int)
        assert np.abs(alone - result.image).max() <= 1


def test_dialogue_and_reference_reach_the_network(editor: DiffusersEditor) -> None:
    base = EditRequest(picture(0), "undo that", seed=1)
    spoken = EditRequest(base.image, "undo that", seed=1, context=("make it red",))
    shown = EditRequest(base.image, "undo that", seed=1, references=(picture(5),))
    plain = editor.edit(base).image
    assert (editor.edit(spoken).image != plain).any()
    assert (editor.edit(shown).image != plain).any()
    with pytest.raises(BadInputError, match="one reference"):
        editor.edit(EditRequest(base.image, "undo that", 1, references=(picture(5), picture(6))))
