"""A small benchmark from the storybook world."""

from __future__ import annotations

from pathlib import Path

import pytest

from editloop.bench.building.storybook import build_storybook


@pytest.fixture(scope="session")
def storybook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of 18 cases, two a type."""
    folder = tmp_path_factory.mktemp("storybook")
    build_storybook(folder, 18, seed=0)
    return folder
