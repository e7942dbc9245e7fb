"""BRISQUE: the regression in closed form, then photographs against their damaged copies."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tests.models.photographs import photograph

from editloop.core.errors import BadInputError
from editloop.models import load_model
from editloop.models.quality.brisque import Brisque, read_libsvm_regression
from editloop.models.roles import RgbImage

MODEL = """svm_type epsilon_svr
kernel_type rbf
gamma 0.5
nr_class 2
total_sv 2
rho -3
SV
2 1:1 3:-1
-1 2:2
"""


def test_a_regression_is_read_and_computed_as_defined(tmp_path: Path) -> None:
    path = tmp_path / "svm.txt"
    path.write_text(MODEL)
    regression = read_libsvm_regression(path, 3)
    point = np.array([1.0, 0.0, 0.0])
    expected = 2 * np.exp(-0.5 * 1) - 1 * np.exp(-0.5 * 5) + 3
    assert regression.predict(point) == pytest.approx(expected)


def test_another_machine_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "svm.txt"
    path.write_text(MODEL.replace("rbf", "linear"))
    with pytest.raises(BadInputError, match="no epsilon-SVR"):
        read_libsvm_regression(path, 3)


def blurred(image: RgbImage) -> RgbImage:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2)))


def compressed(image: RgbImage) -> RgbImage:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=8)
    return np.asarray(Image.open(buffer))


def noisy(image: RgbImage) -> RgbImage:
    noise = np.random.default_rng(0).normal(0, 25, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


@pytest.mark.weights
@pytest.mark.parametrize("damage", [blurred, compressed, noisy], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", ["cows", "hedgehog", "china"])
def test_damage_lowers_the_quality(name: str, damage: object) -> None:
    model = load_model("quality", "embedded:brisque")
    image = photograph(name)
    assert model.quality(damage(image)) < model.quality(image) - 0.1  # type: ignore[operator]


@pytest.mark.weights
def test_quality_is_the_score_turned_round() -> None:
    model = Brisque()
    image = photograph("hedgehog")
    assert model.quality(image) == pytest.approx(1 - model.brisque(image) / 100)
    assert model.quality(np.zeros((64, 64, 3), np.uint8)) == 0


def test_an_image_too_small_to_judge_is_refused() -> None:
    with pytest.raises(BadInputError, match="too-small"):
        Brisque().quality(np.zeros((20, 200, 3), np.uint8))
