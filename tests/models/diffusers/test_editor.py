"""`diffusers:` specs as editors: which class, which settings, one by one or together, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from editloop.core.errors import (
    BadInputError,
    ConfigError,
    PrerequisiteError,
    UnknownNameError,
    UsageError,
)
from editloop.models import available_models, load_model
from editloop.models.diffusers.editor import DiffusersEditor
from editloop.models.roles import BatchEditor, EditRequest, RgbImage

NAMES = ("instruct-pix2pix", "kontext", "qwen-edit-plus")


def picture(seed: int, height: int = 64, width: int = 64) -> RgbImage:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=NAMES)
def editor(request: pytest.FixtureRequest, saved: dict[str, Path]) -> DiffusersEditor:
    return DiffusersEditor(f"{saved[request.param]}?steps=2")


def test_the_registry_knows_the_prefix(saved: dict[str, Path]) -> None:
    assert "diffusers:" in available_models("editor")
    editor = load_model("editor", f"diffusers:{saved['kontext']}")
    assert isinstance(editor, BatchEditor)
    assert editor.identity.name == f"diffusers:{saved['kontext']}"


def test_many_are_each_one_alone(editor: DiffusersEditor) -> None:
    requests = [
        EditRequest(picture(0), "make the object red", seed=5),
        EditRequest(picture(1, 32, 64), "remove the object", seed=5),
        EditRequest(picture(2), "add a cup", seed=6),
        EditRequest(picture(0), "make the object red", seed=7),
    ]
    together = editor.edit_many(requests)
    for request, result in zip(requests, together, strict=True):
        alone = editor.edit(request)
        assert result.image.shape == request.image.shape
        difference = np.abs(result.image.astype(int) - alone.image.astype(int))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.01
    assert (together[0].image != together[3].image).mean() > 0.5, "the seed counts"


def test_results_come_back_at_the_size_of_the_source(editor: DiffusersEditor) -> None:
    for shape in ((50, 70), (33, 17)):
        result = editor.edit(EditRequest(picture(0, *shape), "remove", seed=0))
        assert result.image.shape == (*shape, 3)
        assert result.image.dtype == np.uint8


def test_nothing_to_do(editor: DiffusersEditor) -> None:
    assert editor.edit_many([]) == []


def test_references_are_read_or_refused(editor: DiffusersEditor) -> None:
    plain = EditRequest(picture(0), "add the cup of picture 2", seed=0)
    request = EditRequest(plain.image, plain.instruction, 0, references=(picture(9),))
    if "qwen" in str(editor.folder):
        assert (editor.edit(request).image != editor.edit(plain).image).mean() > 0.05
        return
    with pytest.raises(BadInputError) as caught:
        editor.edit(request)
    assert caught.value.reason == "references_unsupported"


def test_settings_spec_over_folder_over_family(saved: dict[str, Path]) -> None:
    settings = DiffusersEditor(f"{saved['kontext']}?steps=9&guidance=1.5").settings
    assert (settings.steps, settings.guidance) == (9, 1.5)
    assert settings.pixels == 64 * 64, "from the folder's own file"
    assert settings.batch == 4, "from the family"


def test_the_version_follows_weights_and_settings(saved: dict[str, Path], tmp_path: Path) -> None:
    folder = saved["kontext"]
    version = DiffusersEditor(str(folder)).identity.version
    assert DiffusersEditor(str(folder)).identity.version == version
    assert DiffusersEditor(f"{folder}?batch=2").identity.version == version
    assert DiffusersEditor(f"{folder}?steps=9").identity.version != version
    for file in folder.rglob("*"):
        if file.is_file():
            copy = tmp_path / file.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    assert DiffusersEditor(str(tmp_path)).identity.version == version, "the place does not count"
    weights = next(tmp_path.glob("transformer/*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert DiffusersEditor(str(tmp_path)).identity.version != version


def test_wrong_options_name_the_right_ones(saved: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match="did you mean 'steps'"):
        DiffusersEditor(f"{saved['kontext']}?step=9")
    with pytest.raises(ConfigError, match="steps"):
        DiffusersEditor(f"{saved['kontext']}?steps=many")


def test_wrong_places_say_what_is_expected(saved: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no pipeline"):
        DiffusersEditor("")
    with pytest.raises(UsageError, match=r"holds no model_index\.json"):
        _ = DiffusersEditor(str(tmp_path)).folder
    with pytest.raises(UsageError, match="no folder and no hub id"):
        _ = DiffusersEditor(str(tmp_path / "absent")).folder
    with pytest.raises(
        PrerequisiteError, match=r"could not be fetched.*hf download nobody/nothing"
    ):
        _ = DiffusersEditor("nobody/nothing").folder
    with pytest.raises(UsageError, match="holds no LoRA weights"):
        _ = DiffusersEditor(f"{saved['kontext']}?lora={tmp_path}").pipeline


def test_damaged_folders_say_which_file(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(BadInputError, match=r"model_index\.json"):
        _ = DiffusersEditor(str(tmp_path)).settings
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "StableAudioPipeline"}))
    with pytest.raises(UnknownNameError, match=r"no editing pipeline.*FluxKontextPipeline"):
        _ = DiffusersEditor(str(tmp_path)).settings
    (tmp_path / "editloop.json").write_text('{"steps": "many"}')
    with pytest.raises(ConfigError, match=r"editloop\.json"):
        _ = DiffusersEditor(str(tmp_path)).chosen


def test_a_lora_that_does_not_fit_is_refused(saved: dict[str, Path], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    weights = {
        "transformer.transformer_blocks.0.attn.to_q.lora_A.weight": torch.zeros(2, 7),
        "transformer.transformer_blocks.0.attn.to_q.lora_B.weight": torch.zeros(7, 2),
    }
    save_file(weights, tmp_path / "pytorch_lora_weights.safetensors")
    with pytest.raises(UsageError, match="do not fit a FluxKontextPipeline"):
        _ = DiffusersEditor(f"{saved['kontext']}?lora={tmp_path}").pipeline


def test_without_diffusers_the_command_to_install_it() -> None:
    code = (
        "import sys; sys.modules['diffusers'] = None\n"
        "from editloop.core.errors import PrerequisiteError\n"
        "from editloop.models import load_model\n"
        "try: load_model('editor', 'diffusers:any/thing')\n"
        "except PrerequisiteError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "pip install 'editloop[train]'" in done.stdout
