"""Miniatures on disk, written once a session, and one thread."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from editloop.models.miniatures import MINIATURES, save_miniature


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name -> folder of every miniature."""
    root = tmp_path_factory.mktemp("miniatures")
    return {name: save_miniature(name, root / name) for name in MINIATURES}
