"""Features of little pictures: finite, named by block, and about the right thing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from tests.judges.pictures import EdgeQuality, PaintDetector, PaintTagger, textured, with_thing

from editloop.judges.base import JudgeRequest, WaitingJudge
from editloop.judges.evidence import EvidenceJudge
from editloop.judges.features.extract import BLOCKS, FeatureExtractor
from editloop.judges.features.measuring import JudgeExtractor, MeasuringJudge
from editloop.judges.features.words import word_features
from editloop.judges.intent import read_instruction
from editloop.judges.registry import JUDGES, load_judge
from editloop.models.roles import ModelIdentity
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome, Verdict


class LetterEmbedder:
    """Texts as shares of letters."""

    identity = ModelIdentity("test:letters", "1")

    def embed(self, texts: list[str]) -> np.ndarray:
        counts = np.array(
            [[text.count(letter) for letter in "aeiourst"] for text in texts], np.float32
        )
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    return FeatureExtractor(PaintDetector(), PaintTagger(), EdgeQuality(), LetterEmbedder())


@pytest.fixture(scope="module")
def meadow() -> np.ndarray:
    return textured()


def test_every_block_speaks_of_a_plain_edit(
    extractor: FeatureExtractor, meadow: np.ndarray
) -> None:
    added = with_thing(meadow, "apple", (200, 150))
    _, features = extractor.measure(JudgeRequest(meadow, "add an apple", added))
    assert {name.partition(".")[0] for name in features} == set(BLOCKS)
    assert all(np.isfinite(value) for value in features.values())
    assert features["words.kind_add"] == 1
    assert features["detections.result_best_gain"] > 0.3
    assert features["change.blobs"] == pytest.approx(np.log1p(1))


@pytest.mark.parametrize("shape", [(8, 8), (300, 40), (64, 64)])
def test_odd_edits_are_measured_too(
    extractor: FeatureExtractor, meadow: np.ndarray, shape: tuple[int, int]
) -> None:
    for edited in (meadow, np.zeros((*shape, 3), np.uint8)):
        _, features = extractor.measure(JudgeRequest(meadow, "qwzx!", edited))
        assert all(np.isfinite(value) for value in features.values())


def test_a_measuring_judge_keeps_the_verdict_and_adds_the_features(
    extractor: FeatureExtractor, meadow: np.ndarray
) -> None:
    request = JudgeRequest(meadow, "add an apple", with_thing(meadow, "apple", (200, 150)))
    plain = extractor.judge.judge(request)
    verdict = MeasuringJudge("embedded:evidence", extractor).judge(request)
    assert (verdict.axes, verdict.reasons) == (plain.axes, plain.reasons)
    assert verdict.judge == "features:embedded:evidence"
    assert len(verdict.evidence) > 100


def test_any_judge_can_be_measured(meadow: np.ndarray) -> None:
    judge = EvidenceJudge(PaintDetector(), PaintTagger(), EdgeQuality())
    _, features = JudgeExtractor(judge).measure(JudgeRequest(meadow, "add an apple", meadow))
    assert "scores.instruction" in features
    assert features["words.kind_add"] == 1


def test_words_say_what_kind_of_edit_it_is() -> None:
    found = word_features(read_instruction("make the people smile"))
    assert found["list_expression"] == 1
    assert found["list_people"] == 1
    assert word_features(read_instruction("remove the car"))["kind_remove"] == 1


def test_a_judge_that_waits_is_measured_many_at_once_and_with_the_kind_of_edit(
    monkeypatch: pytest.MonkeyPatch, meadow: np.ndarray
) -> None:
    class Served:
        identity = ModelIdentity("test:served", "1")
        reject_reasons: Sequence[str] = ()
        at_once = 8

        def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
            types = [request.edit_type for request in requests]
            return [
                Verdict(judge="s", judge_version="1", scale=(1, 5), axes={"a": 4.0, "b": 2.0})
                if kind is EditType.ADD
                else Verdict(judge="s", judge_version="1", scale=(1, 5), outcome=Outcome.REFUSED)
                for kind in types
            ]

        def judge(self, request: JudgeRequest) -> Verdict:
            return self.score_many([request])[0]

    monkeypatch.setitem(JUDGES._entries, "test:served", Served)
    judge = load_judge("features:test:served")
    assert isinstance(judge, WaitingJudge)
    assert judge.at_once == 8
    asked = [
        JudgeRequest(meadow, "add an apple", meadow, edit_type=kind)
        for kind in (EditType.ADD, None)
    ]
    scored, refused = judge.score_many(asked)
    assert scored.evidence["scores.a"] == 4.0
    assert scored.judge == "features:test:served"
    assert (refused.outcome, refused.evidence) == (Outcome.REFUSED, {})
