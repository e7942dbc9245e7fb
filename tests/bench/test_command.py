"""`editloop bench` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.bench.conftest import Writer, three
from typer.testing import CliRunner

from editloop.cli.app import app
from editloop.core.errors import UsageError

RUNNER = CliRunner()


def run(*words: str, code: int = 0) -> str:
    done = RUNNER.invoke(app, ["bench", *words])
    if isinstance(done.exception, UsageError):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture
def replies(write: Writer) -> Path:
    return write("result.json", {"1": three(4, 4, 4), "2": "no", "7": three(5, 4, 3, "style")})


def test_one_protocol_prints_one_object(imgedit_cases: Path, replies: Path) -> None:
    words = ("imgedit", "--cases", str(imgedit_cases), "--replies", str(replies), "--json")
    found = json.loads(run(*words, "--protocol", "official"))
    assert found["types"] == {"add": 4.0, "style": 4.0}
    assert {"macro", "micro", "n", "unscored", "silently_dropped"} <= set(found)
    both = json.loads(run(*words))
    assert set(both) == {"official", "robust"}
    assert both["official"] == found


def test_tables_stand_side_by_side(imgedit_cases: Path, replies: Path) -> None:
    text = run("imgedit", "--cases", str(imgedit_cases), "--replies", str(replies))
    assert "official" in text
    assert "robust" in text
    assert "2 scored of 9, 6 missing, 1 unparsable" in text


def test_results_are_kept_and_compared(
    imgedit_cases: Path, replies: Path, tmp_path: Path, write: Writer
) -> None:
    worse = write("worse.json", {"1": three(2, 2, 2), "7": three(2, 2, 2, "style")})
    out = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, file in zip((replies, worse), out, strict=True):
        run("imgedit", "--cases", str(imgedit_cases), "--replies", str(path), "--out", str(file))
    assert (tmp_path / "a.official.json").is_file()
    found = json.loads(run("compare", str(out[0]), str(out[1]), "--json"))
    assert found["difference"]["macro"]["value"] == -2.0
    assert (found["n"], found["n_first"], found["worse"]) == (2, 2, 2)
    assert "macro mean" in run("compare", str(out[0]), str(out[1]))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "result.json").write_bytes(out[1].read_bytes())
    assert "macro mean" in run("compare", str(out[0]), str(tmp_path / "folder"))
    assert "no drift found" in run("drift", str(out[0]), str(out[0]))
    assert "the judge has moved" in run("drift", str(out[0]), str(out[1]), code=1)
    with pytest.raises(UsageError, match="protocol: robust against official"):
        run("compare", str(out[0]), str(tmp_path / "a.official.json"))


def test_several_runs_have_an_interval_over_runs(imgedit_cases: Path, write: Writer) -> None:
    words = ["imgedit", "--cases", str(imgedit_cases), "--protocol", "robust"]
    for score in (3, 4, 5):
        words += ["--replies", str(write(f"{score}.json", {"1": three(score, score, score)}))]
    assert "3 runs, robust, interval over runs: macro 3.00, 4.00, 5.00 [1.52, 6.48]" in run(*words)


def test_gedit_prints_every_language_and_subset(write: Writer) -> None:
    rows = [
        {"key": f"{lang}{n}", "task_type": "ps_human", "instruction": "x", "instruction_language": lang, "Intersection_exist": n == 0}
        for lang in ("en", "cn")
        for n in range(2)
    ]  # fmt: skip
    text = '{"score": [8, 6]}'
    path = write("r.json", {row["key"]: {"SC": text, "PQ": text} for row in rows})
    words = (
        "gedit",
        "--cases",
        str(write("c.json", rows)),
        "--replies",
        str(path),
        "--protocol",
        "robust",
    )
    found = json.loads(run(*words, "--json"))
    assert set(found["splits"]) == {
        "en/fullset",
        "en/intersection",
        "cn/fullset",
        "cn/intersection",
    }
    assert found["splits"]["cn/intersection"]["O"]["n"] == 1
    assert found["context"]["subset"] == "en/fullset"
    assert "cn/intersection" in run(*words)


def test_published_figures_are_listed() -> None:
    rows = json.loads(run("reference", "imgedit", "--json"))
    assert len(rows) == 46
    assert {row["weighting"] for row in rows} == {"macro", "micro", "both", "neither", "unstated"}
    assert "GPT-4o with HP-Scorer" in run("reference", "realpref")
    with pytest.raises(UsageError, match="no published figures of 'nothing'"):
        run("reference", "nothing")


def test_what_cannot_be_meant_is_refused(imgedit_cases: Path, replies: Path) -> None:
    words = ("imgedit", "--cases", str(imgedit_cases), "--replies", str(replies))
    with pytest.raises(UsageError, match="did you mean 'robust'"):
        run(*words, "--protocol", "robst")
    with pytest.raises(UsageError, match="--cap takes prompt, enforced"):
        run(*words, "--cap", "none")
    with pytest.raises(UsageError, match="add --replies FILE"):
        run("imgedit", "--cases", str(imgedit_cases))


def test_a_leaderboard_of_kept_results(imgedit_cases: Path, tmp_path: Path, write: Writer) -> None:
    files = []
    for name, score in (("bad", 2), ("good", 4)):
        content = {
            str(n): three(score, score, score, "add" if n < 6 else "style") for n in range(1, 10)
        }
        path, out = write(f"{name}.json", content), tmp_path / f"{name}.result.json"
        run(
            "imgedit",
            "--cases",
            str(imgedit_cases),
            "--replies",
            str(path),
            "--out",
            str(out),
            "--judge",
            "j",
        )
        files.append(str(out))
    board, table = tmp_path / "board", tmp_path / "t.csv"
    words = (
        "leaderboard",
        *files,
        "--out",
        str(board),
        "--export",
        str(table),
        "--export",
        str(tmp_path / "t.tex"),
    )
    found = json.loads(run(*words, "--json"))
    assert [row["editor"] for row in found["rows"]] == ["good", "bad"]
    assert [row["ranks"] for row in found["rows"]] == [[1, 1], [2, 2]]
    assert found["pairs"][0]["difference"][0] == 2.0
    assert table.read_text().splitlines()[1].startswith("good,1,1,4,4,4,")
    assert r"good & \textbf{4.00}" in (tmp_path / "t.tex").read_text()
    assert "imgedit-firered" in (board / "leaderboard.html").read_text(), (
        "published rows stand in a block of their own"
    )
    assert (board / "cases-1-good.html").is_file()
    with pytest.raises(UsageError, match="not comparable: protocol"):
        run("leaderboard", files[0], files[1].replace(".json", ".official.json"))
    split = json.loads(
        run(
            "leaderboard",
            files[0],
            files[1].replace(".json", ".official.json"),
            "--split",
            "--json",
        )
    )
    assert len(split) == 2
    with pytest.raises(UsageError, match="--export writes"):
        run("leaderboard", files[0], "--export", str(tmp_path / "t.xls"))
    with pytest.raises(UsageError, match="two results are called"):
        run("leaderboard", files[0], files[0])
