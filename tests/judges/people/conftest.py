"""A judge by name that looks at little pictures."""

from __future__ import annotations

import pytest
from tests.judges.pictures import EdgeQuality, PaintDetector, PaintTagger

from editloop.judges.evidence import EvidenceJudge
from editloop.judges.registry import JUDGES


@pytest.fixture
def paint_judge(monkeypatch: pytest.MonkeyPatch) -> str:
    """Spec of the evidence judge on the little models."""
    monkeypatch.setitem(
        JUDGES._entries,
        "test:paint",
        lambda: EvidenceJudge(PaintDetector(), PaintTagger(), EdgeQuality()),
    )
    return "test:paint"
