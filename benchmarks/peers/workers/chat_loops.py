"""Questions to a chat endpoint by the clients that people use, each as its documentation shows: text in, text out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from peers.workers.protocol import Clock, serve

MODEL = "local"
SERVER = Path(__file__).parents[2] / "chat" / "server.py"


class Endpoint:
    """The local endpoint in a process of its own; use it as a context manager.

    Args:
        python: The interpreter that runs it.
        latency: Seconds before an answer.
        allowed: Calls a second; 0 allows all.
    """

    def __init__(self, python: str, latency: float, allowed: float = 0) -> None:
        self._process = subprocess.Popen(
            [python, str(SERVER), str(latency), str(allowed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._root = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.url = f"{self._root}/v1"

    def told(self) -> dict[str, Any]:
        """What it counted since the last time."""
        counted: dict[str, Any] = json.load(urllib.request.urlopen(f"{self._root}/told"))
        return counted

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def body(number: int) -> dict[str, Any]:
    words = f"Question {number}: was the edit followed? Answer with a score."
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": words}],
        "max_tokens": 32,
        "temperature": 0.0,
    }


def text(reply: Any) -> str:
    found: str = reply["choices"][0]["message"]["content"]
    return found


def measured(
    endpoint: Endpoint, count: int, work: Callable[[], list[str | None]]
) -> dict[str, Any]:
    """Seconds and CPU of `work`, which returns an answer or None for every question."""
    cpu, clock = time.process_time(), Clock()
    answers = work()
    seconds, cpu = clock.seconds(), time.process_time() - cpu
    good = sum(answer is not None for answer in answers)
    return {
        "records": count,
        "seconds": seconds,
        "client_cpu": cpu,
        "good": good,
        **endpoint.told(),
    }


async def _workers(
    count: int, in_flight: int, ask: Callable[[int], Awaitable[str]]
) -> list[str | None]:
    answers: list[str | None] = [None] * count
    waiting = iter(range(count))

    async def work() -> None:
        for number in waiting:
            try:
                answers[number] = await ask(number)
            except Exception:  # noqa: BLE001 (whatever a client raises, the question has no answer)
                answers[number] = None

    await asyncio.gather(*(work() for _ in range(in_flight)))
    return answers


def aiohttp(count: int, in_flight: int, endpoint: dict[str, Any]) -> dict[str, Any]:
    """The yardstick: nothing but workers around one session."""
    import aiohttp as library

    async def run(url: str) -> list[str | None]:
        async with library.ClientSession() as session:

            async def ask(number: int) -> str:
                async with session.post(f"{url}/chat/completions", json=body(number)) as reply:
                    reply.raise_for_status()
                    return text(await reply.json())

            return await _workers(count, in_flight, ask)

    with Endpoint(**endpoint) as server:
        return measured(server, count, lambda: asyncio.run(run(server.url)))


def httpx(count: int, in_flight: int, endpoint: dict[str, Any]) -> dict[str, Any]:
    import httpx as library

    async def run(url: str) -> list[str | None]:
        limits = library.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
        async with library.AsyncClient(limits=limits, timeout=60) as client:

            async def ask(number: int) -> str:
                reply = await client.post(f"{url}/chat/completions", json=body(number))
                reply.raise_for_status()
                return text(reply.json())

            return await _workers(count, in_flight, ask)

    with Endpoint(**endpoint) as server:
        return measured(server, count, lambda: asyncio.run(run(server.url)))


def openai(
    count: int, in_flight: int, endpoint: dict[str, Any], retries: int = 2
) -> dict[str, Any]:
    from openai import AsyncOpenAI

    async def run(url: str) -> list[str | None]:
        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=retries) as client:

            async def ask(number: int) -> str:
                reply = await client.chat.completions.create(**body(number))
                return reply.choices[0].message.content or ""

            return await _workers(count, in_flight, ask)

    with Endpoint(**endpoint) as server:
        return measured(server, count, lambda: asyncio.run(run(server.url)))


def tenacity(count: int, in_flight: int, endpoint: dict[str, Any]) -> dict[str, Any]:
    """Workers around aiohttp, with tenacity around it: ten tries, exponential pauses with jitter."""
    import aiohttp as library
    from tenacity import retry, stop_after_attempt, wait_random_exponential

    async def run(url: str) -> list[str | None]:
        async with library.ClientSession() as session:

            @retry(wait=wait_random_exponential(0.5, max=30), stop=stop_after_attempt(10))
            async def ask(number: int) -> str:
                async with session.post(f"{url}/chat/completions", json=body(number)) as reply:
                    reply.raise_for_status()
                    return text(await reply.json())

            return await _workers(count, in_flight, ask)

    with Endpoint(**endpoint) as server:
        return measured(server, count, lambda: asyncio.run(run(server.url)))


def threads(count: int, in_flight: int, endpoint: dict[str, Any]) -> dict[str, Any]:
    import requests

    def run(url: str) -> list[str | None]:
        with requests.Session() as session:
            adapter = requests.adapters.HTTPAdapter(pool_maxsize=in_flight)
            session.mount("http://", adapter)

            def ask(number: int) -> str | None:
                reply = session.post(f"{url}/chat/completions", json=body(number), timeout=60)
                return text(reply.json()) if reply.ok else None

            with ThreadPoolExecutor(in_flight) as pool:
                return list(pool.map(ask, range(count)))

    with Endpoint(**endpoint) as server:
        return measured(server, count, lambda: run(server.url))


if __name__ == "__main__":
    serve(
        aiohttp=aiohttp,
        httpx=httpx,
        openai=openai,
        tenacity=tenacity,
        threads=threads,
    )
