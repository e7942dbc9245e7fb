"""Endpoints that allow so many calls a second, each in another way of counting."""

from __future__ import annotations

import asyncio
import math
import time

from aiohttp import web
from tests.models.vlms.scripted import Call, Script, answer, refuse

LATENCY = 0.05


def token_bucket(rate: float, burst: float) -> Script:
    """Calls cost a token; tokens come in evenly. Whoever finds none is told to wait a whole second, as headers only can."""
    level, seen = burst, time.monotonic()

    async def script(call: Call) -> web.StreamResponse:
        nonlocal level, seen
        now = time.monotonic()
        level, seen = min(burst, level + (now - seen) * rate), now
        if level < 1:
            return refuse(429, "slow down", {"Retry-After": "1"})
        level -= 1
        await asyncio.sleep(LATENCY)
        return answer(call.words)

    return script


def fixed_window(rate: float) -> Script:
    """So many calls in each second of the clock."""
    used, second = 0, 0

    async def script(call: Call) -> web.StreamResponse:
        nonlocal used, second
        now = time.monotonic()
        if math.floor(now) != second:
            used, second = 0, math.floor(now)
        if used >= rate:
            left = math.ceil((second + 1 - now) * 1000)
            return refuse(429, "slow down", {"retry-after-ms": str(left)})
        used += 1
        await asyncio.sleep(LATENCY)
        return answer(call.words)

    return script


def few_at_once(most: int) -> Script:
    """So many calls at a time, and no word about when to come back."""
    busy = 0

    async def script(call: Call) -> web.StreamResponse:
        nonlocal busy
        if busy >= most:
            return refuse(429, "too many at once")
        busy += 1
        try:
            await asyncio.sleep(LATENCY)
            return answer(call.words)
        finally:
            busy -= 1

    return script
