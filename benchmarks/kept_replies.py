"""Whether kill -9 loses a reply that a caller had, and what waiting for the file costs: `python benchmarks/kept_replies.py`.

A process makes calls that take a fixed time, 64 in flight, and tells its parent of every reply that a caller got. The parent
kills it at a random moment and counts what it was told of beside what the file holds. Then the same calls run to their end,
beside the least time that so many calls can take.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from editloop.store.calls import CallCache, Reply

BODY = "x" * 400
"""As long as a short answer with its envelope."""


async def make_calls(path: Path, count: int, in_flight: int, seconds: float, *, tell: bool) -> None:
    numbers = iter(range(count))

    async def send() -> Reply:
        await asyncio.sleep(seconds)
        return Reply(raw=BODY)

    async def work(cache: CallCache) -> None:
        for number in numbers:
            await cache.call({"model": "m", "number": number}, send, shielded=False)
            if tell:
                sys.stdout.write(".")
                sys.stdout.flush()

    async with CallCache(path) as cache:
        await asyncio.gather(*(work(cache) for _ in range(in_flight)))


def killed(folder: Path, asked: argparse.Namespace) -> tuple[int, int]:
    """(replies that callers had, how many of them are not in the file) of a process that was killed."""
    path = folder / "calls.sqlite"
    command = [sys.executable, __file__, "--child", str(path), "--in-flight", str(asked.in_flight), "--seconds", str(asked.seconds)]  # fmt: skip
    job = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert job.stdout is not None
    told = len(job.stdout.read(1))  # it is under way
    time.sleep(random.uniform(0, 0.5))
    job.send_signal(signal.SIGKILL)
    told += len(job.stdout.read())
    job.wait()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM reply").fetchone()
    return told, max(0, told - int(kept))


def timed(asked: argparse.Namespace) -> tuple[float, float]:
    """(seconds, CPU milliseconds a call) of `calls` calls."""
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        asyncio.run(
            make_calls(Path(folder) / "c.sqlite", asked.calls, asked.in_flight, asked.seconds, tell=False)
        )  # fmt: skip
        return time.perf_counter() - started, 1000 * (time.process_time() - cpu) / asked.calls


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--calls", type=int, default=640)
    options.add_argument("--in-flight", type=int, default=64)
    options.add_argument("--seconds", type=float, default=0.2, help="that a call takes")
    options.add_argument("--child", type=Path)
    asked = options.parse_args()
    if asked.child is not None:
        work = make_calls(asked.child, 10**9, asked.in_flight, asked.seconds, tell=True)
        asyncio.run(work)
        return
    told = lost = 0
    for _ in range(asked.kills):
        with tempfile.TemporaryDirectory() as folder:
            one = killed(Path(folder), asked)
        told, lost = told + one[0], lost + one[1]
    print(
        f"{asked.kills} times kill -9: callers had {told} replies, {lost} of them were not in the file"
    )
    bound = math.ceil(asked.calls / asked.in_flight) * asked.seconds
    seconds, cpu = timed(asked)
    print(
        f"{asked.calls} calls of {asked.seconds:g} s, {asked.in_flight} in flight: {seconds:.2f} s, "
        f"{seconds / bound:.3f} of the bound of {bound:.2f} s, {cpu:.2f} ms CPU a call"
    )


if __name__ == "__main__":
    main()
