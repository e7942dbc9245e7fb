"""The storybook judge as a judge, on a network of toy size."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from tests.models.storybook.judges import SHAPE, write_toy_judge

from editloop.core.errors import UsageError
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.calibrate.described import DescribingJudge
from editloop.judges.calibrate.judge import CalibratedJudge
from editloop.judges.calibrate.learning_curve import LabelledSet, calibrate
from editloop.judges.registry import JUDGES
from editloop.judges.storybook import StorybookJudge
from editloop.judges.storybook.sentences import failure_sentence
from editloop.records.verdict import Outcome
from editloop.world.corruptors import FLAWS
from editloop.world.grammar import vocabulary
from editloop.world.oracle import FAILURE_WORDS, FAILURES


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> StorybookJudge:
    return StorybookJudge("toy", write_toy_judge(tmp_path_factory.mktemp("weights")))


def request(seed: int, instruction: str = "make the ball red") -> JudgeRequest:
    source, edited = np.random.default_rng(seed).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    return JudgeRequest(source, instruction, edited)


def test_it_is_a_judge_that_describes(judge: StorybookJudge) -> None:
    assert isinstance(judge, Judge)
    assert isinstance(judge, DescribingJudge)


def test_a_verdict_carries_scores_and_what_is_wrong(judge: StorybookJudge) -> None:
    verdict = judge.judge(request(0))
    assert verdict.outcome is Outcome.SCORED
    assert set(verdict.axes) == {"instruction", "preservation", "quality"}
    assert 1.0 <= verdict.evidence["overall"] <= 5.0
    if verdict.accepted:
        assert (verdict.text, verdict.reject_reason) == ("none", None)
    else:
        assert verdict.reject_reason in SHAPE.failures
        assert verdict.text == failure_sentence(str(verdict.reject_reason))


def test_one_by_one_and_all_at_once_agree(judge: StorybookJudge) -> None:
    requests = [request(seed, "red " * (1 + seed)) for seed in range(4)]
    for one, alone in zip(judge.score_many(requests), map(judge.judge, requests), strict=True):
        assert one.reject_reason == alone.reject_reason
        assert one.axes == pytest.approx(alone.axes, abs=1e-5)


def test_the_array_path_gives_the_axes_of_the_verdicts(judge: StorybookJudge) -> None:
    requests = [request(seed) for seed in range(3)]
    scores = judge.expected_scores(
        np.stack([one.source for one in requests]),
        np.stack([one.edited for one in requests]),
        [one.instruction for one in requests],
    )
    axes = [list(verdict.axes.values()) for verdict in judge.score_many(requests)]
    np.testing.assert_allclose(scores, axes, atol=1e-5)


def test_what_cannot_be_read_is_a_failed_verdict_beside_good_ones(judge: StorybookJudge) -> None:
    grey = JudgeRequest(np.zeros((32, 32), np.uint8), "red", np.zeros((32, 32, 3), np.uint8))
    empty = JudgeRequest(np.zeros((0, 0, 3), np.uint8), "red", np.zeros((32, 32, 3), np.uint8))
    verdicts = judge.score_many([request(0), grey, request(1), empty])
    outcomes = [verdict.outcome for verdict in verdicts]
    assert outcomes == [Outcome.SCORED, Outcome.FAILED, Outcome.SCORED, Outcome.FAILED]
    assert verdicts[1].reject_reason in judge.reject_reasons
    assert "(32, 32)" in verdicts[1].text


def test_every_failure_has_a_sentence_of_known_words() -> None:
    known = {*vocabulary(), *FAILURE_WORDS}
    for code in (*FAILURES, *FLAWS):
        assert set(failure_sentence(code).split()) <= known, code


def test_a_calibrated_judge_moves_the_scores_and_keeps_the_rest(judge: StorybookJudge) -> None:
    requests = [request(seed) for seed in range(30)]
    described = judge.describe(requests)
    answers = ("instruction", "preservation", "quality", "overall")
    people = np.stack([described.column(answer) for answer in answers], 1) - 0.5
    labelled = LabelledSet(described, people, answers, tuple(map(str, range(30))))
    identity = judge.identity
    fitted = calibrate(labelled, identity.name, identity.version)
    calibrated = CalibratedJudge("world:other", judge, fitted)
    before, after = judge.judge(request(99)), calibrated.judge(request(99))
    assert after.judge == "world:other"
    assert (after.text, after.reject_reason) == (before.text, before.reject_reason)
    for axis, score in after.axes.items():
        assert score == pytest.approx(max(1.0, before.axes[axis] - 0.5), abs=0.05)
    assert after.evidence["overall"] < before.evidence["overall"]
    assert calibrated.identity.version != identity.version
    with pytest.raises(UsageError, match="fit it anew"):
        CalibratedJudge("world:other", judge, fitted.model_copy(update={"judge_version": "0"}))


def test_the_judges_are_known_by_name_and_light_to_import() -> None:
    names = {"base-scorer", "calibrated-scorer", "tiny-judge", "held-out-judge"}
    assert {f"world:{name}" for name in names} <= set(JUDGES)
    code = "import sys, editloop.judges.storybook; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
