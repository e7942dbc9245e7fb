"""Dialogues run by an editor: every turn edits the picture before, every picture is kept, people or a stand-in answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from tests.models.editors.served.scripted import EditServer, moderated, picture, pictures
from tests.models.vlms.scripted import Call, ScriptedServer, answer
from typer.testing import CliRunner

from editloop.bench.building.storybook_dialogues import build_dialogues
from editloop.bench.running import BenchRequest, plan_bench, run_bench
from editloop.bench.running.items import PLANS_FILE
from editloop.cli.app import app
from editloop.core.errors import UsageError
from editloop.core.images import decode_image
from editloop.models.miniatures import save_miniature
from editloop.rate.tables import read_table

COUNT = 6


@pytest.fixture(scope="module")
def dialogues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of six dialogues, two a kind."""
    folder = tmp_path_factory.mktemp("dialogues")
    assert set(build_dialogues(folder, COUNT).values()) == {2}
    return folder


def request(folder: Path, out: Path, editor: str, judge: str = "") -> BenchRequest:
    return BenchRequest("multi-turn", folder / "multi_turn.json", judge, out, editor=editor)


def entries(folder: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((folder / "multi_turn.json").read_text())
    return found


def turns_of(entry: dict[str, str]) -> list[str]:
    return [entry[name] for name in ("turn1", "turn2", "turn3") if name in entry]


def outputs(out: Path, key: str) -> list[np.ndarray]:
    paths = sorted((out / "outputs" / "run-0").glob(f"{key}_*.png"))
    return [decode_image(path.read_bytes()).pixels for path in paths]


@pytest.fixture
def painter() -> Iterator[EditServer]:
    """Makes every picture one level brighter, so that the number of edits can be read off it."""

    async def brighter(call: Call) -> web.StreamResponse:
        return picture(np.clip(pictures(call)[0].astype(int) + 1, 0, 255).astype(np.uint8))

    server = EditServer(brighter)
    yield server
    server.close()


def painted(server: EditServer, folder: Path) -> str:
    return f"openai:painter@{server.url}?cache={folder / 'edits.sqlite'}&backoff=0.01"


def test_every_turn_edits_the_picture_of_the_turn_before_and_knows_what_was_said(
    dialogues: Path, tmp_path: Path, painter: EditServer
) -> None:
    out = tmp_path / "out"
    run = run_bench(request(dialogues, out, painted(painter, tmp_path)))
    assert run.results == {}
    assert run.edited == len(painter.calls)
    assert "editloop rate" in run.notes[0]
    every = entries(dialogues)
    assert len(painter.calls) == sum(len(turns_of(entry)) for entry in every.values())
    assert run.coverage[0].complete
    for key, entry in every.items():
        source = decode_image((dialogues / entry["id"]).read_bytes()).pixels.astype(int)
        for turn, made in enumerate(outputs(out, key), start=1):
            assert np.array_equal(made, np.clip(source + turn, 0, 255))
    asked = [call.body["prompt"] for call in painter.calls]
    first = turns_of(every["1"])
    assert first[0] in asked
    (second,) = [words for words in asked if first[1] in words and "2. " not in words]
    assert second.splitlines()[1] == f"1. {first[0]}"
    sent = len(painter.calls)
    assert run_bench(request(dialogues, out, painted(painter, tmp_path))).edited == 0
    assert len(painter.calls) == sent


def test_a_turn_that_is_refused_keeps_the_turns_before(dialogues: Path, tmp_path: Path) -> None:
    every = entries(dialogues)
    long = next(key for key, entry in every.items() if len(turns_of(entry)) == 3)
    last = turns_of(every[long])[2]

    async def careful(call: Call) -> web.StreamResponse:
        refuses = call.body["prompt"].endswith(last)
        return moderated("not this one") if refuses else picture(pictures(call)[0])

    server = EditServer(careful)
    try:
        run = run_bench(request(dialogues, tmp_path, painted(server, tmp_path), "world:oracle"))
    finally:
        server.close()
    assert len(outputs(tmp_path, long)) == 2
    assert run.coverage[0].missing == [f"{long} turn 3"]
    found = {item.key: item for item in run.results["robust"].runs[0].items}
    assert found[long].outcome == "refused"
    assert found[long].reason == "editor: turn 3: refused: not this one"


def test_the_oracle_tells_a_perfect_editor_from_one_that_does_nothing(
    dialogues: Path, tmp_path: Path
) -> None:
    for editor, share in (("world:true-target", 1.0), ("noop", 0.0)):
        run = run_bench(request(dialogues, tmp_path / editor, editor, "world:oracle"))
        result = run.results["robust"].runs[0]
        assert result.figures["yes"].micro == share
        assert any(note.startswith("STAND-IN: 6 dialogues") for note in result.notes)
        assert "not a judge" in run.notes[0]


def test_a_model_stands_in_and_is_marked(dialogues: Path, tmp_path: Path) -> None:
    async def say(call: Call) -> web.StreamResponse:
        content = call.body["messages"][-1]["content"]
        images = sum(part["type"] == "image_url" for part in content)
        if "turn 3:" in call.words:
            assert images == 4
            return answer("turn 1: no\nwhole: no")
        assert images == 3
        return answer("turn 1: carried out.\nwhole: yes") if call.number else answer(None, "content_filter")  # fmt: skip

    server = ScriptedServer(say)
    judge = f"stand-in:openai:judge@{server.url}?cache={tmp_path / 'calls.sqlite'}&concurrency=1"
    asked = request(dialogues, tmp_path / "out", "noop", judge)
    try:
        assert plan_bench(asked)["served_judge_calls"] == COUNT
        run = run_bench(asked)
    finally:
        server.close()
    result = run.results["robust"]
    assert result.context.judge.startswith("stand-in:openai:judge@")
    assert result.runs[0].unscored.get("refused", 0) <= 1
    assert any(note.startswith("STAND-IN") for note in result.runs[0].notes)
    with pytest.raises(UsageError, match="dialogues are judged by people"):
        run_bench(replace(asked, judge="world:tiny-judge", out=tmp_path / "other"))


def test_the_rating_page_takes_the_outputs_and_its_answers_are_scored(
    dialogues: Path, tmp_path: Path
) -> None:
    run_bench(request(dialogues, tmp_path / "out", "world:true-target"))
    folder = tmp_path / "out" / "outputs" / "run-0"
    found = read_table(dialogues / "multi_turn.json", "dialogue", dialogues, [folder])
    assert found.dropped == []
    assert len(found.items) == COUNT
    shown = found.items["1"].turns
    assert [turn.instruction for turn in shown] == turns_of(entries(dialogues)["1"])
    answers = tmp_path / "answers.jsonl"
    rows = [{"uid": key, "kind": "content_memory", "ratings": [{"rater": "a", "whole": key != "1"}]} for key in found.items]  # fmt: skip
    answers.write_text("\n".join(map(json.dumps, rows)))
    done = CliRunner().invoke(app, ["bench", "multi-turn", "--replies", str(answers), "--json"])
    assert json.loads(done.stdout)["micro"] == pytest.approx(5 / 6)


def test_a_folder_of_kinds_keeps_them_apart(dialogues: Path, tmp_path: Path) -> None:
    kinds = ("content_memory", "version_backtracking")
    for kind in kinds:
        some = [entry for entry in entries(dialogues).values() if entry["edit_type"] == kind]
        rows = {str(number): entry for number, entry in enumerate(some)}
        (tmp_path / f"{kind}.json").write_text(json.dumps(rows))
    asked = BenchRequest("multi-turn", tmp_path, "", tmp_path / "out", editor="noop", images=dialogues)  # fmt: skip
    run = run_bench(asked)
    for kind in kinds:
        folder = tmp_path / "out" / "outputs" / "run-0" / kind
        assert f"rate {tmp_path / kind}.json --sheet dialogue --images {dialogues} --edits {folder}" in run.notes[0]  # fmt: skip
        found = read_table(tmp_path / f"{kind}.json", "dialogue", dialogues, [folder])
        assert (len(found.items), found.dropped) == (2, [])


def test_a_leaderboard_shows_every_turn(dialogues: Path, tmp_path: Path) -> None:
    run_bench(request(dialogues, tmp_path / "a", "world:true-target", "world:oracle"))
    board = tmp_path / "board"
    done = CliRunner().invoke(app, ["bench", "leaderboard", str(tmp_path / "a"), "--sources", str(dialogues), "--out", str(board)])  # fmt: skip
    assert done.exit_code == 0, done.output
    turns = [len(turns_of(entry)) for entry in entries(dialogues).values()]
    (page,) = board.glob("cases-*.html")
    assert page.read_text().count('"data:image/png;base64') == COUNT + sum(turns)
    assert 'alt="after turn 1"' in (board / "leaderboard.html").read_text()


def test_an_editor_that_is_not_told_what_was_said_is_marked(
    dialogues: Path, tmp_path: Path
) -> None:
    folder = save_miniature("instruct-pix2pix", tmp_path / "pix2pix")
    cases = tmp_path / "multi_turn.json"
    cases.write_text(json.dumps({"1": entries(dialogues)["1"]}))
    asked = BenchRequest("multi-turn", cases, "world:oracle", tmp_path / "deaf", editor=f"diffusers:{folder}?steps=1", images=dialogues)  # fmt: skip
    result = run_bench(replace(asked, judge="")).notes[0]
    assert "instruction alone" in result
    told = replace(asked, judge="", editor=f"{asked.editor}&context=prompt", out=tmp_path / "told")
    assert "instruction alone" not in run_bench(told).notes[0]
    first, *later = (outputs(tmp_path / name, "1") for name in ("deaf", "told"))
    assert np.array_equal(first[0], later[0][0]), "nothing was said before the first turn"
    assert not np.array_equal(first[1], later[0][1])


def test_outputs_of_another_editor_are_checked_turn_by_turn(
    dialogues: Path, tmp_path: Path
) -> None:
    run_bench(request(dialogues, tmp_path / "out", "world:true-target"))
    folder = tmp_path / "out" / "outputs" / "run-0"
    theirs = replace(request(dialogues, tmp_path / "theirs", "", "world:oracle"), outputs=(folder,))
    assert run_bench(theirs).results["robust"].runs[0].figures["yes"].micro == 1.0
    (folder / "2_2.png").unlink()
    with pytest.raises(UsageError, match=r"1 missing \(first: 2 turn 2\)"):
        run_bench(theirs)
    allowed = run_bench(replace(theirs, allow_missing=True))
    assert allowed.results["robust"].runs[0].unscored == {"absent": 1}


def test_keys_that_leave_the_folder_are_named(dialogues: Path, tmp_path: Path) -> None:
    assert (dialogues / PLANS_FILE).is_file()
    entry = entries(dialogues)["1"]
    cases = tmp_path / "multi_turn.json"
    cases.write_text(json.dumps({"../../evil": entry, "fine": entry}))
    asked = BenchRequest("multi-turn", cases, "", tmp_path / "out", editor="noop", images=dialogues)
    with pytest.raises(UsageError, match="unsafe_key"):
        run_bench(asked)
