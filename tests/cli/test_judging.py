"""`editloop judge` as people meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.test_app import editloop
from tests.judges.people.rated import write_rated

from editloop.cli.judging import people_scale_of
from editloop.records.formats.rated_edits import read_rated_edits


@pytest.mark.weights
def test_agreement_is_printed_as_json_and_rubbish_is_counted(tmp_path: Path) -> None:
    path = write_rated(tmp_path)
    path.write_text(path.read_text() + "\nrubbish\n")
    (tmp_path / "edited5.png").unlink()
    words = ("judge", str(path), "--against-people", "--answers", str(tmp_path / "a.sqlite"))
    done = editloop(*words, "--workers", "1", "--json")
    body = json.loads(done.stdout)
    assert body["dropped"] == {"not_json": 1, "missing_image": 1}
    assert (body["axes"]["overall"]["n_scored"], body["axes"]["overall"]["n"]) == (5, 6)
    again = editloop(*words)
    assert "5 of 6" in again.stdout
    assert "dropped 2: 1 not_json, 1 missing_image" in again.stderr


def test_an_unknown_judge_and_an_unreadable_file_are_usage_errors(tmp_path: Path) -> None:
    assert (
        "did you mean"
        in editloop(
            "judge", str(write_rated(tmp_path)), "--judge", "embedded:evidense", code=2
        ).stderr
    )
    assert "cannot read" in editloop("judge", str(tmp_path / "none.jsonl"), code=2).stderr
    bad = editloop("judge", str(tmp_path / "ratings.jsonl"), "--people-scale", "5", code=2)
    assert "LOW,HIGH" in bad.stderr


def test_the_scale_of_an_export_wins_over_a_guess_and_an_option_over_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_rated(tmp_path)
    assert people_scale_of(None, read_rated_edits(path)) == (0.0, 10.0)
    assert "narrowest usual one" in capsys.readouterr().err
    rows = [json.loads(line) | {"scale": [0, 20]} for line in path.read_text().splitlines()]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert people_scale_of(None, read_rated_edits(path)) == (0.0, 20.0)
    assert capsys.readouterr().err == ""
    assert people_scale_of("0,10", read_rated_edits(path)) == (0.0, 10.0)
    assert "overrides the scale that the file states, 0 to 20" in capsys.readouterr().err


def test_a_folder_without_its_file_and_a_bare_model_are_told_apart_from_a_wrong_name(
    tmp_path: Path,
) -> None:
    path = write_rated(tmp_path)
    (tmp_path / "half a judge").mkdir()
    folder = editloop("judge", str(path), "--judge", str(tmp_path / "half a judge"), code=2)
    assert "holds no judge.json" in folder.stderr
    model = editloop("judge", str(path), "--judge", "openai:gpt-4o", code=2)
    assert "rubric:imgedit@openai:gpt-4o" in model.stderr


def test_an_output_that_cannot_be_written_is_known_before_anything_is_judged(
    tmp_path: Path,
) -> None:
    path = write_rated(tmp_path)
    for words in (
        ("fit", str(path), "--out", str(path / "judge")),
        ("judge", str(path), "--against-people", "--card", str(path / "card.html")),
        ("judge", str(path), "--out", str(path / "verdicts")),
    ):
        done = editloop(*words, code=1)
        assert "cannot" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_label_that_no_edit_has_and_a_dead_endpoint_are_errors(tmp_path: Path) -> None:
    path = write_rated(tmp_path)
    words = ("judge", str(path), "--against-people", "--answers", str(tmp_path / "a.sqlite"))
    assert "did you mean 'kind'" in editloop(*words, "--by", "kinds", code=2).stderr
    spec = f"rubric:hp-base@openai:x@http://127.0.0.1:9/v1?attempts=1&cache={tmp_path / 'c.sqlite'}"
    dead = editloop(*words, "--judge", spec, code=1)
    assert "every call of the judge failed" in dead.stderr


def test_pairs_put_to_a_judge_of_single_edits_name_the_judge_of_pairs(tmp_path: Path) -> None:
    row = {"instruction": "x", "source": "a.png", "first": "b.png", "second": "c.png"}
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(row))
    assert "rubric:pair@VLM" in editloop("judge", str(path), code=2).stderr
