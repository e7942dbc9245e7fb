"""A rubric judge behind an endpoint: replies read by both protocols, many in flight, nothing paid twice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from tests.models.vlms.scripted import Call, ScriptedServer, answer, refuse

from editloop.bench.running import BenchRequest, plan_bench, run_bench
from editloop.bench.scoring import Scoring, score_files
from editloop.bench.tasks import load_task
from editloop.core.errors import EditloopError

LABELS = ("Prompt Compliance", "Visual Naturalness", "Physical & Detail Coherence")
GOOD = "Brief reasoning: fine.\n" + "\n".join(f"{label}: 4" for label in LABELS)
COUNT, LATENCY_S = 96, 0.6


@pytest.fixture
def cases(storybook: Path, tmp_path: Path) -> Path:
    """96 cases of type add over the storybook pictures; no two questions are equal."""
    some = list(json.loads((storybook / "basic_edit.json").read_text()).values())
    content = {
        str(n): some[n % 18] | {"prompt": f"Add ball {n}.", "edit_type": "add"}
        for n in range(COUNT)
    }
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(content))
    return path


class Paid:
    """Answers after a while, and notes which questions it was paid for."""

    def __init__(self, latency_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self.words: list[str] = []

    async def __call__(self, call: Call) -> web.StreamResponse:
        await asyncio.sleep(self.latency_s)
        self.words.append(call.words)
        return answer(GOOD)


@pytest.fixture
def paid() -> Iterator[tuple[Paid, ScriptedServer]]:
    script = Paid(LATENCY_S)
    server = ScriptedServer(script)
    yield script, server
    server.close()


def request(cases: Path, storybook: Path, server: ScriptedServer, out: Path) -> BenchRequest:
    judge = f"rubric:imgedit@openai:judge@{server.url}?cache={out.parent / 'calls.sqlite'}&backoff=0.01&attempts=2"
    return BenchRequest("imgedit", cases, judge, out, editor="noop", images=storybook)


def test_many_in_flight_and_nothing_twice(
    cases: Path, storybook: Path, tmp_path: Path, paid: tuple[Paid, ScriptedServer]
) -> None:
    script, server = paid
    asked = request(cases, storybook, server, tmp_path / "out")
    assert plan_bench(asked)["served_judge_calls"] == COUNT
    assert server.calls == []
    run = run_bench(asked)
    assert 32 < server.peak <= 64
    for protocol in ("robust", "official"):
        figures = run.results[protocol].runs[0].figures["score"]
        assert (figures.macro, figures.scored) == (4.0, COUNT)
    assert len(script.words) == len(set(script.words)) == COUNT
    replies = tmp_path / "out" / "replies" / "run-0" / "result.json"
    offline = score_files(load_task("imgedit"), [replies], cases, Scoring("official"))
    assert offline.runs[0].figures == run.results["official"].runs[0].figures
    assert run_bench(asked).judged == 0
    assert len(script.words) == COUNT


def test_refusals_and_failures_are_told_apart_and_failures_asked_again(
    cases: Path, storybook: Path, tmp_path: Path
) -> None:
    broken = True

    async def moody(call: Call) -> web.StreamResponse:
        if "ball 7." in call.words:
            return answer(None, "content_filter")
        if "ball 8." in call.words and broken:
            return refuse(500)
        return answer(GOOD)

    server = ScriptedServer(moody)
    try:
        asked = request(cases, storybook, server, tmp_path / "out")
        first = run_bench(asked).results["robust"].runs[0]
        assert first.unscored == {"refused": 1, "failed": 1}
        broken = False
        again = run_bench(asked)
        assert again.judged == 1
        assert "failed" not in again.results["robust"].runs[0].unscored
    finally:
        server.close()


def test_a_budget_stops_the_run_and_more_of_it_goes_on(
    cases: Path, storybook: Path, tmp_path: Path, paid: tuple[Paid, ScriptedServer]
) -> None:
    script, server = paid
    script.latency_s = 0.0
    asked = request(cases, storybook, server, tmp_path / "out")
    with pytest.raises(EditloopError, match="budget of 10 calls"):
        run_bench(replace(asked, judge=f"{asked.judge}&max_calls=10"))
    assert len(script.words) == 10
    run = run_bench(asked)
    assert len(script.words) == len(set(script.words)) == COUNT
    assert run.results["robust"].runs[0].unscored == {}
    context = run.results["robust"].context
    assert context.judge == f"rubric:imgedit@openai:judge@{server.url}"
    assert context.image_encoding == "png"


@pytest.mark.slow
def test_killed_and_resumed_no_call_is_paid_twice(
    cases: Path, storybook: Path, tmp_path: Path, paid: tuple[Paid, ScriptedServer]
) -> None:
    """Killed between two waves of replies: what was answered is kept, what was under way is asked again."""
    script, server = paid
    script.latency_s = 3.0
    asked = request(cases, storybook, server, tmp_path / "out")
    words = ["bench", "imgedit", "--cases", str(cases), "--images", str(storybook), "--editor", "noop", "--judge", asked.judge, "--out", str(asked.out), "--json"]  # fmt: skip
    command = [sys.executable, "-m", "editloop", *words]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": path}
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)  # fmt: skip
    deadline = time.monotonic() + 120
    while len(script.words) < 64:
        assert job.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(1.0)
    job.send_signal(signal.SIGKILL)
    job.wait()
    answered = list(script.words)
    script.latency_s = 0.0
    finished = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    body = json.loads(finished.stdout)
    assert body["robust"]["n_scored"] == COUNT
    assert body["made_now"]["edits"] == 0
    fresh = script.words[len(answered) :]
    assert not set(fresh) & set(answered)


@pytest.mark.parametrize(
    ("task", "rubric", "reply"),
    [
        ("uge", "imgedit-uge", "Brief reasoning: fine.\nScore: 4"),
        ("real-edit", "mrc", "Yes, it was done.\nScore: 4"),
        ("realpref", "hp-scorer", "Score: 4"),
        ("gedit", "viescore", '{"score": [8, 8], "reasoning": "fine"}'),
    ],
)
def test_other_benchmarks_with_their_rubrics(
    task: str, rubric: str, reply: str, storybook: Path, tmp_path: Path
) -> None:
    async def say(_: Call) -> web.StreamResponse:
        return answer(reply)

    image = "add/1.png"
    content: dict[str, object] = {
        "uge": {"a": {"id": image, "prompt": "Add a ball."}},
        "real-edit": {image: ["Add. 1: Add a ball.", "Remove. 2: Remove the tree."]},
        "realpref": [{"key": "a", "task": "addition", "instruction": "Add.", "image": image}],
        "gedit": [
            {"key": "a", "task_type": "subject-add", "instruction": "Add.", "instruction_language": "en", "input_image": image}
        ],
    }  # fmt: skip
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps(content[task]))
    if task == "gedit":  # the published script writes every source beside its output
        (tmp_path / "subject-add" / "en").mkdir(parents=True)
        shutil.copyfile(storybook / image, tmp_path / "subject-add" / "en" / "a_SRCIMG.png")
    server = ScriptedServer(say)
    try:
        judge = f"rubric:{rubric}@openai:judge@{server.url}?cache={tmp_path / 'calls.sqlite'}"
        asked = BenchRequest(
            task,
            cases,
            judge,
            tmp_path / "out",
            editor="noop",
            images=tmp_path if task == "gedit" else storybook,
        )
        found = run_bench(asked).results["robust"].runs[0]
    finally:
        server.close()
    assert found.unscored == {}, [item.reason for item in found.items]
    low, high = (4.0, 4.0) if task != "gedit" else (8.0, 8.0)
    figures = found.figures[load_task(task).headline]
    if task == "gedit":
        assert (tmp_path / "out" / "outputs" / "run-0" / "subject-add" / "en" / "a.png").is_file()
    assert low <= (figures.macro or figures.micro or 0) <= high
