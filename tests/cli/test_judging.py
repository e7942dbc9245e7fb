"""`editloop judge` as people meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.test_app import editloop
from tests.judges.people.rated import write_rated


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
