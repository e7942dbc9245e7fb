"""What is on this machine is told truly, and one command makes it ready."""

from __future__ import annotations

from pathlib import Path

import pytest

from editloop.core.assets import catalogue
from editloop.core.errors import AssetError, UnknownNameError
from editloop.models.doctor import asset_rows, extra_rows
from editloop.models.fetch import fetch_assets


@pytest.fixture
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDITLOOP_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("EDITLOOP_OFFLINE", "1")
    monkeypatch.delenv("EDITLOOP_ARCHIVES", raising=False)
    return tmp_path


def test_an_empty_machine_has_fetched_nothing_but_its_packages(nothing_here: Path) -> None:
    states = {row.name: row.state for row in asset_rows()}
    assert set(catalogue()) < set(states)
    assert {states[name] for name in catalogue()} <= {"not fetched", "unavailable"}
    assert states["wordllama"] == "ready"
    assert not (nothing_here / "assets").exists()


def test_every_row_tells_origin_licence_and_size() -> None:
    for row in asset_rows():
        assert row.origin.startswith("https://")
        assert row.licence
        assert row.size_bytes > 0
        assert row.version


def test_extras_list_their_packages_with_the_installed_version() -> None:
    versions = {(row.extra, row.package): row.version for row in extra_rows()}
    assert versions["photos", "onnxruntime"]
    assert {"photos", "dev", "ray"} <= {extra for extra, _ in versions}


def test_what_cannot_be_fetched_is_an_error_unless_optional(
    nothing_here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(AssetError) as failed:
        fetch_assets(["brisque", "ppocr"])
    assert "brisque" in str(failed.value)
    assert "ppocr" in str(failed.value)
    (row,) = fetch_assets(["gcompris-photos"])
    assert row.state != "ready"
    assert row.reason
    assert "gcompris-photos is left out" in caplog.text
    with pytest.raises(UnknownNameError):
        fetch_assets(["brisk"])


@pytest.mark.weights
def test_what_is_here_already_is_ready_at_once() -> None:
    rows = fetch_assets()
    assert {row.name for row in rows} == set(catalogue())
    assert {row.state for row in rows} == {"ready"}
    assert sum(row.seconds for row in rows) < 5
