"""PP-OCR: decoding in closed form, then words drawn on pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.models.photographs import photograph

from editloop.models import load_model
from editloop.models.readers.ppocr import decode_greedily
from editloop.models.roles import RgbImage


def one_hot(path: list[int]) -> np.ndarray:  # type: ignore[type-arg]
    probabilities = np.full((len(path), 4), 0.1, np.float32)
    probabilities[np.arange(len(path)), path] = 0.7
    return probabilities


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ([0, 1, 1, 0, 1, 2], "aab"),
        ([1, 2, 2, 2, 3], "ab "),
        ([0, 0], ""),
        ([3, 0, 3], "  "),
    ],
)
def test_repeats_and_blanks_are_removed(path: list[int], text: str) -> None:
    found, score = decode_greedily(one_hot(path), ["", "a", "b", " "])
    assert found == text
    assert score == pytest.approx(0.7 if text else 0.0)


def poster(*lines: str) -> RgbImage:
    image = Image.fromarray(photograph("canyon", 640))
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.rectangle((60, 60 + 110 * number, 560, 130 + 110 * number), fill="white")
        draw.text((80, 70 + 110 * number), line, fill="black", font_size=44)
    return np.asarray(image)


@pytest.mark.weights
def test_lines_are_read_from_top_to_bottom() -> None:
    regions = load_model("reader", "embedded:ppocr").read(poster("Fresh coffee", "OPEN 24 hours"))
    assert [region.text for region in regions] == ["Fresh coffee", "OPEN 24 hours"]
    first = regions[0]
    assert first.score > 0.9
    assert 40 <= first.box.left <= 85
    assert 50 <= first.box.top <= 80
    assert 110 <= first.box.bottom <= 140


@pytest.mark.weights
def test_a_picture_without_text_reads_as_nothing() -> None:
    assert load_model("reader", "embedded:ppocr").read(photograph("hedgehog")) == []


@pytest.mark.weights
def test_upright_and_slanted_lines_are_straightened() -> None:
    image = Image.fromarray(poster("Fresh coffee"))
    reader = load_model("reader", "embedded:ppocr")
    for angle in (8, 90, 270):
        turned = np.asarray(image.rotate(angle, expand=True))
        assert "Fresh coffee" in [region.text for region in reader.read(turned)]
