"""The newcomer's page: its commands run, and lead to a leaderboard of two editors."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from editloop.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "bench.md"
RUNNER = CliRunner()


def commands(block: int) -> list[list[str]]:
    code = PAGE.read_text(encoding="utf-8").split("```shell\n")[block + 1].split("```")[0]
    return [shlex.split(line) for line in code.splitlines()]


def run(words: list[str]) -> str:
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0, f"{words}: {done.output} {done.exception}"
    return done.stdout


@pytest.mark.slow
def test_five_commands_from_nothing_to_a_leaderboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    install, *rest = commands(0)
    assert install[:2] == ["pip", "install"]
    assert len(rest) == 4
    for command in rest:
        assert command[0] == "editloop"
        run(["9" if word == "90" else word for word in command[1:]])  # the page draws 90 cases
    page = (tmp_path / "board" / "leaderboard.html").read_text()
    assert "world:tiny-editor" in page
    assert "data:image/png" in page, "pictures of sources and outputs"
    result = json.loads((tmp_path / "runs" / "tiny" / "result.json").read_text())
    assert len(result["runs"][0]["items"]) == 9


def test_the_commands_on_kept_replies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    entry = {"id": "a.jpg", "prompt": "Add a hat.", "edit_type": "add"}
    reply = "Prompt Compliance: 4\nVisual Naturalness: 4\nPhysical & Detail Coherence: 4"
    Path("basic_edit.json").write_text(json.dumps({"1": entry}))
    Path("result.json").write_text(json.dumps({"1": reply}))
    imgedit, gedit, real_edit = commands(1)
    assert json.loads(run(imgedit[1:]))["types"] == {"add": 4.0}
    row = {"key": "1", "task_type": "ps_human", "instruction": "x", "instruction_language": "en", "Intersection_exist": True}  # fmt: skip
    Path("gedit.jsonl").write_text(json.dumps(row))
    Path("replies.json").write_text(json.dumps({"1": {"SC": "[8, 6]", "PQ": "[6, 7]"}}))
    assert "ps_human" in run(gedit[1:])
    Path("real_edit_instruct.json").write_text(json.dumps({"a.jpg": ["Add. 1: a hat"]}))
    three = {
        name: str({name: "yes", "score": 4.5}) for name in ("following", "consistent", "clear")
    }
    Path("replies.json").write_text(json.dumps({"a.jpg#0": three}))
    assert "Add" in run(real_edit[1:])


def test_a_kept_result_is_scored_again_by_other_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.json").write_text(json.dumps({"1": {"id": "a", "prompt": "x", "edit_type": "add"}}))
    reply = "Prompt Compliance: 2\nVisual Naturalness: 4\nPhysical & Detail Coherence: 4"
    Path("r.json").write_text(json.dumps({"1": reply}))
    run(["bench", "imgedit", "--cases", "c.json", "--replies", "r.json", "--protocol", "robust", "--out", "kept.json"])  # fmt: skip
    again = run(["bench", "imgedit", "--cases", "c.json", "--replies", "kept.json", "--protocol", "robust", "--cap", "enforced", "--json"])  # fmt: skip
    assert json.loads(again)["macro"] == 2.0
