"""Forensic detectors: the baseline, a real classifier at toy size, FakeShield's protocol over a real small model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.models import available_models, load_model
from editloop.models.forensics.classifier import means_fake
from editloop.models.forensics.fakeshield import decide
from editloop.models.forensics.noise import block_noise
from editloop.models.roles import ForensicDetector


def noisy(sigma: float, size: int = 256) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, (size, size, 1))
    return np.clip(128 + noise, 0, 255).round().astype(np.uint8).repeat(3, axis=2)


def test_the_baseline_reads_noise_and_sees_a_smoothed_region() -> None:
    detector = load_model("forensic", "embedded:noise")
    assert isinstance(detector, ForensicDetector)
    plain, pasted = noisy(6.0), noisy(6.0)
    pasted[32:208, 32:208] = 128
    untouched, edited = detector.examine([plain, pasted])
    assert untouched is not None
    assert edited is not None
    assert np.median(block_noise(plain)) == pytest.approx(6.0, rel=0.1)
    assert edited.score > untouched.score
    assert (untouched.fake, edited.fake) == (False, True)
    assert detector.examine([noisy(6.0, 32)]) == [None]


@pytest.mark.parametrize(
    ("answer", "fake", "score"),
    [
        ("The image has been tampered with. The edge glows.", True, 1.0),
        ("The image HAS NOT  been\ntampered with.", False, 0.0),
        ("I am not sure.", True, 0.5),
    ],
)
def test_whatever_is_not_said_to_be_untouched_is_fake(
    answer: str, fake: bool, score: float
) -> None:
    reading = decide(answer)
    assert (reading.fake, reading.score, reading.text) == (fake, score, answer)


@pytest.mark.parametrize(
    ("label", "fake"),
    [("AI-generated", True), ("Fake", True), ("human", False), ("not tampered", False), ("real", False)],
)  # fmt: skip
def test_labels(label: str, fake: bool) -> None:
    assert means_fake(label) is fake


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vision transformer of the real class with random weights."""
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=16, id2label={0: "real", 1: "fake"}, label2id={"real": 0, "fake": 1},
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("classifier")
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    settings = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def test_a_classifier_from_a_folder(classifier: Path) -> None:
    detector = load_model("forensic", f"transformers:{classifier}")
    images = [noisy(6.0), noisy(30.0), noisy(6.0, 64)]
    together = detector.examine(images)
    alone = [detector.examine([image])[0] for image in images]
    assert all(reading is not None and 0 <= reading.score <= 1 for reading in together)
    assert [r.score for r in together if r] == pytest.approx([r.score for r in alone if r], abs=1e-5)  # fmt: skip
    assert all(reading.fake == (reading.score > 0.5) for reading in together if reading)
    first = detector.identity.version
    assert first == load_model("forensic", f"transformers:{classifier}").identity.version


def test_a_classifier_without_a_label_that_means_fake(classifier: Path, tmp_path: Path) -> None:
    config = json.loads((classifier / "config.json").read_text())
    config["id2label"] = {"0": "cat", "1": "dog"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=r"the labels of .* are cat, dog"):
        load_model("forensic", f"transformers:{tmp_path}").examine([noisy(6.0)])


@pytest.mark.slow
def test_fakeshield_over_a_real_small_model(tmp_path: Path) -> None:
    from editloop.models.miniatures.vision_language import save_vision_language

    save_vision_language("qwen2.5-vl", tmp_path)
    spec = f"fakeshield:transformers:{tmp_path}?max_pixels=3136"
    readings = load_model("forensic", spec).examine([noisy(6.0, 64)])
    assert len(readings) == 1
    assert readings[0] is None or readings[0].score in (0.0, 0.5, 1.0)
    assert spec in load_model("forensic", spec).identity.name


def test_specs() -> None:
    assert {"embedded:noise", "transformers:", "fakeshield:"} <= set(available_models("forensic"))
    with pytest.raises(UsageError, match="fakeshield:transformers:FOLDER"):
        load_model("forensic", "fakeshield:")
