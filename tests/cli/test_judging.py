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
