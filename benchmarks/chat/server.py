"""An OpenAI-compatible endpoint that answers every question alike: `python server.py SECONDS ALLOWED`; prints its port.

An answer takes so many seconds. Of more than the allowed calls a second (0 allows all), the rest is refused (429) with a
`Retry-After` of one second, the smallest that the header can say. `GET /told` says what was counted since the last time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from aiohttp import web

BURST_SECONDS = 0.1
"""Calls that may come at once, as seconds of the allowance."""

REPLY = json.dumps(
    {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "model": "local-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Brief reasoning. Score: 4"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27},
    }
).encode()
REFUSAL = json.dumps({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}).encode()


class Endpoint:
    """Answers after `latency` seconds, and counts."""

    def __init__(self, latency: float, allowed: float) -> None:
        self.latency = latency
        self.allowed = allowed
        self.level, self.seen = allowed * BURST_SECONDS, time.monotonic()
        self.in_flight = 0
        self.forget()

    def forget(self) -> None:
        """Start counting anew."""
        self.calls = self.refused = self.peak = 0

    async def answer(self, request: web.Request) -> web.Response:
        """One call."""
        await request.read()
        now = time.monotonic()
        self.calls += 1
        if self.allowed:
            most = max(1.0, self.allowed * BURST_SECONDS)
            self.level = min(most, self.level + (now - self.seen) * self.allowed)
            self.seen = now
            if self.level < 1:
                self.refused += 1
                return web.Response(
                    status=429,
                    body=REFUSAL,
                    content_type="application/json",
                    headers={"Retry-After": "1"},
                )
            self.level -= 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.in_flight -= 1
        return web.Response(body=REPLY, content_type="application/json")

    async def told(self, _: web.Request) -> web.Response:
        """What was counted."""
        counted = {
            "server_calls": self.calls,
            "server_refused": self.refused,
            "server_peak": self.peak,
        }
        self.forget()
        return web.json_response(counted)


async def main(latency: float, allowed: float) -> None:
    """Serve until standard input ends."""
    endpoint = Endpoint(latency, allowed)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", endpoint.answer)
    app.router.add_get("/told", endpoint.told)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(*map(float, sys.argv[1:])))
