"""Small benchmarks in the official layouts, made up for these tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Writer = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    def write(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.write_text(
            content if isinstance(content, str) else json.dumps(content), encoding="utf-8"
        )
        return path

    return write


def case(edit_type: str, image: str = "animal/1.jpg") -> dict[str, str]:
    return {"id": image, "prompt": "Do something.", "edit_type": edit_type}


@pytest.fixture
def imgedit_cases(write: Writer) -> Path:
    content = {str(n): case("add", f"a/{n}.jpg") for n in range(1, 6)}
    content |= {str(n): case("style", f"s/{n // 2}.jpg") for n in range(6, 10)}
    return write("basic_edit.json", content)


def three(first: int, second: int, third: int, labels: str = "add") -> str:
    names = {
        "add": ("Prompt Compliance", "Visual Naturalness", "Physical & Detail Coherence"),
        "style": ("Style Fidelity", "Content Preservation", "Rendering Quality"),
    }[labels]
    scores = "\n".join(
        f"{name}: {score}" for name, score in zip(names, (first, second, third), strict=True)
    )
    return f"Brief reasoning: A short reason.\n{scores}"
