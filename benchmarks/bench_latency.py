"""How near a benchmark run comes to what the judge's latency allows, and what re-scoring and resuming cost.

    python benchmarks/bench_latency.py --items 737 --seconds 1 --concurrency 64

A server process on loopback answers every question after a fixed time with the three scores of ImgEdit-Bench. The bound is
ceil(items / concurrency) times that time: no client can be faster.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from aiohttp import web

from editloop.bench.building.storybook import CASES_FILE, build_storybook
from editloop.bench.running import BenchRequest, run_bench
from editloop.bench.running.stages import JudgeRemotely
from editloop.bench.scoring import Scoring, score_files, summary
from editloop.bench.tasks import load_task

REPLY = "Brief reasoning: fine.\nPrompt Compliance: 4\nVisual Naturalness: 4\nPhysical & Detail Coherence: 3"


async def serve(seconds: float) -> None:
    seen = {"calls": 0, "first": 0.0, "last": 0.0, "in_flight": 0, "peak": 0}

    async def answer(request: web.Request) -> web.Response:
        seen["calls"] += 1
        seen["first"] = seen["first"] or time.monotonic()
        seen["in_flight"] += 1
        seen["peak"] = max(seen["peak"], seen["in_flight"])
        started = time.monotonic()
        await request.read()
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - started)))
        seen["in_flight"] -= 1
        seen["last"] = time.monotonic()
        return web.json_response(
            {
                "id": "1",
                "object": "chat.completion",
                "model": "fixed-latency",
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": REPLY}, "finish_reason": "stop"}
                ],
                "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
            }
        )  # fmt: skip

    async def facts(_: web.Request) -> web.Response:
        return web.json_response(seen)

    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", answer)
    app.router.add_get("/facts", facts)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def cases_file(folder: Path, items: int) -> Path:
    """`items` cases over 27 storybook pictures, each with words of its own, so that no two questions are equal."""
    build_storybook(folder, 27)
    some = list(json.loads((folder / CASES_FILE).read_text()).values())
    cases = {
        str(n): some[n % 27] | {"prompt": f"{some[n % 27]['prompt']} ({n})", "edit_type": "add"}
        for n in range(items)
    }
    (folder / CASES_FILE).write_text(json.dumps(cases))
    return folder / CASES_FILE


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--items", type=int, default=737)
    options.add_argument("--seconds", type=float, default=1.0)
    options.add_argument("--concurrency", type=int, default=64)
    options.add_argument("--serve", action="store_true")
    asked = options.parse_args()
    if asked.serve:
        asyncio.run(serve(asked.seconds))
        return
    JudgeRemotely.concurrency = asked.concurrency
    command = [sys.executable, __file__, "--serve", "--seconds", str(asked.seconds)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        measure(asked, int(server.stdout.readline()))
    finally:
        server.kill()


def measure(asked: argparse.Namespace, port: int) -> None:
    def facts() -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/facts") as reply:
            return dict(json.load(reply))

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cases = cases_file(folder / "cases", asked.items)
        vlm = f"openai:judge@http://127.0.0.1:{port}/v1?cache={folder / 'calls.sqlite'}&concurrency={asked.concurrency}"
        request = BenchRequest("imgedit", cases, f"rubric:imgedit@{vlm}", folder / "out", editor="noop")  # fmt: skip
        bound = math.ceil(asked.items / asked.concurrency) * asked.seconds
        started = time.monotonic()
        run = run_bench(request)
        whole, seen = time.monotonic() - started, facts()
        judging = seen["last"] - seen["first"]
        print(f"{asked.items} items, a judge of {asked.seconds:g} s, {asked.concurrency} in flight (most seen: {seen['peak']})")  # fmt: skip
        print(f"latency bound {bound:.2f} s; judging {judging:.2f} s ({judging / bound:.3f} of the bound); whole command {whole:.2f} s")  # fmt: skip
        print(f"scored {summary(run.results['robust'])['n_scored']} of {asked.items}; calls {seen['calls']}")  # fmt: skip
        started = time.monotonic()
        again = run_bench(request)
        print(f"the same command again: {time.monotonic() - started:.2f} s, {facts()['calls'] - seen['calls']} calls, {again.edited} edits")  # fmt: skip
        replies = folder / "out" / "replies" / "run-0" / "result.json"
        for protocol in ("official", "robust"):
            started = time.monotonic()
            score_files(load_task("imgedit"), [replies], cases, Scoring(protocol))  # type: ignore[arg-type]  # both are protocols
            print(f"re-scoring {asked.items} kept replies, {protocol}: {time.monotonic() - started:.3f} s")  # fmt: skip


if __name__ == "__main__":
    main()
