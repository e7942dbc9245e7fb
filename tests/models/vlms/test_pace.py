"""How fast an endpoint is asked that answers "too many requests"."""

from __future__ import annotations

import asyncio
import email.utils
import random
import time

import pytest
from tests.models.vlms.conftest import Connect, Serve
from tests.models.vlms.scripted import Script
from tests.models.vlms.storms import few_at_once, token_bucket

from editloop.models.vlms.limiter import Limiter
from editloop.models.vlms.messages import VlmReply, VlmRequest
from editloop.models.vlms.responses import retry_after


@pytest.mark.parametrize("storm", [token_bucket(200, 20), few_at_once(10)])
def test_a_storm_of_refusals_loses_nothing_and_is_not_answered_by_one(
    serve: Serve, connect: Connect, storm: Script
) -> None:
    """Both endpoints stand 200 calls a second and are met with 64 at once."""
    server = serve(storm)
    model = connect(server, "concurrency=64&backoff=0.2")
    answers = model.ask_many([VlmRequest((f"{n}",), max_tokens=5) for n in range(300)])
    assert all(isinstance(answer, VlmReply) for answer in answers)
    assert len(server.calls) < 2 * 300
    assert model.client.limiter.learned_rate is not None
    assert model.client.limiter.learned_rate > 30


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("editloop.models.vlms.limiter.time.monotonic", clock)
    return clock


def test_a_few_refusals_change_nothing(clock: Clock) -> None:
    limiter = Limiter(64)
    chance = random.Random(0)
    for _ in range(20_000):
        clock.now += 0.002
        if chance.random() < 0.1:
            limiter.refused()
        else:
            limiter.served()
    assert limiter.learned_rate is None or limiter.learned_rate > 300  # of 500


def test_the_pace_falls_with_the_share_of_refusals_and_comes_back(clock: Clock) -> None:
    limiter = Limiter(64)
    asyncio.run(limiter.enter(0))
    for _ in range(40):
        clock.now += 0.01
        limiter.refused()
    first = limiter.learned_rate
    assert first == pytest.approx(50, rel=0.2)  # asked 100 times a second, and never served
    assert first is not None
    for _ in range(110):
        clock.now += 0.01
        limiter.refused()
    assert limiter.learned_rate == pytest.approx(first / 2)
    for _ in range(1000):
        clock.now += 0.01
        limiter.served()
    assert limiter.learned_rate > first
    assert limiter.learned_rate < 2 * 100  # and not beyond what is used


def test_when_to_come_back_is_read_in_every_form() -> None:
    assert retry_after({"Retry-After": "2"}) == 2
    assert retry_after({"Retry-After": "7", "retry-after-ms": "250"}) == 0.25
    soon = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert 28 < retry_after({"Retry-After": soon}) <= 30
    for useless in ({}, {"Retry-After": "soon"}, {"Retry-After": "-3"}, {"retry-after-ms": "x"}):
        assert retry_after(useless) == 0
