"""What every test shares: no network, no keys, and a reason for whatever is skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from editloop.core.assets import AssetState, asset_status, catalogue

REPOSITORY = Path(__file__).parents[1]


def pytest_configure() -> None:
    """Keys of model services must not reach a test, and libraries must not look for a hub."""
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        del os.environ[name]
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need weights run where `make weights` has fetched them."""
    marked = [item for item in items if item.get_closest_marker("weights")]
    if not marked:
        return
    absent = [
        asset.name
        for asset in catalogue().values()
        if not asset.optional and asset_status(asset).state is not AssetState.READY
    ]
    if absent:
        skip = pytest.mark.skip(
            reason=f"weights not fetched: {', '.join(absent)} (run: make weights)"
        )
        for item in marked:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Photographs and published samples that are not part of the repository."""
    chosen = os.environ.get("EDITLOOP_SHARED_DATA")
    folder = Path(chosen) if chosen else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data in {folder} (EDITLOOP_SHARED_DATA names the folder)")
    return folder
