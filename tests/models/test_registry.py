"""Models are chosen by name; choosing one opens nothing yet."""

from __future__ import annotations

import subprocess
import sys

import pytest

from editloop.core.errors import PrerequisiteError, UnknownNameError
from editloop.core.registry import Registry
from editloop.models import REGISTRIES, available_models, load_model
from editloop.models.prerequisites import require
from editloop.models.roles import (
    Detector,
    QualityModel,
    Remover,
    Segmenter,
    Tagger,
    TextEmbedder,
    TextReader,
)

ROLES = {
    "detector": Detector,
    "segmenter": Segmenter,
    "tagger": Tagger,
    "text_embedder": TextEmbedder,
    "remover": Remover,
    "quality": QualityModel,
    "reader": TextReader,
}
EMBEDDED = [
    (role, spec)
    for role in ROLES
    for spec in available_models(role)
    if spec.startswith("embedded:")
]


@pytest.mark.parametrize(("role", "spec"), EMBEDDED)
def test_every_embedded_model_plays_its_role_and_is_identified(
    role: str, spec: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("EDITLOOP_ASSETS", str(tmp_path))
    monkeypatch.setenv("EDITLOOP_OFFLINE", "1")
    model = load_model(role, spec)  # type: ignore[call-overload]
    assert isinstance(model, ROLES[role])
    assert model.identity.name == spec
    assert model.identity.version
    assert model.identity.licence


def test_an_unknown_model_or_role_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'embedded:nanodet'"):
        load_model("detector", "embedded:nanodot")
    with pytest.raises(
        UnknownNameError, match="no role is called 'detectr'; did you mean 'detector'"
    ):
        available_models("detectr")


def test_a_name_that_ends_in_a_colon_takes_the_rest_of_the_spec(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    echoes: Registry[object] = Registry("detector")
    echoes.add("echo:", str.upper)
    monkeypatch.setitem(REGISTRIES, "detector", echoes)
    assert load_model("detector", "echo:some/model") == "SOME/MODEL"  # type: ignore[comparison-overlap]


def test_a_missing_package_is_one_line_with_the_command() -> None:
    with pytest.raises(PrerequisiteError, match=r"pip install 'editloop\[photos\]'"):
        require("no_such_package_here", "photos")


def test_choosing_models_loads_no_heavy_library() -> None:
    code = (
        "import sys\nfrom editloop.models import load_model\n"
        f"for role, spec in {EMBEDDED!r}: load_model(role, spec)\n"
        "print([m for m in ('cv2', 'onnxruntime', 'onnx', 'patchmatch', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
