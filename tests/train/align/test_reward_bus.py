from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

from editloop.core.errors import BudgetError, ModelCallError, UsageError
from editloop.judges.base import JudgeRequest
from editloop.models.roles import EditRequest, ModelIdentity, RgbImage
from editloop.records.verdict import Outcome, Verdict
from editloop.train.align.reward_bus import (
    BusConfig,
    FunctionReward,
    JudgeReward,
    RewardBus,
    RewardModel,
    Scores,
)

QUICK = BusConfig(timeout_s=5, retries=2, retry_wait_s=0.01)


def picture(level: int) -> RgbImage:
    return np.full((8, 8, 3), level, np.uint8)


def request() -> EditRequest:
    return EditRequest(picture(0), "brighter", 0)


def scored(
    models: RewardModel | dict[str, RewardModel], levels: Sequence[int], config: BusConfig = QUICK
) -> tuple[list[Scores | None], RewardBus]:
    named = models if isinstance(models, dict) else {"only": models}
    with RewardBus(named, config) as bus:
        images = [picture(level) for level in levels]
        return bus.submit([request()] * len(images), images).result(timeout=20), bus


brightness = FunctionReward(lambda _, image: float(image.mean()))


class Flaky:
    """Fails a number of times, then scores."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.calls = 0
        self._failures, self._error = failures, error

    def score_many(
        self, requests: Sequence[EditRequest], images: Sequence[RgbImage]
    ) -> list[Scores | None]:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return brightness.score_many(requests, images)


def test_scores_come_in_order_and_missing_ones_are_none() -> None:
    choosy = FunctionReward(lambda _, image: None if image.max() > 100 else float(image.mean()))
    found, bus = scored(choosy, [10, 200, 30])
    assert found == [{"overall": 10.0}, None, {"overall": 30.0}]
    assert (bus.counts.scored, bus.counts.missing) == (2, 1)


def test_a_score_that_is_no_number_is_missing_not_zero() -> None:
    found, _ = scored(FunctionReward(lambda *_: float("nan")), [1, 2])
    assert found == [None, None]


def test_a_call_that_fails_is_tried_again() -> None:
    model = Flaky(2, ModelCallError("the endpoint is down"))
    found, bus = scored(model, [5])
    assert found == [{"overall": 5.0}]
    assert (model.calls, bus.counts.retries, bus.counts.failed_calls) == (3, 2, 0)


def test_a_call_that_keeps_failing_masks_its_group() -> None:
    found, bus = scored(Flaky(99, OSError("no route")), [5, 6])
    assert found == [None, None]
    assert bus.counts.failed_calls == 1


@pytest.mark.parametrize("error", [BudgetError("spent"), ZeroDivisionError("a bug")])
def test_what_makes_going_on_pointless_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        scored(Flaky(99, error), [5])


def test_a_judge_that_hangs_is_left_behind() -> None:
    release = threading.Event()

    def hang(*_: object) -> float:
        release.wait(20)
        return 1.0

    started = time.monotonic()
    config = BusConfig(timeout_s=0.05, retries=1, retry_wait_s=0.01)
    found, bus = scored(FunctionReward(hang), [1], config)
    release.set()
    assert found == [None]
    assert bus.counts.failed_calls == 1
    assert time.monotonic() - started < 10


def test_the_same_picture_of_the_same_request_is_scored_once() -> None:
    model = Flaky(0, OSError())
    with RewardBus({"only": model}, QUICK) as bus:
        first = bus.submit([request()], [picture(7)]).result(timeout=20)
        second = bus.submit([request()], [picture(7)]).result(timeout=20)
        other = EditRequest(picture(0), "darker", 0)
        bus.submit([other], [picture(7)]).result(timeout=20)
    assert first == second
    assert model.calls == 2
    assert bus.counts.cached == 1


def test_several_judges_keep_their_names_and_one_missing_masks_the_sample() -> None:
    half = FunctionReward(lambda _, image: None if image.max() > 100 else {"style": 1.0})
    found, _ = scored({"light": brightness, "style": half}, [10, 200])
    assert found == [{"light/overall": 10.0, "style/style": 1.0}, None]


def test_a_model_that_gives_too_few_scores_is_an_error() -> None:
    class Short:
        def score_many(self, requests: object, images: object) -> list[Scores | None]:
            return []

    with pytest.raises(UsageError, match="0 scores for 1 images"):
        scored(Short(), [1])


def test_groups_are_scored_while_the_caller_goes_on() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def wait_for_caller(*_: object) -> float:
        asked.set()
        return 1.0 if go_on.wait(20) else 0.0

    with RewardBus({"only": FunctionReward(wait_for_caller)}, QUICK) as bus:
        future = bus.submit([request()], [picture(1)])
        assert asked.wait(20)  # the judge is at work and the caller is here
        assert not future.done()
        go_on.set()
        assert future.result(timeout=20) == [{"overall": 1.0}]


class ToyJudge:
    """Scores brightness on 1..5 and refuses black pictures."""

    identity = ModelIdentity("toy", "1")
    reject_reasons = ()

    def judge(self, request: JudgeRequest) -> Verdict:
        if request.edited.max() == 0:
            return Verdict(judge="toy", judge_version="1", scale=(1, 5), outcome=Outcome.REFUSED)
        light = 1 + 4 * float(request.edited.mean()) / 255
        return Verdict(
            judge="toy", judge_version="1", scale=(1, 5), axes={"light": light, "calm": 5.0}
        )


def test_a_judge_becomes_a_reward_with_its_axes_and_scale() -> None:
    model = JudgeReward(ToyJudge())
    assert model.scale is None
    found, _ = scored(model, [255, 0])
    assert found == [{"light": 5.0, "calm": 5.0, "overall": 5.0}, None]
    assert model.scale == (1, 5)


def test_a_judge_that_takes_several_triplets_is_asked_once() -> None:
    class Together(ToyJudge):
        calls = 0

        def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
            self.calls += 1
            return [self.judge(request) for request in requests]

    judge = Together()
    found, _ = scored(JudgeReward(judge), [10, 0, 30])
    assert judge.calls == 1
    assert [scores is None for scores in found] == [False, True, False]


@contextmanager
def threads_counted() -> Iterator[list[int]]:
    counts = [threading.active_count()]
    yield counts
    counts.append(threading.active_count())


def test_closing_ends_the_thread() -> None:
    with threads_counted() as counts:
        scored(brightness, [1])
    assert counts[1] <= counts[0]
