"""`editloop bench fake-score`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from editloop.bench.contamination import NamedImage
from editloop.bench.fake_score import auc_interval, fake_score
from editloop.cli.app import app
from editloop.core.errors import UsageError
from editloop.core.images import encode_png
from editloop.models.forensics.noise import NoiseInconsistency


def image(number: int, pasted: bool = False, size: int = 192) -> np.ndarray:
    noise = np.random.default_rng(number).normal(0, 6, (size, size, 3))
    pixels = np.clip(128 + noise, 0, 255).astype(np.uint8)
    if pasted:
        pixels[40:150, 40:150] = 128
    return pixels


def folder(path: Path, pasted: bool) -> Path:
    path.mkdir()
    for number in range(6):
        (path / f"{number}.png").write_bytes(encode_png(image(number, pasted)))
    return path


def test_both_sides_and_the_auc(tmp_path: Path) -> None:
    edited, untouched = folder(tmp_path / "edited", True), folder(tmp_path / "untouched", False)
    (edited / "broken.png").write_bytes(b"no image")
    words = ["bench", "fake-score", "--edited", str(edited), "--untouched", str(untouched), "--json"]  # fmt: skip
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    body = json.loads(found.stdout)
    assert body["fake_score"][0] == 1.0
    assert body["fake_score"][1] < 0.7
    assert (body["edited"]["n_read"], body["edited"]["n"]) == (6, 7)
    assert body["untouched"]["flagged"] == 0
    assert body["auc"] == [1.0, 1.0, 1.0]


def test_without_untouched_images_there_is_no_auc() -> None:
    data = encode_png(image(1, True))
    found = fake_score(NoiseInconsistency(), [NamedImage("a", "", lambda: data)])
    assert found.auc is None
    assert found.untouched is None
    with pytest.raises(UsageError, match="read none of the edited images"):
        fake_score(NoiseInconsistency(), [])


def test_auc_by_hand() -> None:
    assert auc_interval([3, 2], [1, 2]).value == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert auc_interval([1, 1], [1, 1]).value == 0.5
