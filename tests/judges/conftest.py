"""The evidence judge on little models that really look at little pictures."""

from __future__ import annotations

import numpy as np
import pytest
from tests.judges.pictures import EdgeQuality, PaintDetector, PaintTagger, textured

from editloop.judges.evidence import EvidenceJudge


@pytest.fixture(scope="session")
def judge() -> EvidenceJudge:
    """The evidence judge on the little models."""
    return EvidenceJudge(PaintDetector(), PaintTagger(), EdgeQuality())


@pytest.fixture(scope="session")
def meadow() -> np.ndarray:
    """An empty meadow."""
    return textured()
