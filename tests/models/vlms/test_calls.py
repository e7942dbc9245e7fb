"""Against an endpoint that misbehaves: nothing lost, nothing paid twice, nothing said that is not so."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from tests.models.vlms.conftest import Connect, Serve
from tests.models.vlms.scripted import Call, Script, answer, completion, hang_up, refuse

from editloop.core.errors import BudgetError, ModelCallError
from editloop.models import load_model
from editloop.models.roles import Vlm
from editloop.models.vlms.messages import ImageEncoding, VlmFinish, VlmReply, VlmRequest
from editloop.models.vlms.openai import OpenAiVlm


def asks(count: int) -> list[VlmRequest]:
    return [VlmRequest((f"question {number}",), max_tokens=20) for number in range(count)]


async def echo(call: Call) -> web.StreamResponse:
    await asyncio.sleep(0.01)
    return answer(f"re: {call.words}")


def texts(answers: list[VlmReply | ModelCallError]) -> list[str]:
    for reply in answers:
        assert isinstance(reply, VlmReply), reply
    return [reply.text for reply in answers if isinstance(reply, VlmReply)]


def test_answers_come_in_order_and_fill_every_place(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    model = connect(server)
    assert isinstance(model, Vlm)
    heard: list[int] = []
    answers = model.ask_many(asks(100), lambda place, _: heard.append(place))
    assert texts(answers) == [f"re: question {number}" for number in range(100)]
    assert sorted(heard) == list(range(100))
    assert server.peak == 16  # every slot is filled, and no more than that
    reply = answers[0]
    assert isinstance(reply, VlmReply)
    assert (reply.input_tokens, reply.output_tokens, reply.cost_usd) == (12, 3, None)
    assert reply.model == "scripted-2026-01-01"
    assert reply.seconds > 0


def test_injected_refusals_and_hang_ups_lose_nothing(serve: Serve, connect: Connect) -> None:
    """Every 10th request is refused for now, every 50th connection breaks."""

    async def faulty(call: Call) -> web.StreamResponse:
        if call.number % 50 == 7:
            return await hang_up(call)
        if call.number % 10 == 3:
            return refuse(429, "slow down", {"Retry-After": "0.05"})
        return await echo(call)

    server = serve(faulty)
    model = connect(server)
    answers = model.ask_many(asks(500))
    assert texts(answers) == [f"re: question {number}" for number in range(500)]
    counts = model.client.counts
    assert counts.throttled >= 50
    assert counts.troubled >= 10
    assert counts.tries == len(server.calls) == 500 + counts.throttled + counts.troubled
    assert texts(connect(server).ask_many(asks(500)))
    assert counts.tries == len(server.calls)  # the rerun asked nothing


def test_a_rerun_and_new_questions(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    connect(server).ask_many(asks(100))
    again = connect(server).ask_many(asks(101))
    assert len(server.calls) == 101
    assert [reply.cached for reply in again if isinstance(reply, VlmReply)] == [True] * 100 + [
        False
    ]


def test_equal_questions_are_asked_once_and_repeats_again(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    model = connect(server)
    model.ask_many([VlmRequest(("same",))] * 20)
    assert len(server.calls) == 1
    model.ask_many([VlmRequest(("same",), sample=number) for number in range(3)])
    assert len(server.calls) == 3


def test_a_budget_stops_cleanly_and_a_rerun_goes_on(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    first = connect(server, "max_calls=30").ask_many(asks(50))
    assert sum(isinstance(reply, VlmReply) for reply in first) == 30
    assert sum(isinstance(reply, BudgetError) for reply in first) == 20
    assert len(server.calls) == 30
    assert len(texts(connect(server).ask_many(asks(50)))) == 50
    assert len(server.calls) == 50


def test_money_is_counted_by_the_users_prices_and_capped(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    prices = "input_usd=1000&output_usd=2000"
    model = connect(server, f"{prices}&max_usd=0.2")
    answers = model.ask_many(asks(50))
    paid = [reply.cost_usd for reply in answers if isinstance(reply, VlmReply)]
    assert paid == [pytest.approx(12 * 0.001 + 3 * 0.002)] * len(paid)
    spent = model.client.cache.spent.cost_usd
    assert spent == pytest.approx(sum(cost or 0 for cost in paid))
    # the cap holds, and all of it is used but what one more call might have cost
    assert 0.2 - 0.06 < spent <= 0.2


@pytest.mark.parametrize(
    ("response", "finish", "text"),
    [
        (lambda: answer("fine"), VlmFinish.STOP, "fine"),
        (lambda: answer("Score: 4, bec", "length"), VlmFinish.LENGTH, "Score: 4, bec"),
        (lambda: answer("", "length"), VlmFinish.LENGTH, ""),
        (lambda: answer(None, message={"refusal": "I can't"}), VlmFinish.REFUSAL, ""),
        (lambda: answer("half", "content_filter"), VlmFinish.FILTERED, "half"),
        (
            lambda: refuse(400, "filtered by policy", code="content_filter"),
            VlmFinish.FILTERED,
            "",
        ),
        (lambda: answer(""), VlmFinish.EMPTY, ""),
        (lambda: answer(None), VlmFinish.EMPTY, ""),
        (
            lambda: answer(None, message={"content": [{"type": "text", "text": "in parts"}]}),
            VlmFinish.STOP,
            "in parts",
        ),
    ],
)
def test_how_an_answer_ended_is_told_apart_and_kept(
    serve: Serve, connect: Connect, response: object, finish: VlmFinish, text: str
) -> None:
    async def script(call: Call) -> web.StreamResponse:
        assert callable(response)
        made: web.StreamResponse = response()
        return made

    server = serve(script)
    model = connect(server)
    for cached in (False, True):
        (reply,) = model.ask_many(asks(1))
        assert isinstance(reply, VlmReply)
        assert (reply.finish, reply.text, reply.cached) == (finish, text, cached)
        assert (reply.refusal is not None) == (
            finish is VlmFinish.REFUSAL or reply.raw.startswith('{"error')
        )
    assert len(server.calls) == 1


async def malformed(call: Call) -> web.StreamResponse:
    return web.Response(text='{"choices": [{"mess', content_type="application/json")


async def overloaded(call: Call) -> web.StreamResponse:
    return refuse(503)


async def no_choices(call: Call) -> web.StreamResponse:
    return web.json_response({"choices": []})


async def another_s_error(call: Call) -> web.StreamResponse:
    return web.json_response({"error": {"message": "upstream", "code": 502}})


async def hang(call: Call) -> web.StreamResponse:
    await asyncio.sleep(30)
    return answer("too late")


async def slow_body(call: Call) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(call.request)
    await response.write(b'{"choices": ')
    await asyncio.sleep(30)
    return response


async def half_body(call: Call) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = 1000
    await response.prepare(call.request)
    await response.write(b'{"choices": ')
    return await hang_up(call)


@pytest.mark.parametrize(
    "trouble",
    [malformed, overloaded, no_choices, another_s_error, hang, hang_up, slow_body, half_body],
)
def test_passing_trouble_is_tried_again(serve: Serve, connect: Connect, trouble: Script) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return await (echo(call) if call.number >= 2 else trouble(call))

    server = serve(script)
    model = connect(server, "timeout=0.3")
    assert texts(model.ask_many(asks(1))) == ["re: question 0"]
    assert len(server.calls) == 3
    assert model.client.counts.troubled == 2


def test_lasting_trouble_is_an_error_with_its_reason_and_not_kept(
    serve: Serve, connect: Connect
) -> None:
    broken = True

    async def script(call: Call) -> web.StreamResponse:
        return refuse(500, "out of memory") if broken else await echo(call)

    server = serve(script)
    model = connect(server, "attempts=3")
    (error,) = model.ask_many(asks(1))
    assert isinstance(error, ModelCallError)
    assert "in 3 tries" in str(error)
    assert "HTTP 500: out of memory" in str(error)
    with pytest.raises(ModelCallError, match="out of memory"):
        asyncio.run(model.ask(asks(1)[0]))
    broken = False
    assert asyncio.run(model.ask(asks(1)[0])).text == "re: question 0"


def test_one_bad_request_costs_the_others_nothing(serve: Serve, connect: Connect) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return refuse(400, "too long") if "question 3" in call.words else await echo(call)

    server = serve(script)
    wrong = VlmRequest((np.zeros((4, 4), np.uint8), "a grey image"))
    answers = connect(server).ask_many([*asks(6), wrong])
    assert [isinstance(reply, VlmReply) for reply in answers] == [True] * 3 + [False] + [
        True
    ] * 2 + [False]
    assert "too long" in str(answers[3])
    assert "expected RGB uint8" in str(answers[6])
    assert len(server.calls) == 6


def test_an_endpoint_that_is_gone_is_not_asked_a_thousand_times(
    serve: Serve, connect: Connect
) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return refuse(502, "bad gateway")

    server = serve(script)
    answers = connect(server, "attempts=2").ask_many(asks(1000))
    assert all(isinstance(reply, ModelCallError) for reply in answers)
    assert "is the endpoint up?" in str(answers[-1])
    assert len(server.calls) < 250
    nobody = OpenAiVlm(
        f"m@http://127.0.0.1:9/v1?attempts=2&backoff=0.01&cache={connect(server).settings.cache}"
    )
    with nobody, pytest.raises(ModelCallError, match="connection broke"):
        asyncio.run(nobody.ask(asks(1)[0]))


def test_replay_only_asks_nobody(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    connect(server).ask_many(asks(1))
    first, second = connect(server, "mode=replay-only").ask_many(asks(2))
    assert isinstance(first, VlmReply)
    assert first.cached
    assert isinstance(second, ModelCallError)
    assert len(server.calls) == 1
    connect(server, "mode=refresh").ask_many(asks(1))
    assert len(server.calls) == 2


def test_what_shapes_a_question_names_its_reply(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    other = image.copy()
    other[0, 0, 0] ^= 1
    variants = [
        VlmRequest((image, "what?")),
        VlmRequest((other, "what?")),
        VlmRequest(("what?", image)),
        VlmRequest((image, "what?"), system="be kind"),
        VlmRequest((image, "what?"), temperature=None),
        VlmRequest((image, "what?"), seed=1),
        VlmRequest((image, "what?"), top_logprobs=5),
        VlmRequest((image, "what?"), encoding=ImageEncoding("jpeg")),
        VlmRequest((image, "what?"), encoding=ImageEncoding("jpeg", quality=75)),
        VlmRequest((image, "what?"), encoding=ImageEncoding(max_side=30)),
        VlmRequest((image, "what?"), json_schema={"type": "object"}),
    ]
    model = connect(server)
    for _ in range(2):
        model.ask_many(variants)
        assert len(server.calls) == len(variants)
    assert len({connect(server, f"image={i}").identity.version for i in ("png", "jpeg")}) == 2
    connect(server, "revision=other-weights").ask_many(variants[:1])
    assert len(server.calls) == len(variants) + 1


def test_a_key_appears_nowhere(
    serve: Serve,
    connect: Connect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key = "sk-very-secret-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)

    async def telltale(call: Call) -> web.StreamResponse:
        assert call.headers["Authorization"] == f"Bearer {key}"
        if "question 0" in call.words:
            return refuse(400, f"you sent Bearer {key}")
        if "question 1" in call.words:
            return refuse(500, f"the key {key} broke us")
        return answer(f"your key is {key}")

    model = connect(serve(telltale), "attempts=2")
    answers = model.ask_many(asks(3))
    model.close()
    said = [repr(answers), *map(str, answers), repr(model), repr(vars(model)), caplog.text]
    for error in answers[:2]:
        assert isinstance(error, ModelCallError)
        assert error.__cause__ is None
    assert all(key not in words for words in said)
    assert all(
        key.encode() not in file.read_bytes() for file in tmp_path.iterdir() if file.is_file()
    )


def test_a_wrong_key_ends_it_at_once(serve: Serve, connect: Connect) -> None:
    async def script(call: Call) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return refuse(401, "Incorrect API key provided")

    server = serve(script)
    answers = connect(server).ask_many(asks(200))
    assert all("OPENAI_API_KEY" in str(error) for error in answers)
    assert len(server.calls) <= 16


def test_calls_from_many_threads_and_loops_share_one_client(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    model = connect(server)

    async def both() -> list[VlmReply]:
        return list(await asyncio.gather(*(model.ask(request) for request in asks(40))))

    async def threads() -> list[object]:
        loops = [asyncio.to_thread(asyncio.run, both()) for _ in range(3)]
        return list(await asyncio.gather(*loops))

    assert len(asyncio.run(threads())) == 3
    assert len(server.calls) == 40


def test_limits_of_the_user_are_kept(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    started = time.monotonic()
    connect(server, "requests_per_minute=1200").ask_many(asks(140))
    # 20 a second, and 5 seconds of them at once
    assert 1.5 < time.monotonic() - started < 6


def test_the_spec_reaches_the_registry(tmp_path: Path) -> None:
    model = load_model("vlm", f"openai:m@http://127.0.0.1:1/v1?cache={tmp_path / 'c'}")
    assert model.identity.name == "openai:m@http://127.0.0.1:1/v1"


def test_the_body_is_what_the_protocol_says(serve: Serve, connect: Connect) -> None:
    async def script(call: Call) -> web.StreamResponse:
        logprobs = {
            "content": [
                {
                    "token": "4",
                    "logprob": -0.1,
                    "top_logprobs": [
                        {"token": "4", "logprob": -0.1},
                        {"token": "5", "logprob": -2.5},
                    ],
                }
            ]
        }
        return web.json_response(completion("4", logprobs=logprobs))

    server = serve(script)
    image = np.full((30, 20, 3), 200, np.uint8)
    (reply,) = connect(server, "length_field=max_completion_tokens&detail=low").ask_many(
        [VlmRequest(("before", image, "after"), system="s", seed=3, max_tokens=9, top_logprobs=2)]
    )
    assert isinstance(reply, VlmReply)
    assert reply.tokens[0].top == (("4", -0.1), ("5", -2.5))
    body = server.calls[0].body
    url = body["messages"][1]["content"][1]["image_url"].pop("url")
    assert url.startswith("data:image/png;base64,iVBOR")
    assert body == {
        "model": "scripted",
        "messages": [
            {"role": "system", "content": "s"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "before"},
                    {"type": "image_url", "image_url": {"detail": "low"}},
                    {"type": "text", "text": "after"},
                ],
            },
        ],
        "max_completion_tokens": 9,
        "temperature": 0.0,
        "seed": 3,
        "logprobs": True,
        "top_logprobs": 2,
    }


def test_stopping_early_keeps_what_was_answered(serve: Serve, connect: Connect) -> None:
    server = serve(echo)
    model = connect(server, "concurrency=4")

    def enough(place: int, _: object) -> None:
        if place == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.ask_many(asks(500), enough)
    model.close()
    sent = len(server.calls)
    assert 20 < sent < 400
    assert len(texts(connect(server).ask_many(asks(500)))) == 500
    assert len(server.calls) == 500  # nothing was asked twice


def test_places_of_calls_that_pause_are_used_by_others(serve: Serve, connect: Connect) -> None:
    async def script(call: Call) -> web.StreamResponse:
        if int(call.words.split()[1]) < 4 and call.number < 20:
            return refuse(429, "later", {"Retry-After": "0.5"})
        return await echo(call)

    server = serve(script)
    heard: list[int] = []
    started = time.monotonic()
    connect(server, "concurrency=4").ask_many(asks(12), lambda place, _: heard.append(place))
    assert set(heard[:4]) <= set(range(4, 12))
    assert time.monotonic() - started < 30
