"""Probes on little pictures: what each does, and what is counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.judges.people.rated import write_rated

from editloop.judges.base import JudgeRequest
from editloop.judges.probes.run import run_probes, tenths
from editloop.judges.probes.variants import PLEA, VARIANTS
from editloop.judges.registry import JUDGES
from editloop.models.roles import ModelIdentity
from editloop.records.formats.rated_edits import read_rated_edits
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome, Verdict
from editloop.store.answers import AnswerStore


class RednessJudge:
    """Scores how much redder the picture became, falls for pleas in words, cannot score black pictures."""

    identity = ModelIdentity("test:redness", "1")
    reject_reasons: Sequence[str] = ()

    def judge(self, request: JudgeRequest) -> Verdict:
        if not request.edited.any():
            return Verdict(judge="r", judge_version="1", scale=(0, 1), outcome=Outcome.REFUSED)
        gain = (request.edited[..., 0].astype(float) - request.source[..., 0]).mean()
        score = 1.0 if "perfect" in request.instruction else float(np.clip(0.5 + gain / 400, 0, 1))
        return Verdict(judge="r", judge_version="1", scale=(0, 1), axes={"overall": score})


@pytest.fixture
def redness(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(JUDGES._entries, "test:redness", RednessJudge)
    return "test:redness"


def test_each_probe_is_counted_with_its_expectation(tmp_path: Path, redness: str) -> None:
    edits = read_rated_edits(write_rated(tmp_path, count=8)).edits
    (tmp_path / "probes").mkdir()
    store = AnswerStore()
    report = run_probes(redness, edits, tmp_path / "probes", store=store, count=4, shown=1)
    results = {result.variant.name: result for result in report.results}
    assert set(results) == set(VARIANTS)
    assert (results["sham"].n, results["sham"].passed) == (4, 4)
    assert results["plea_in_instruction"].passed == 0
    assert (results["black"].n, results["black"].asked) == (0, 4)
    assert results["black"].share is None
    assert results["swapped"].mean_change is not None
    assert results["swapped"].mean_change < 0
    (shown,) = report.shown
    assert len(shown[2]) == len(
        VARIANTS
    )  # the untouched one too, but all instructions are the same
    assert (results["other_instruction"].n, results["other_instruction"].asked) == (0, 4)


def test_one_photograph_alone_is_not_compared_with_itself(tmp_path: Path, redness: str) -> None:
    edits = read_rated_edits(write_rated(tmp_path, count=2)).edits
    (tmp_path / "probes").mkdir()
    report = run_probes(redness, edits, tmp_path / "probes", store=AnswerStore(), count=4)
    results = {result.variant.name: result for result in report.results}
    assert results["other_image"].n == results["other_instruction"].n == 0
    assert results["sham"].n == 1


def test_probes_are_asked_with_the_kind_and_the_dialogue_of_their_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[JudgeRequest] = []

    class Listening(RednessJudge):
        at_once = 4

        def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
            seen.extend(requests)
            return [self.judge(request) for request in requests]

    monkeypatch.setitem(JUDGES._entries, "test:listening", Listening)
    path = write_rated(tmp_path, count=2)
    rows = [json.loads(line) | {"context": ["add a cat"]} for line in path.read_text().split("\n")]
    path.write_text("\n".join(json.dumps(row | {"edit_type": "add"}) for row in rows))
    (tmp_path / "probes").mkdir()
    edits = read_rated_edits(path).edits
    run_probes("test:listening", edits, tmp_path / "probes", store=AnswerStore(), count=4)
    assert {(one.context, one.edit_type) for one in seen} == {(("add a cat",), EditType.ADD)}


def test_a_missing_image_is_left_out(tmp_path: Path, redness: str) -> None:
    edits = read_rated_edits(write_rated(tmp_path, count=4)).edits
    for edit in edits[:2]:
        edit.edited.unlink()
    (tmp_path / "probes").mkdir()
    report = run_probes(redness, edits, tmp_path / "probes", store=AnswerStore(), count=4)
    assert all(result.asked <= 1 for result in report.results)


def test_every_variant_is_a_triplet_of_its_own() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (120, 160, 3), dtype=np.uint8) for _ in range(4)]
    own = JudgeRequest(images[0], "add a cat", images[1])
    other = JudgeRequest(images[2], "remove the dog", images[3])
    for variant in VARIANTS.values():
        made = variant.make(own, other)
        assert made.edited.dtype == np.uint8
        assert (made.instruction, made.edited.tobytes(), made.source.tobytes()) != (
            own.instruction,
            own.edited.tobytes(),
            own.source.tobytes(),
        )
    assert PLEA.isascii()


def test_scores_are_read_in_tenths_of_the_scale() -> None:
    verdict = Verdict(judge="j", judge_version="1", scale=(1, 5), axes={"a": 3.0})
    assert tenths(verdict) == 5.0
    assert tenths(None) is None
