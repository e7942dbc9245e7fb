"""The sample photographs: allowed licences, authors named, and something left without Debian."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import pytest
from PIL import Image

from editloop.core.assets import find_asset
from editloop.models.samples import sample_photos

ROWS = tomllib.loads(
    resources.files("editloop.models").joinpath("samples.toml").read_text("utf-8")
)["photo"]
ALLOWED = {"Public Domain", "CC0-1.0", "CC-BY-2.0"}


def test_every_photograph_may_be_shown_and_says_whose_it_is() -> None:
    assert len(ROWS) >= 36
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["licence"] in ALLOWED
        assert row["author"]
        assert row["url"].startswith("https://")


def test_every_debian_photograph_is_a_file_of_the_asset() -> None:
    listed = {row["file"] for row in ROWS if row["collection"] == "gcompris-qt-data"}
    files = {file.path for file in find_asset("gcompris-photos").files}
    assert {name for name in files if not name.startswith("README.")} == listed


def test_without_debian_the_python_packages_still_give_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("EDITLOOP_ASSETS", str(tmp_path))
    monkeypatch.setenv("EDITLOOP_OFFLINE", "1")
    monkeypatch.delenv("EDITLOOP_ARCHIVES", raising=False)
    photos = sample_photos()
    assert {photo.collection for photo in photos} == {"scikit-image", "scikit-learn"}
    assert [photo.name for photo in photos[:2]] == ["coffee", "astronaut"]
    assert "gcompris-qt-data are left out" in caplog.text
    for photo in photos:
        with Image.open(photo.path) as image:
            assert min(image.size) >= 300


@pytest.mark.weights
def test_the_first_ones_are_varied_and_open() -> None:
    photos = sample_photos(limit=8)
    assert len(photos) == 8
    assert len({photo.author for photo in photos}) == 8
    for photo in photos:
        with Image.open(photo.path) as image:
            image.verify()
