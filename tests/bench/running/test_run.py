"""`editloop bench` with an editor or a folder of outputs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from editloop.bench.results import read_result
from editloop.bench.running import BenchRequest, run_bench
from editloop.bench.running.items import PLANS_FILE
from editloop.bench.scoring import intervals
from editloop.cli.app import app
from editloop.core.errors import EditloopError, UsageError


def bench(*words: object) -> Result:
    return CliRunner().invoke(app, ["bench", "imgedit", *map(str, words), "--json"])


def request(folder: Path, out: Path, **options: object) -> BenchRequest:
    given = {"editor": "noop", "judge": "world:oracle"} | options
    return BenchRequest("imgedit", folder / "basic_edit.json", out=out, **given)


@pytest.fixture(scope="module")
def runs(storybook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three editors, judged by the oracle."""
    out = tmp_path_factory.mktemp("runs")
    for editor in ("noop", "world:true-target", "world:broken-editor"):
        run_bench(request(storybook, out / editor.rpartition(":")[2], editor=editor))
    return out


def test_editors_of_known_quality_come_out_in_order(runs: Path) -> None:
    noop, perfect, broken = (
        read_result(runs / name / "result.json")
        for name in ("noop", "true-target", "broken-editor")
    )
    for metric, above, below in (
        ("score", perfect, broken),
        ("score", perfect, noop),
        ("instruction", perfect, broken),
        ("instruction", perfect, noop),
        ("preservation", perfect, broken),
        ("preservation", noop, broken),
        ("quality", perfect, broken),
        ("quality", noop, broken),
    ):
        high, low = intervals(above, metric), intervals(below, metric)
        assert high is not None
        assert low is not None
        assert high.macro.low > low.macro.high, metric
    touched = intervals(noop, "preservation"), intervals(perfect, "preservation")
    assert touched[0] is not None
    assert touched[1] is not None
    assert touched[0].macro.value == pytest.approx(touched[1].macro.value, abs=0.05)


def test_a_second_call_edits_and_judges_nothing(storybook: Path, runs: Path) -> None:
    before = (runs / "noop" / "result.json").read_bytes()
    again = run_bench(request(storybook, runs / "noop"))
    assert (again.edited, again.judged) == (0, 0)
    assert (runs / "noop" / "result.json").read_bytes() == before


def test_another_judge_keeps_the_edits(storybook: Path, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "noop", tmp_path / "noop")
    run = run_bench(request(storybook, tmp_path / "noop", judge="world:base-scorer"))
    assert run.edited == 0
    assert run.judged == 18


def test_runs_have_seeds_of_their_own_and_outputs_the_official_names(
    storybook: Path, tmp_path: Path
) -> None:
    found = bench("--cases", storybook / "basic_edit.json", "--editor", "world:broken-editor", "--judge", "world:oracle", "--out", tmp_path, "--seeds", 2, "--limit", 9)  # fmt: skip
    assert found.exit_code == 0, found.output
    body = json.loads(found.stdout)
    assert body["n"] == 9
    assert body["runs"]["n"] == 2
    first, second = (sorted((tmp_path / "outputs" / f"run-{run}").iterdir()) for run in (0, 1))
    assert [path.name for path in first] == [path.name for path in second]
    assert {path.suffix for path in first} == {".png"}
    assert any(a.read_bytes() != b.read_bytes() for a, b in zip(first, second, strict=True))
    assert "not a judge" in body["run_notes"][0]


def test_outputs_are_checked_before_a_judge_is_asked(
    storybook: Path, runs: Path, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs"
    shutil.copytree(runs / "true-target" / "outputs" / "run-0", outputs)
    (outputs / "1.png").unlink()
    (outputs / "2.png").rename(outputs / "0002.jpg")
    (outputs / "3.png").write_bytes(b"no image")
    shutil.copyfile(outputs / "4.png", outputs / "stranger.png")
    words = ("--cases", storybook / "basic_edit.json", "--outputs", outputs, "--judge", "world:oracle", "--out", tmp_path / "out")  # fmt: skip
    refused = bench(*words)
    assert isinstance(refused.exception, UsageError)
    told = str(refused.exception)
    assert "15 of 18 outputs found" in told
    assert "2 missing (first: 1)" in told
    assert "2 is called 0002.jpg" in told
    assert "1 damaged (first: 3: not_an_image)" in told
    assert not (tmp_path / "out").exists()
    allowed = bench(*words, "--allow-missing")
    assert allowed.exit_code == 0, allowed.output
    body = json.loads(allowed.stdout)
    assert body["unscored"] == {"absent": 3}
    assert body["n_scored"] == 15
    assert body["coverage"][0]["strangers"] == ["stranger.png"]


def test_wrong_sizes_are_named_and_judged(storybook: Path, runs: Path, tmp_path: Path) -> None:
    from PIL import Image

    outputs = tmp_path / "outputs"
    shutil.copytree(runs / "true-target" / "outputs" / "run-0", outputs)
    Image.open(outputs / "1.png").resize((40, 48)).save(outputs / "1.png")
    run = run_bench(request(storybook, tmp_path / "out", editor="", outputs=(outputs,)))
    assert run.coverage[0].wrong_size == {"1": "40x48 against 32x32"}
    assert run.results["verdict"].runs[0].unscored == {}


def test_one_folder_of_outputs_a_run(storybook: Path, runs: Path, tmp_path: Path) -> None:
    folders = [runs / name / "outputs" / "run-0" for name in ("true-target", "noop")]
    words = [word for folder in folders for word in ("--outputs", folder)]
    found = bench("--cases", storybook / "basic_edit.json", *words, "--judge", "world:oracle", "--out", tmp_path)  # fmt: skip
    assert found.exit_code == 0, found.output
    body = json.loads(found.stdout)
    assert body["runs"]["n"] == 2
    assert body["runs"]["score macro"]["each"] == [pytest.approx(5.0, abs=0.05), 1.0]
    assert body["macro"]["score"] == pytest.approx(3.0, abs=0.05)
    assert body["made_now"]["edits"] == 0


def test_a_refusal_is_an_outcome_of_its_own(storybook: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cases"
    shutil.copytree(storybook, folder)
    lines = (folder / PLANS_FILE).read_text().splitlines()
    (folder / PLANS_FILE).write_text("\n".join(lines[1:]))
    run = run_bench(request(folder, tmp_path / "out", editor="world:true-target", judge="world:base-scorer"))  # fmt: skip
    found = run.results["verdict"].runs[0]
    assert found.unscored == {"refused": 1}
    assert next(i.reason for i in found.items if i.key == "1").startswith("editor: no_plan")
    (folder / PLANS_FILE).unlink()
    with pytest.raises(EditloopError, match="nothing to judge: none of 18"):
        run_bench(request(folder, tmp_path / "none", editor="world:true-target"))


def test_plan_spends_nothing(storybook: Path, tmp_path: Path) -> None:
    found = bench("--cases", storybook / "basic_edit.json", "--editor", "noop", "--judge", "world:oracle", "--out", tmp_path / "out", "--seeds", 3, "--plan")  # fmt: skip
    assert json.loads(found.stdout) | {"edits": 54, "verdicts": 54, "served_judge_calls": 0} == json.loads(found.stdout)  # fmt: skip
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--editor", "noop"), "--judge SPEC"),
        (("--editor", "noop", "--judge", "world:oracle", "--images", "nowhere"), "none of 18 source images is in nowhere"),
        (("--editor", "noop", "--outputs", "x", "--judge", "world:oracle"), "got both"),
        (("--editor", "world:tiny-editr", "--judge", "world:oracle"), "tiny-editor"),
    ],
)  # fmt: skip
def test_mistakes_are_named(
    storybook: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    found = bench("--cases", storybook / "basic_edit.json", "--out", tmp_path / "out", *words)
    assert isinstance(found.exception, EditloopError)
    assert told in str(found.exception)


@pytest.mark.slow
def test_killed_and_resumed_nothing_is_done_twice(storybook: Path, tmp_path: Path) -> None:
    """Killed while judging: the second call makes no edit, and only the verdicts that are not in the journal."""
    words = ["bench", "imgedit", "--cases", str(storybook / "basic_edit.json"), "--editor", "world:broken-editor", "--judge", "world:oracle", "--out", str(tmp_path), "--seeds", "4", "--json"]  # fmt: skip
    command = [sys.executable, "-m", "editloop", *words]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": path}
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)  # fmt: skip
    journal = tmp_path / "run" / "journal.sqlite"
    deadline = time.monotonic() + 120
    while rows(journal, "judge") < 10:
        assert job.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    job.send_signal(signal.SIGKILL)
    job.wait()
    kept = rows(journal, "judge")
    assert kept < 72
    finished = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    body = json.loads(finished.stdout)
    assert body["made_now"] == {"edits": 0, "verdicts": 72 - kept}
    assert body["n_scored"] == 18


def rows(journal: Path, stage: str) -> int:
    if not journal.exists():
        return 0
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as connection:
        try:
            query = "SELECT count(*) FROM outcome JOIN stage ON outcome.stage = stage.id WHERE stage.name = ?"
            return int(connection.execute(query, (stage,)).fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def test_a_wrong_editor_or_judge_costs_no_edit(storybook: Path, tmp_path: Path) -> None:
    words = ("--cases", storybook / "basic_edit.json", "--out", tmp_path / "out")
    for editor, judge, told in (
        ("nop", "world:oracle", "did you mean 'noop'?"),
        ("noop", "world:oracel", "no judge is called 'world:oracel'"),
    ):
        done = bench(*words, "--editor", editor, "--judge", judge)
        assert told in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_names_with_spaces_and_of_any_script(storybook: Path, runs: Path, tmp_path: Path) -> None:
    outputs = tmp_path / "out puts" / "\u7f16\u8f91 \u00dcn\u00ef"
    shutil.copytree(runs / "true-target" / "outputs" / "run-0", outputs)
    out = tmp_path / "\u7ed3\u679c 1"
    done = bench("--cases", storybook / "basic_edit.json", "--outputs", outputs, "--judge", "world:oracle", "--out", out)  # fmt: skip
    assert json.loads(done.stdout)["macro"]["score"] == 5.0
    board = CliRunner().invoke(app, ["bench", "leaderboard", str(out), "--sources", str(storybook), "--out", str(tmp_path / "board")])  # fmt: skip
    assert board.exit_code == 0, board.output
    (page,) = (tmp_path / "board").glob("cases-*.html")
    assert page.read_text().count('"data:image/png;base64') == 2 * 18, "outputs of the folder too"
