from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from editloop.core.errors import BudgetError, ModelCallError, StoreError
from editloop.store.calls import CacheMode, CallCache, Reply
from editloop.store.spending import Budget, Spending


class Endpoint:
    """Answers after a moment; counts what it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.failing = False

    def send(self, text: str) -> Callable[[], Awaitable[Reply]]:
        async def answer() -> Reply:
            self.asked += 1
            await asyncio.sleep(0.01)
            if self.failing:
                raise ModelCallError("503")
            return Reply(raw=f"re: {text}", input_tokens=10, output_tokens=5, cost_usd=0.5)

        return answer


def request(text: str, image: bytes = b"") -> dict[str, Any]:
    return {"model": "m", "revision": "1", "messages": [{"text": text, "image": image}]}


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM reply").fetchone()
    connection.close()
    return int(count)


def test_a_kept_reply_is_not_paid_twice(tmp_path: Path) -> None:
    endpoint = Endpoint()

    async def ask(*texts: str) -> list[Reply]:
        async with CallCache(tmp_path / "calls.sqlite") as cache:
            calls = [cache.call(request(t, t.encode()), endpoint.send(t)) for t in texts]
            return await asyncio.gather(*calls)

    first = asyncio.run(ask("a", "b"))
    again = asyncio.run(ask("b", "a", "c"))
    assert endpoint.asked == 3
    assert again[:2] == first[::-1]
    assert first[0].seconds > 0


def test_images_count_by_their_bytes(tmp_path: Path) -> None:
    endpoint = Endpoint()

    async def ask() -> None:
        async with CallCache(tmp_path / "calls.sqlite") as cache:
            for image in (b"one", b"two", b"one"):
                await cache.call(request("same", image), endpoint.send("x"))
            assert cache.hits == 1

    asyncio.run(ask())
    assert endpoint.asked == 2
    assert b"one" not in (tmp_path / "calls.sqlite").read_bytes()


def test_equal_calls_under_way_are_one(tmp_path: Path) -> None:
    endpoint = Endpoint()

    async def ask() -> None:
        async with CallCache(tmp_path / "calls.sqlite") as cache:
            calls = [cache.call(request("a"), endpoint.send("a")) for _ in range(20)]
            replies = await asyncio.gather(*calls)
            assert len({reply.raw for reply in replies}) == 1
            assert cache.merged == 19

    asyncio.run(ask())
    assert endpoint.asked == 1


def test_a_cancelled_caller_does_not_waste_the_call(tmp_path: Path) -> None:
    endpoint = Endpoint()

    async def ask() -> None:
        async with CallCache(tmp_path / "calls.sqlite") as cache:
            call = asyncio.create_task(cache.call(request("a"), endpoint.send("a")))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            call.cancel()

    asyncio.run(ask())
    assert rows(tmp_path / "calls.sqlite") == endpoint.asked == 1


def test_errors_reach_everybody_and_are_not_kept(tmp_path: Path) -> None:
    endpoint = Endpoint()

    async def ask() -> None:
        async with CallCache(tmp_path / "calls.sqlite") as cache:
            endpoint.failing = True
            calls = [cache.call(request("a"), endpoint.send("a")) for _ in range(3)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert [str(error) for error in results] == ["503"] * 3
            assert cache.spent.calls == 1
            endpoint.failing = False
            assert (await cache.call(request("a"), endpoint.send("a"))).raw == "re: a"

    asyncio.run(ask())
    assert endpoint.asked == 2
    with pytest.raises(ValidationError):
        Reply(raw="")


def test_replay_only_sends_nothing_and_refresh_everything(tmp_path: Path) -> None:
    endpoint = Endpoint()

    async def ask(mode: CacheMode, text: str) -> Reply:
        async with CallCache(tmp_path / "calls.sqlite", mode) as cache:
            return await cache.call(request(text), endpoint.send(text))

    asyncio.run(ask(CacheMode.USE, "a"))
    assert asyncio.run(ask(CacheMode.REPLAY_ONLY, "a")).raw == "re: a"
    with pytest.raises(ModelCallError, match="replay-only"):
        asyncio.run(ask(CacheMode.REPLAY_ONLY, "b"))
    assert endpoint.asked == 1
    asyncio.run(ask(CacheMode.REFRESH, "a"))
    assert endpoint.asked == 2
    assert rows(tmp_path / "calls.sqlite") == 1


@pytest.mark.parametrize(
    ("budget", "sent"),
    [
        (Budget(calls=3), 3),
        (Budget(tokens=45), 3),
        (Budget(cost_usd=1.0), 2),
        (Budget(seconds=0.0), 0),
        (Budget(), 10),
    ],
)
def test_budgets_are_hard_even_for_calls_at_once(tmp_path: Path, budget: Budget, sent: int) -> None:
    endpoint = Endpoint()

    async def ask() -> list[Any]:
        async with CallCache(tmp_path / "calls.sqlite", budget=budget) as cache:
            estimate = Spending(calls=1, tokens=15, cost_usd=0.5)
            calls = [cache.call(request(str(n)), endpoint.send("x"), estimate) for n in range(10)]
            return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(ask())
    refused = [result for result in results if isinstance(result, BudgetError)]
    assert endpoint.asked == sent
    assert len(refused) == 10 - sent


def test_a_reply_is_in_the_file_before_its_caller_has_it(tmp_path: Path) -> None:
    endpoint = Endpoint()
    seen: list[int] = []

    async def ask() -> None:
        async with CallCache(tmp_path / "calls.sqlite") as cache:

            async def one(name: str) -> None:
                await cache.call(request(name), endpoint.send(name))
                seen.append(rows(tmp_path / "calls.sqlite") - len(seen))

            await asyncio.gather(*(one(str(number)) for number in range(20)))

    asyncio.run(ask())
    assert min(seen) >= 1, "more rows than callers who were told, at any time"


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from editloop.store.calls import CallCache, Reply

async def send() -> Reply:
    return Reply(raw="paid")

async def main() -> None:
    cache = CallCache(Path(sys.argv[1]))
    await asyncio.gather(*(cache.call({"model": "m", "n": n}, send) for n in range(50)))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_what_a_caller_was_told_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert rows(path) == 50


def test_a_reply_that_cannot_be_written_is_no_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Endpoint()

    async def ask() -> None:
        async with CallCache(tmp_path / "calls.sqlite") as cache:
            commit = cache.commit

            def full() -> None:
                raise StoreError("the disk is full")

            monkeypatch.setattr(cache, "commit", full)
            with pytest.raises(StoreError, match="full"):
                await cache.call(request("a"), endpoint.send("a"))
            monkeypatch.setattr(cache, "commit", commit)

    asyncio.run(ask())
    assert rows(tmp_path / "calls.sqlite") == 1, "it stayed queued, and was written when it could"


def test_a_generous_estimate_makes_calls_wait_but_wastes_no_budget(tmp_path: Path) -> None:
    """Each call may use 100 tokens and uses 15; the cap of 160 lets one through at a time, and five in all."""
    endpoint = Endpoint()

    async def ask() -> list[Any]:
        async with CallCache(tmp_path / "calls.sqlite", budget=Budget(tokens=160)) as cache:
            estimate = Spending(calls=1, tokens=100)
            calls = [cache.call(request(str(n)), endpoint.send("x"), estimate) for n in range(10)]
            return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(ask())
    assert endpoint.asked == sum(isinstance(result, Reply) for result in results) == 5
    assert sum(isinstance(result, BudgetError) for result in results) == 5
