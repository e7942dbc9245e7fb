"""A cache of its own for every test, and a folder for archives fetched elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; no network, whatever a test does."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDITLOOP_ASSETS", str(folder))
    monkeypatch.setenv("EDITLOOP_OFFLINE", "1")
    monkeypatch.delenv("EDITLOOP_ARCHIVES", raising=False)
    return folder


@pytest.fixture
def at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], Path]:
    """Puts archives into the folder for machines without a network."""
    folder = tmp_path / "archives"
    folder.mkdir()
    monkeypatch.setenv("EDITLOOP_ARCHIVES", str(folder))

    def put(name: str, data: bytes) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return put
