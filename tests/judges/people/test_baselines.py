"""Classical scores on little pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.judges.people.rated import write_rated
from tests.judges.pictures import PaintTagger

from editloop.judges.people.baselines import NAMES, ClassicalJudge, baseline_figures
from editloop.judges.people.bulk import judge_edits
from editloop.judges.registry import JUDGES
from editloop.records.formats.rated_edits import read_rated_edits
from editloop.store.answers import AnswerStore


def test_larger_changes_are_less_like_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JUDGES._entries, "test:classical", lambda: ClassicalJudge(PaintTagger()))
    rated = read_rated_edits(write_rated(tmp_path, count=8))
    judged = judge_edits("test:classical", rated.edits, store=AnswerStore())
    figures = baseline_figures(rated, judged, resamples=20)
    assert set(figures) == set(NAMES)
    # People like the edits the better, the larger the red box is.
    assert figures["ssim"]["overall"].value < -0.9
    assert figures["mae"]["overall"].value < -0.9
    assert figures["changed"]["overall"].value > 0.9
    assert figures["changed"]["quality"].value < -0.9
