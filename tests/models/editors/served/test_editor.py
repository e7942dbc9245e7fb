"""Against an endpoint that misbehaves: no picture lost, none paid twice, refusals told apart from trouble."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from PIL import Image
from tests.models.editors.served.scripted import EditServer, invert, moderated, picture, pictures
from tests.models.vlms.scripted import Call, Script, hang_up, refuse

from editloop.core.errors import (
    BadInputError,
    BudgetError,
    ConfigError,
    ModelCallError,
    PrerequisiteError,
    UsageError,
)
from editloop.models import load_model
from editloop.models.editors.served.editor import ServedEditor
from editloop.models.roles import EditRequest, EditResult, WaitingEditor

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
Serve = Callable[..., tuple[EditServer, Callable[..., ServedEditor]]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a scripted endpoint; gives it and what opens an editor of it."""
    servers: list[EditServer] = []
    editors: list[ServedEditor] = []

    def start(script: Script) -> tuple[EditServer, Callable[..., ServedEditor]]:
        server = EditServer(script)
        servers.append(server)

        def connect(options: str = "") -> ServedEditor:
            cache = tmp_path / "calls.sqlite"
            spec = f"painter@{server.url}?backoff=0.01&cache={cache}&{options}"
            editors.append(ServedEditor(spec))
            return editors[-1]

        return server, connect

    yield start
    for editor in editors:
        editor.close()
    for server in servers:
        server.close()


def asks(count: int, **more: Any) -> list[EditRequest]:
    return [EditRequest(IMAGE, f"edit {number}", seed=number, **more) for number in range(count)]


def test_what_is_posted_is_what_the_api_asks_for(serve: Serve) -> None:
    server, connect = serve(invert)
    mask = np.zeros(IMAGE.shape[:2], np.bool_)
    mask[:5] = True
    reference = IMAGE[:8, :8].copy()
    asked = EditRequest(IMAGE, "make it red", 7, mask=mask, references=(reference,), context=("everything new must be red", "add a ball"))  # fmt: skip
    editor = connect("picture_quality=low&fidelity=high&size=source&send_seed=true")
    assert isinstance(editor, WaitingEditor)
    result = editor.edit(asked)
    assert np.array_equal(result.image, 255 - IMAGE)
    (call,) = server.calls
    sent, files = pictures(call), call.body.pop("files")
    assert call.body.pop("prompt").splitlines() == [
        "Earlier in this conversation you were told, in this order:",
        "1. everything new must be red",
        "2. add a ball",
        "The first image is the latest result. Now do this: make it red",
    ]
    assert call.body == {"model": "painter", "n": "1", "size": "32x24", "quality": "low", "input_fidelity": "high", "seed": "7"}  # fmt: skip
    assert [(name, kind) for name, _, kind, _ in files] == [
        ("image[]", "image/png"),
        ("image[]", "image/png"),
        ("mask", "image/png"),
    ]
    assert all(np.array_equal(*pair) for pair in zip(sent, (IMAGE, reference), strict=True))  # fmt: skip
    alpha = np.asarray(Image.open(io.BytesIO(files[2][3])))[..., 3]
    assert np.array_equal(alpha == 0, mask), "transparent where the edit may change something"


def test_little_is_sent_unasked(serve: Serve) -> None:
    server, connect = serve(invert)
    connect("size=none&image_field=image&context=none").edit(
        EditRequest(IMAGE, "now", 0, context=("before",))
    )
    body = server.calls[0].body
    assert [name for name, *_ in body.pop("files")] == ["image"]
    assert body == {"model": "painter", "prompt": "now", "n": "1"}


def test_equal_edits_are_paid_once_and_another_seed_is_asked_anew(
    serve: Serve, tmp_path: Path
) -> None:
    server, connect = serve(invert)
    first = connect().edit_many(asks(5))
    again = connect("max_calls=0").edit_many(asks(5))
    assert len(server.calls) == 5
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one.image, two.image)
        assert one.facts == two.facts
    connect().edit_many([EditRequest(IMAGE, "edit 0", seed=99)])
    assert len(server.calls) == 6
    other = IMAGE.copy()
    other[0, 0, 0] ^= 1
    shaped = [
        EditRequest(other, "edit 0", 0),
        EditRequest(IMAGE, "edit 0", 0, references=(other,)),
        EditRequest(IMAGE, "edit 0", 0, mask=np.ones(IMAGE.shape[:2], np.bool_)),
        EditRequest(IMAGE, "edit 0", 0, context=("said",)),
    ]
    connect().edit_many(shaped)
    assert len(server.calls) == 10
    database = (tmp_path / "calls.sqlite").read_bytes()
    assert b"iVBOR" not in database, "pictures lie beside the file of replies, not in it"


def test_a_lost_or_damaged_picture_is_asked_for_again(serve: Serve, tmp_path: Path) -> None:
    server, connect = serve(invert)
    connect().edit_many(asks(2))
    files = sorted(path for path in (tmp_path / "calls.sqlite.pictures").rglob("*") if path.is_file())  # fmt: skip
    assert len(files) == 1, "two equal pictures are one file"
    files[0].write_bytes(b"damaged")
    with pytest.raises(ModelCallError, match="replay-only"):
        connect("mode=replay-only").edit(asks(1)[0])
    connect().edit_many(asks(2))
    assert len(server.calls) == 4, "both replies named it"
    assert np.array_equal(connect("mode=replay-only").edit(asks(1)[0]).image, 255 - IMAGE)


@pytest.mark.parametrize("code", ["moderation_blocked", "content_policy_violation"])
def test_a_refusal_is_an_answer_kept_and_told_with_its_words(serve: Serve, code: str) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return refuse(400, "not allowed by our policy", code=code)

    server, connect = serve(script)
    for _ in range(2):
        with pytest.raises(BadInputError, match="refused: not allowed by our policy"):
            connect().edit(asks(1)[0])
    assert len(server.calls) == 1


async def other_address(call: Call) -> web.StreamResponse:
    return web.json_response({"data": [{"url": "http://127.0.0.1:1/picture.png"}]})


async def no_picture(call: Call) -> web.StreamResponse:
    return web.json_response({"data": [{"b64_json": base64.b64encode(b"<html>").decode()}]})


async def bad_base64(call: Call) -> web.StreamResponse:
    return web.json_response({"data": [{"b64_json": "not base64!"}]})


async def nothing(call: Call) -> web.StreamResponse:
    return web.json_response({"data": []})


async def bad_request(call: Call) -> web.StreamResponse:
    return refuse(400, "unknown parameter size")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (other_address, "add response_format=b64_json"),
        (no_picture, "no usable picture"),
        (bad_base64, "damaged base64"),
        (nothing, "without a picture"),
        (bad_request, "unknown parameter size"),
    ],
)
def test_a_whole_answer_without_a_picture_is_not_paid_for_again(
    serve: Serve, wrong: Script, told: str
) -> None:
    broken = True

    async def script(call: Call) -> web.StreamResponse:
        return await (wrong if broken else invert)(call)

    server, connect = serve(script)
    editor = connect()
    with pytest.raises(ModelCallError, match=told):
        editor.edit(asks(1)[0])
    assert len(server.calls) == 1
    broken = False
    editor.edit(asks(1)[0])  # nothing of it was kept


async def half_body(call: Call) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = 100_000
    await response.prepare(call.request)
    await response.write(b'{"data": [{"b64_json": "iVBOR')
    return await hang_up(call)


async def whole_but_cut(call: Call) -> web.StreamResponse:
    return web.Response(text='{"data": [{"b64_json": "iVBOR', content_type="application/json")


async def a_page(call: Call) -> web.StreamResponse:
    return web.Response(text="<html>502 Bad Gateway</html>", content_type="text/html")


async def hang(call: Call) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def throttle(call: Call) -> web.StreamResponse:
    return refuse(429, "slow down", {"Retry-After": "0.05"})


async def overloaded(call: Call) -> web.StreamResponse:
    return refuse(503)


@pytest.mark.parametrize(
    "trouble", [half_body, whole_but_cut, a_page, hang, throttle, overloaded, hang_up]
)
def test_passing_trouble_is_tried_again(serve: Serve, trouble: Script) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return await (invert(call) if call.number >= 2 else trouble(call))

    server, connect = serve(script)
    editor = connect("timeout=0.5")
    assert np.array_equal(editor.edit(asks(1)[0]).image, 255 - IMAGE)
    assert len(server.calls) == 3
    first, second = (call.body["files"][0][3] for call in server.calls[:2])
    assert first == second


def test_many_at_once_and_one_failure_costs_the_others_nothing(serve: Serve) -> None:
    async def script(call: Call) -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return refuse(400, "too long") if call.body["prompt"] == "edit 3" else await invert(call)

    server, connect = serve(script)
    editor = connect("concurrency=6")
    with pytest.raises(ModelCallError, match="too long"):
        editor.edit_many(asks(18))
    assert server.peak == 6
    assert len(server.calls) == 18
    editor.edit_many([one for one in asks(18) if one.seed != 3])
    assert len(server.calls) == 18


def test_calls_from_loops_of_others_share_one_client(serve: Serve) -> None:
    server, connect = serve(invert)
    editor = connect()

    async def all_of_them() -> list[EditResult]:
        return await asyncio.gather(*map(editor.edit_async, asks(8)))

    assert len(asyncio.run(all_of_them())) == 8
    assert len(server.calls) == 8


def test_stopping_waits_for_what_was_sent_and_sends_nothing_more(serve: Serve) -> None:
    async def slow(call: Call) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return await invert(call)

    server, connect = serve(slow)
    editor = connect("concurrency=2")

    async def interrupted() -> None:
        edits = asyncio.gather(*map(editor.edit_async, asks(12)))
        while len(server.calls) < 2:
            await asyncio.sleep(0.01)
        edits.cancel()
        await edits

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    editor.close()
    assert len(server.calls) == 2
    connect("mode=replay-only").edit_many(asks(2))


def test_another_size_is_recorded_and_scaled_to_the_source(serve: Serve) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return picture(np.full((64, 48, 3), 9, np.uint8))

    _, connect = serve(script)
    scaled = connect().edit(asks(1)[0])
    assert scaled.image.shape == IMAGE.shape
    assert (scaled.facts["returned_width"], scaled.facts["returned_height"]) == (48, 64)
    as_it_came = connect("result_size=as_returned").edit(asks(1)[0])
    assert as_it_came.image.shape == (64, 48, 3)


def test_money_is_counted_by_the_users_prices_and_capped(serve: Serve) -> None:
    server, connect = serve(invert)
    editor = connect("edit_usd=0.04&max_usd=0.1")
    with pytest.raises(BudgetError, match="cost_usd"):
        editor.edit_many(asks(5))
    assert len(server.calls) == 2
    assert editor.client.cache.spent.cost_usd == pytest.approx(0.08)
    by_token = connect("input_usd=10&output_usd=40").edit(asks(1)[0])
    assert by_token.facts["cost_usd"] == pytest.approx((300 * 10 + 1000 * 40) / 1e6)
    assert "cost_usd" not in connect().edit(asks(1)[0]).facts


@pytest.mark.parametrize("key", ["sk-very-secret-0123456789", "EMPTY"])
def test_a_key_is_kept_nowhere_and_a_dummy_changes_nothing(
    serve: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    key: str,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    words = f"the cup stays {key}"

    async def telltale(call: Call) -> web.StreamResponse:
        assert call.headers["Authorization"] == f"Bearer {key}"
        if call.body["prompt"] == "edit 0":
            return refuse(400, f"you sent Bearer {key}")
        if call.body["prompt"] == "edit 1":
            return moderated(f"refused for {key}")
        return picture(IMAGE, revised_prompt=words)

    _, connect = serve(telltale)
    editor = connect("attempts=2")
    said = []
    for request in asks(2):
        with pytest.raises((ModelCallError, BadInputError)) as caught:
            editor.edit(request)
        said.append(str(caught.value))
    editor.edit(asks(3)[2])
    editor.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    if key == "EMPTY":
        assert json.dumps(words)[1:-1].encode() in kept, "a dummy key is a word like any other"
        assert key not in said[0]
    else:
        assert key.encode() not in kept
        assert all(key not in text for text in [*said, repr(editor), repr(vars(editor)), caplog.text])  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "error", "told"),
    [
        ("openai:", UsageError, "names no model"),
        ("openai:m?sise=1x1", ConfigError, "size"),
        ("openai:m?size=big", ConfigError, "size"),
        ("openai:m?max_usd=1", ConfigError, "needs a price"),
        ("openai:m?edit_usd=1&input_usd=1&output_usd=1", ConfigError, "give one of them"),
    ],
)
def test_mistakes_in_a_spec_are_named(spec: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        load_model("editor", spec)


def test_a_key_is_needed_at_the_providers_own_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    editor = load_model("editor", f"openai:gpt-image-1?cache={tmp_path / 'c.sqlite'}")
    with pytest.raises(PrerequisiteError, match="OPENAI_API_KEY"):
        editor.edit(asks(1)[0])


def test_the_version_follows_what_shapes_a_picture() -> None:
    def version(options: str) -> str:
        return load_model("editor", f"openai:m@http://127.0.0.1:1/v1?{options}").identity.version

    same = {version(""), version("max_calls=3"), version("concurrency=2&timeout=3")}
    assert len(same) == 1
    others = {version(one) for one in ("size=source", "picture_quality=low", "revision=two", "context=none", "result_size=as_returned", "image=jpeg")}  # fmt: skip
    assert len(others | same) == 7
