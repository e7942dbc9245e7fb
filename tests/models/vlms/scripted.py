"""An OpenAI-compatible endpoint on loopback that misbehaves as it is told; it runs in a thread with its own loop."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Script = Callable[["Call"], Awaitable[web.StreamResponse]]


class Call:
    """One request as the endpoint saw it."""

    def __init__(self, number: int, body: dict[str, Any], request: web.Request) -> None:
        self.number = number
        self.body = body
        self.request = request
        self.headers = request.headers

    @property
    def words(self) -> str:
        content = self.body["messages"][-1]["content"]
        if isinstance(content, str):
            return content
        return " ".join(part["text"] for part in content if part["type"] == "text")


def completion(
    text: str | None, finish: str = "stop", *, message: Any = None, **more: Any
) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "scripted-2026-01-01",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text} | (message or {}),
                "finish_reason": finish,
                **more,
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    }


def answer(text: str | None, finish: str = "stop", **more: Any) -> web.Response:
    return web.json_response(completion(text, finish, **more))


def refuse(
    status: int, message: str = "no", headers: dict[str, str] | None = None, code: str = "x"
) -> web.Response:
    body = {"error": {"message": message, "type": code, "code": code}}
    return web.json_response(body, status=status, headers=headers)


async def hang_up(call: Call) -> web.StreamResponse:
    assert call.request.transport is not None
    call.request.transport.abort()
    return web.Response()


class ScriptedServer:
    """Answers `POST /v1/chat/completions` by `script`; counts what it was asked."""

    path = "/v1/chat/completions"

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls: list[Call] = []
        self.in_flight = self.peak = 0
        self.arrivals: list[float] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner, self.port = asyncio.run_coroutine_threadsafe(
            self._start(), self._loop
        ).result()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def read(self, request: web.Request) -> dict[str, Any]:
        return dict(json.loads(await request.read()))

    async def _start(self) -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post(self.path, self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.arrivals.append(time.monotonic())
        body = await self.read(request)
        call = Call(len(self.calls), body, request)
        self.calls.append(call)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            return await self.script(call)
        finally:
            self.in_flight -= 1
