"""`editloop judge --out` and `--rescore` as people meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web
from tests.cli.test_app import editloop
from tests.judges.people.rated import write_rated
from tests.judges.vlm.served import IMGEDIT
from tests.models.vlms.conftest import Serve
from tests.models.vlms.conftest import serve as serve
from tests.models.vlms.scripted import Call, answer


@pytest.mark.slow
def test_judged_into_a_folder_and_read_again_offline(serve: Serve, tmp_path: Path) -> None:
    async def script(call: Call) -> web.StreamResponse:
        return answer(IMGEDIT.format("4/5", 4, 3) if call.number else IMGEDIT.format(5, 5, 5))

    server = serve(script)
    ratings = write_rated(tmp_path / "data", count=3)
    spec = f"rubric:imgedit@openai:m@{server.url}?cache={tmp_path / 'calls.sqlite'}"
    out = str(tmp_path / "out")
    answers = ("--answers", str(tmp_path / "a.sqlite"))
    done = editloop("judge", str(ratings), "--judge", spec, "--out", out, *answers)
    assert "4.333 (3 of 3)" in done.stdout
    again = editloop("judge", "--rescore", out, "--reading", "official", "--json")
    body = json.loads(again.stdout)
    assert body["after"]["slips"] == {"axes_lost": 2}
    assert body["changed"] == 2
    assert "rescored-official.jsonl" in again.stderr


@pytest.mark.slow
def test_commands_that_make_no_sense(tmp_path: Path) -> None:
    assert "name what to judge" in editloop("judge", code=2).stderr
    wrong = editloop("judge", "--rescore", str(tmp_path), "--reading", "offical", code=2)
    assert "did you mean 'official'" in wrong.stderr
    assert "verdicts.jsonl" in editloop("judge", "--rescore", str(tmp_path), code=2).stderr
    assert "--out DIR" in editloop("judge", str(tmp_path), code=2).stderr
