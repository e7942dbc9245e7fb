"""Working sizes, and fingerprints of checkpoints too large to read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from editloop.models.diffusers import folders
from editloop.models.diffusers.families.kontext import Kontext, kontext_size
from editloop.models.diffusers.folders import fingerprint
from editloop.models.diffusers.sizes import back_to, fit_area, to_pil
from editloop.models.miniatures import build_miniature


@given(
    width=st.integers(64, 4096),
    height=st.integers(64, 4096),
    pixels=st.sampled_from([256**2, 512**2, 1024**2]),
    multiple=st.sampled_from([2, 16, 32]),
)
def test_working_sizes_keep_area_and_shape(
    width: int, height: int, pixels: int, multiple: int
) -> None:
    wide, high = fit_area(width, height, pixels, multiple)
    assert wide % multiple == high % multiple == 0
    assert wide > 0 < high
    assert wide * high <= pixels * 1.01 or min(wide, high) == multiple
    ideal_wide, ideal_high = (pixels * width / height) ** 0.5, (pixels * height / width) ** 0.5
    assert abs(wide - ideal_wide) <= multiple or wide == multiple
    assert abs(high - ideal_high) <= multiple or high == multiple


def test_kontext_takes_the_shapes_it_was_trained_on() -> None:
    pipeline = build_miniature("kontext")
    wide = np.zeros((600, 1000, 3), np.uint8)
    assert kontext_size(pipeline, wide, Kontext.defaults) == (1328, 800)
    smaller = Kontext.defaults.model_copy(update={"pixels": 512 * 512})
    assert kontext_size(pipeline, wide, smaller) == fit_area(1000, 600, 512 * 512, 4)


def test_pictures_of_the_right_size_are_left_alone() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(back_to(picture, picture), picture)
    np.testing.assert_array_equal(np.asarray(to_pil(picture)), picture)
    assert back_to(picture, np.zeros((40, 10, 3), np.uint8)).shape == (40, 10, 3)


@pytest.mark.parametrize("place", [0, 500, 999])
def test_large_files_count_by_size_beginning_middle_and_end(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "SAMPLED_FROM_BYTES", 100)
    monkeypatch.setattr(folders, "SAMPLE_BYTES", 10)
    weights = tmp_path / "model.safetensors"
    data = bytearray(1000)
    weights.write_bytes(data)
    before = fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("words change nothing")
    assert fingerprint(tmp_path) == before
    data[place] = 1
    weights.write_bytes(data)
    changed = fingerprint(tmp_path)
    assert changed != before
    weights.write_bytes(data + b"1")
    assert fingerprint(tmp_path) not in (before, changed)
