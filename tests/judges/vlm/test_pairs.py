from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from aiohttp import web
from PIL import Image
from tests.models.vlms.conftest import Connect, Serve
from tests.models.vlms.scripted import Call, answer

from editloop.judges.panel import flip_rate, rank_from_pairs, win_rates
from editloop.judges.parsing import Vote
from editloop.judges.vlm import PairJudge, PairRequest
from editloop.records.verdict import Outcome


def pair(first: int, second: int) -> PairRequest:
    source, one, two = (np.full((8, 8, 3), shade, np.uint8) for shade in (40, first, second))
    return PairRequest(source, "make it brighter", one, two)


def brighter(call: Call) -> web.StreamResponse:
    """Prefers the brighter edit, whatever its place."""
    urls = [
        part["image_url"]["url"]
        for part in call.body["messages"][-1]["content"]
        if part["type"] == "image_url"
    ]
    first, second = (_shade(url) for url in urls[1:])
    return answer(
        "[[A=B=Good]]" if first == second else f"[[{'A>B' if first > second else 'B>A'}]]"
    )


def _shade(url: str) -> int:
    picture = Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1]))).convert("RGB")
    return int(np.asarray(picture).mean())


def test_both_orders_agree(serve: Serve, connect: Connect) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return brighter(call)

    server = serve(script)
    judge = PairJudge(connect(server))
    votes = [
        verdict.vote for verdict in judge.compare_many([pair(90, 50), pair(50, 90), pair(70, 70)])
    ]
    assert votes == [Vote.FIRST, Vote.SECOND, Vote.TIE]
    assert (
        len(server.calls) == 3
    )  # the second pair is the first one swapped, and equal pictures have one order


def test_a_judge_of_positions_flips_and_ties(serve: Serve, connect: Connect) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return answer("[[A>B]]")

    verdicts = PairJudge(connect(serve(script))).compare_many([pair(90, 50), pair(50, 91)])
    assert {verdict.vote for verdict in verdicts} == {Vote.TIE}
    assert verdicts[0].votes == (Vote.FIRST, Vote.SECOND)
    assert flip_rate(verdicts) == (1.0, 2)


def test_one_unread_order_leaves_the_pair_unscored(serve: Serve, connect: Connect) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return answer("[[A>B]]" if call.number == 0 else "I'm sorry, I can't compare these.")

    verdict = PairJudge(connect(serve(script), "concurrency=1")).compare(pair(90, 50))
    assert (verdict.outcome, verdict.vote, verdict.flipped) == (Outcome.REFUSED, None, None)
    assert len(verdict.raw_replies) == 2


def test_pictures_that_are_none(serve: Serve, connect: Connect) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return answer("[[B>A]]")

    broken = PairRequest(
        np.zeros((8, 8), np.uint8),
        "x",
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((8, 8, 3), np.uint8),
    )
    bad, good = PairJudge(connect(serve(script)), orders="forward").compare_many(
        [broken, pair(1, 2)]
    )
    assert (bad.outcome, good.vote, good.flipped) == (Outcome.FAILED, Vote.SECOND, None)


def test_davidson_recovers_planted_strengths() -> None:
    truth = {"a": 1.0, "b": 0.2, "c": -1.2}
    rng = np.random.default_rng(0)
    battles = []
    for first, second in (("a", "b"), ("b", "c"), ("c", "a")) * 1000:
        p, q = np.exp(truth[first]), np.exp(truth[second])
        tie = 0.8 * np.sqrt(p * q)
        vote = rng.choice(
            [Vote.FIRST, Vote.SECOND, Vote.TIE], p=np.array([p, q, tie]) / (p + q + tie)
        )
        battles.append((first, second, Vote(vote)))
    ranking = rank_from_pairs(battles)
    assert list(ranking.strengths) == ["a", "b", "c"]
    for name, strength in truth.items():
        assert ranking.strengths[name] == pytest.approx(strength, abs=0.12)
    assert ranking.tie == pytest.approx(0.8, abs=0.12)
    assert list(win_rates(battles)) == ["a", "b", "c"]
    assert sum(ranking.elo().values()) == pytest.approx(3000)


def test_who_never_lost_is_not_infinitely_strong() -> None:
    ranking = rank_from_pairs([("a", "b", Vote.FIRST)] * 5)
    assert 0 < ranking.strengths["a"] < 5
    assert win_rates([("a", "b", Vote.TIE), ("a", "b", Vote.BOTH_BAD)]) == {"a": 0.5, "b": 0.5}
