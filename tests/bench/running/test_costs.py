"""Calls, tokens, money and time are said before anything is sent; prices come from the user, seconds from kept replies."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from tests.models.editors.served.scripted import EditServer, invert
from tests.models.vlms.scripted import Call, ScriptedServer, answer
from typer.testing import CliRunner

from editloop.bench.running import BenchRequest, plan_bench, run_bench
from editloop.cli.app import app
from editloop.cli.bench_running import plan_lines

GOOD = "Brief reasoning: fine.\n" + "\n".join(
    f"{label}: 4" for label in ("Prompt Compliance", "Visual Naturalness", "Physical & Detail Coherence")
)  # fmt: skip
NOBODY = "http://127.0.0.1:9/v1"


def request(folder: Path, tmp_path: Path, editor: str, judge: str) -> BenchRequest:
    cache = f"cache={tmp_path / 'calls.sqlite'}"
    return BenchRequest(
        "imgedit",
        folder / "basic_edit.json",
        f"rubric:imgedit@openai:{judge}&{cache}",
        tmp_path / "out",
        editor=f"openai:{editor}&{cache}",
        runs=2,
    )


def test_prices_and_seconds_of_the_user_make_money_and_time(
    storybook: Path, tmp_path: Path
) -> None:
    asked = request(
        storybook,
        tmp_path,
        f"e@{NOBODY}?edit_usd=0.05&expected_seconds=30&concurrency=5",
        f"j@{NOBODY}?input_usd=2&output_usd=8&expected_seconds=4&requests_per_minute=12",
    )
    plan = plan_bench(asked)
    editor, judge = plan["calls"]
    assert (editor["calls"], judge["calls"]) == (36, 36)
    assert editor["usd"] == pytest.approx(36 * 0.05)
    assert editor["wall_seconds"] == 8 * 30, "36 calls, 5 in flight"
    assert judge["usd"] == pytest.approx((judge["input_tokens"] * 2 + judge["output_tokens"] * 8) / 1e6, abs=1e-4)  # fmt: skip
    assert judge["wall_seconds"] == 180, "the limit of requests a minute is slower than latency"
    assert judge["tokens_from"] == "upper estimate"
    assert plan["total_usd"] == pytest.approx(editor["usd"] + judge["usd"])
    assert not (tmp_path / "calls.sqlite").exists()


def test_nothing_is_invented(storybook: Path, tmp_path: Path) -> None:
    plan = plan_bench(request(storybook, tmp_path, f"e@{NOBODY}?", f"j@{NOBODY}?"))
    assert plan["total_usd"] is None
    assert plan["total_wall_seconds"] is None
    first, second, note = plan_lines(plan)
    assert "money unknown (add edit_usd=PRICE" in first
    assert "time unknown" in second
    assert "unknown: add expected_seconds=N to the judge's spec" in second
    assert "not asked or paid again" in note


def test_kept_replies_say_what_calls_use_and_take_and_the_run_says_it_first(
    storybook: Path, tmp_path: Path
) -> None:
    async def say(_: Call) -> web.StreamResponse:
        return answer(GOOD)

    painter, judge = EditServer(invert), ScriptedServer(say)
    asked = request(storybook, tmp_path, f"e@{painter.url}?edit_usd=0.1", f"j@{judge.url}?")
    words = ["bench", "imgedit", "--cases", str(asked.cases), "--editor", asked.editor, "--judge", asked.judge, "--out", str(asked.out), "--seeds", "2"]  # fmt: skip
    try:
        before = CliRunner().invoke(app, [*words, "--plan"])
        assert painter.calls == judge.calls == []
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        run_bench(asked)
    finally:
        painter.close()
        judge.close()
    assert "36 calls" in before.stdout
    assert "$3.60 (edit_usd, a picture)" in before.stdout
    assert "$3.60 (edit_usd, a picture)" in done.stderr
    editor, judging = plan_bench(asked)["calls"]
    assert editor["tokens_from"] == "mean of 36 kept replies"
    assert (editor["input_tokens"], editor["output_tokens"]) == (36 * 300, 36 * 1000)
    assert judging["seconds_from"] == "median of 18 kept replies", (
        "equal edits of two runs were judged once"
    )
    assert judging["wall_seconds"] is not None


def test_the_plan_verb_does_what_the_option_does(storybook: Path) -> None:
    asked = ["imgedit", "--cases", str(storybook / "basic_edit.json"), "--editor", "noop", "--judge", "world:oracle"]  # fmt: skip
    by_verb = CliRunner().invoke(app, ["plan", "bench", *asked])
    by_option = CliRunner().invoke(app, ["bench", *asked, "--plan"])
    assert (by_verb.exit_code, by_verb.stdout) == (0, by_option.stdout)
    for words in (["bench"], ["bench", "--json"]):
        done = CliRunner().invoke(app, ["plan", *words])
        assert "editloop plan bench TASK" in str(done.exception)
