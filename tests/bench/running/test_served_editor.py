"""An editor behind an endpoint in a benchmark run: many in flight, refusals told apart, no picture paid twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from tests.models.editors.served.scripted import EditServer, invert, moderated, picture
from tests.models.vlms.scripted import Call, Script, refuse

from editloop.bench.running import BenchRequest, run_bench
from editloop.bench.running.editors import shown_editor
from editloop.core.errors import BudgetError

Serve = Callable[[Script], EditServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[EditServer] = []

    def start(script: Script) -> EditServer:
        servers.append(EditServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def spec_of(server: EditServer, folder: Path, options: str = "") -> str:
    return f"openai:painter@{server.url}?cache={folder / 'calls.sqlite'}&backoff=0.01&attempts=2&{options}"


def request(storybook: Path, out: Path, editor: str) -> BenchRequest:
    return BenchRequest(
        "imgedit", storybook / "basic_edit.json", "world:oracle", out, editor=editor
    )


def test_many_in_flight_every_run_asked_anew_and_nothing_twice(
    serve: Serve, storybook: Path, tmp_path: Path
) -> None:
    async def slow(call: Call) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return await invert(call)

    server = serve(slow)
    asked = BenchRequest("imgedit", storybook / "basic_edit.json", "world:oracle", tmp_path / "out", editor=spec_of(server, tmp_path, "concurrency=12"), runs=2)  # fmt: skip
    run = run_bench(asked)
    assert server.peak == 12
    assert len(server.calls) == 36, "two runs have two seeds"
    assert (run.edited, run.judged) == (36, 36)
    assert run.results["verdict"].editor == f"openai:painter@{server.url}"
    assert [one.complete for one in run.coverage] == [True, True]
    again = run_bench(asked)
    assert (again.edited, again.judged) == (0, 0)
    assert len(server.calls) == 36


def test_refusals_failures_and_sizes_are_told_apart(
    serve: Serve, storybook: Path, tmp_path: Path
) -> None:
    broken = True
    content = json.loads((storybook / "basic_edit.json").read_text())
    prompts = [entry["prompt"] for entry in content.values()]

    async def moody(call: Call) -> web.StreamResponse:
        if call.body["prompt"] == prompts[0]:
            return moderated("no such pictures")
        if call.body["prompt"] == prompts[1] and broken:
            return refuse(500)
        if call.body["prompt"] == prompts[2]:
            return picture(np.zeros((48, 64, 3), np.uint8))
        return await invert(call)

    server = serve(moody)
    asked = request(storybook, tmp_path / "out", spec_of(server, tmp_path))
    first = run_bench(asked)
    found = first.results["verdict"].runs[0]
    assert found.unscored == {"refused": 1, "failed": 1}
    reasons = {item.outcome: item.reason for item in found.items if item.outcome != "scored"}
    assert reasons["refused"] == "editor: refused: no such pictures"
    assert "HTTP 500" in reasons["failed"]
    (sizes,) = first.coverage[0].resized.values()
    assert sizes == "64x48 to 32x32"
    assert first.coverage[0].wrong_size == {}
    broken = False
    again = run_bench(asked)
    assert again.edited == 1, "the failure is tried again, the refusal is an answer"
    assert again.results["verdict"].runs[0].unscored == {"refused": 1}


def test_a_budget_stops_the_run_and_more_of_it_goes_on(
    serve: Serve, storybook: Path, tmp_path: Path
) -> None:
    server = serve(invert)
    with pytest.raises(
        BudgetError, match="5 of 18 edits are there, and no judge was asked: the budget of 5 calls"
    ):
        run_bench(request(storybook, tmp_path / "out", spec_of(server, tmp_path, "max_calls=5")))
    assert len(server.calls) == 5
    run = run_bench(request(storybook, tmp_path / "out", spec_of(server, tmp_path)))
    assert len(server.calls) == 18
    assert run.results["verdict"].runs[0].unscored == {}


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("openai:m?picture_quality=low&max_usd=5&cache=c", "openai:m?picture_quality=low"),
        ("openai:m@http://h:1/v1?concurrency=3&edit_usd=1", "openai:m@http://h:1/v1"),
        ("diffusers:models/a?steps=4", "diffusers:models/a?steps=4"),
    ],
)
def test_names_in_tables_keep_what_changes_pictures(spec: str, shown: str) -> None:
    assert shown_editor(spec) == shown


@pytest.mark.slow
def test_killed_and_resumed_no_picture_is_paid_twice(
    serve: Serve, storybook: Path, tmp_path: Path
) -> None:
    """Killed while pictures are under way: what came is kept, what was under way is asked again."""
    latency_s, answered = 3.0, list[str]()

    async def paid(call: Call) -> web.StreamResponse:
        await asyncio.sleep(latency_s)
        answered.append(call.body["prompt"])
        return await invert(call)

    server = serve(paid)
    words = ["bench", "imgedit", "--cases", str(storybook / "basic_edit.json"), "--editor", spec_of(server, tmp_path, "concurrency=6"), "--judge", "world:oracle", "--out", str(tmp_path / "out"), "--json"]  # fmt: skip
    command = [sys.executable, "-m", "editloop", *words]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": path}
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)  # fmt: skip
    deadline = time.monotonic() + 120
    while len(answered) < 6:
        assert job.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(1.0)  # the first six have arrived, the second six are under way
    job.send_signal(signal.SIGKILL)
    job.wait()
    first, latency_s = list(answered), 0.0
    finished = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    body = json.loads(finished.stdout)
    assert body["n_scored"] == 18
    assert len(first) == 6
    assert not set(answered[len(first) :]) & set(first)
