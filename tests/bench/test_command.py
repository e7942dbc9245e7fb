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


@pytest.mark.parametrize(
    "task",
    ["imgedit", "uge", "gedit", "real-edit", "multi-turn", "realpref", "dreambench", "custom"],
)
@pytest.mark.parametrize("content", [{}, [], [1, "x"]])
def test_a_file_without_cases_is_no_benchmark(
    task: str, content: object, write: Writer, replies: Path
) -> None:
    cases = write("cases.json", content)
    for words in (
        ("--replies", str(replies)),
        ("--editor", "noop", "--judge", "world:oracle", "--plan"),
    ):
        if words[0] == "--editor" and task == "multi-turn":
            continue
        with pytest.raises(UsageError, match=r"holds (no|a list)"):
            run(task, "--cases", str(cases), *words)


def test_replies_of_another_benchmark_are_named(imgedit_cases: Path, write: Writer) -> None:
    other = write("gedit.json", {"abc": {"SC": "[8, 6]", "PQ": "[6, 7]"}})
    for protocol in ("official", "robust"):
        done = run("imgedit", "--cases", str(imgedit_cases), "--replies", str(other), "--protocol", protocol, "--json")  # fmt: skip
        notes = json.loads(done)["notes"]
        assert any("another benchmark? The first is of 'abc', the first case is '1'" in note for note in notes)  # fmt: skip


def test_unscored_items_say_why_on_the_terminal(imgedit_cases: Path, write: Writer) -> None:
    replies = write("r.json", {"1": "I cannot help with that.", "2": "4/4/4", "77": "x"})
    done = RUNNER.invoke(app, ["bench", "imgedit", "--cases", str(imgedit_cases), "--replies", str(replies)])  # fmt: skip
    assert "0 scored of 9: 7 missing (no_reply), 1 refused (refusal), 1 unparsable" in done.stderr
    assert "1 replies belong to no case (first: '77')" in done.stderr


def test_what_ends_the_script_is_not_dropped_silently(imgedit_cases: Path, write: Writer) -> None:
    replies = write("r.json", {"1": three(4, 4, 4), "2": {"error": "x"}, "3": None, "4": "nothing"})
    found = json.loads(run("imgedit", "--cases", str(imgedit_cases), "--replies", str(replies), "--protocol", "official", "--json"))  # fmt: skip
    assert (found["silently_dropped"], len(found["script_stops_at"])) == (1, 2)


def test_names_of_editors_are_inert_in_every_export(
    imgedit_cases: Path, replies: Path, tmp_path: Path
) -> None:
    name = "=A_b & 50% <script>alert(1)</script> | ~^"
    run("imgedit", "--cases", str(imgedit_cases), "--replies", str(replies), "--protocol", "robust", "--editor-name", name, "--out", str(tmp_path / "a.json"))  # fmt: skip
    files = [tmp_path / f"t.{ending}" for ending in ("csv", "tex", "json")]
    run("leaderboard", str(tmp_path / "a.json"), "--out", str(tmp_path / "board"), *(word for file in files for word in ("--export", str(file))))  # fmt: skip
    csv, tex, made = (file.read_text() for file in files)
    assert "'=A_b" in csv
    assert r"=A\_b \& 50\% \textless{}script\textgreater{}alert(1)\textless{}/script\textgreater{} \textbar{}" in tex  # fmt: skip
    assert json.loads(made)["rows"][0]["editor"] == name
    for page in (tmp_path / "board").glob("*.html"):
        assert "<script>alert(1)" not in page.read_text()


def test_a_kept_result_keeps_its_runs_its_editor_and_its_judge(
    imgedit_cases: Path, tmp_path: Path, write: Writer
) -> None:
    files = [write(f"r{n}.json", {"1": three(n, n, n)}) for n in (2, 4)]
    words = ("imgedit", "--cases", str(imgedit_cases), "--protocol", "robust", "--json")
    out = tmp_path / "kept.json"
    run(*words, *(word for file in files for word in ("--replies", str(file))), "--editor-name", "ours", "--judge", "gpt-4o", "--out", str(out))  # fmt: skip
    again = json.loads(run(*words, "--replies", str(out)))
    assert (again["macro"], again["runs"]["n"]) == (3.0, 2)
    assert (again["editor"], again["context"]["judge"]) == ("ours", "gpt-4o")
    other = json.loads(run(*words, "--replies", str(out), "--judge", "gpt-4.1"))
    assert other["context"]["judge"] == "gpt-4.1"
