"""Pictures from words: the generator role over a storybook folder, and the editor and generator that come with the package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.models.storybook.pipelines import SIDE, toy_pipeline

from editloop.core.errors import PrerequisiteError, UsageError
from editloop.models import available_models, load_model
from editloop.models.roles import EditRequest, GenerationRequest, Generator
from editloop.models.storybook import shipped

RED = GenerationRequest("draw a red ball", seed=1)
PLAIN = GenerationRequest("draw a ball", seed=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("generator")
    toy_pipeline().save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def generator(folder: Path) -> Generator:
    return load_model("generator", f"diffusers:{folder}?steps=2&batch=2")


def test_a_picture_depends_on_its_own_words_and_seed(generator: Generator) -> None:
    together = generator.generate_many([RED, PLAIN, RED])
    assert [image.shape for image in together] == [(SIDE, SIDE, 3)] * 3
    alone = generator.generate_many([PLAIN])[0]
    assert np.abs(alone.astype(int) - together[1]).max() <= 1
    assert np.abs(together[0].astype(int) - together[2]).max() <= 1
    assert not np.array_equal(together[0], together[1])


def test_a_request_can_name_its_size(generator: Generator) -> None:
    wide = GenerationRequest("draw a red ball", seed=1, width=24, height=12)
    assert generator.generate_many([wide])[0].shape == (12, 24, 3)


def test_drawing_nothing_gives_nothing(generator: Generator) -> None:
    assert generator.generate_many([]) == []


def test_another_pipeline_class_is_refused_with_what_is_expected(tmp_path: Path) -> None:
    index = {"_class_name": "FluxKontextPipeline"}
    (tmp_path / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    drawing = load_model("generator", f"diffusers:{tmp_path}")
    with pytest.raises(UsageError, match="holds a FluxKontextPipeline; generators are Storybook"):
        drawing.generate_many([RED])


def test_editor_and_generator_of_the_package_share_one_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "shipped_folder", lambda: folder)
    editor = load_model("editor", shipped.TINY_EDITOR)
    drawing = load_model("generator", shipped.TINY_GENERATOR)
    assert editor.identity.name == "world:tiny-editor"
    assert drawing.identity.name == "world:tiny-generator"
    assert editor.identity.version == drawing.identity.version
    assert editor.identity.licence
    picture = drawing.generate_many([RED])[0]
    assert editor.edit(EditRequest(picture, "make it red", seed=3)).image.shape == picture.shape
    assert {"world:tiny-generator", "diffusers:"} <= set(available_models("generator"))


def test_an_installation_without_weights_says_how_to_train_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "files", lambda package: tmp_path)
    with pytest.raises(PrerequisiteError, match=r"python -m editloop\.train\.storybook"):
        load_model("editor", shipped.TINY_EDITOR)
