"""Dialogues judged by people or by a stand-in, DreamBench++-style judging, and a benchmark of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.bench.conftest import Writer

from editloop.bench.scoring import Scoring, score_files, summary
from editloop.bench.tasks import load_task
from editloop.core.errors import UsageError


def scored(task: str, cases: Path | None, replies: Path) -> dict[str, Any]:
    return summary(score_files(load_task(task), [replies], cases, Scoring("robust")))


def rated(uid: str, kind: str, *whole: bool | None) -> dict[str, Any]:
    """A line as the rating page exports it."""
    return {
        "uid": uid,
        "kind": kind,
        "source": f"{uid}.png",
        "turns": [{"instruction": "Add a hat.", "edited": "x.png"}, {"instruction": "Make it red.", "edited": "y.png"}],
        "ratings": [
            {"rater": f"r{n}", "turns": [{"done": True, "kept": answer}, {"done": answer}], "whole": answer}
            for n, answer in enumerate(whole)
        ],
    }  # fmt: skip


def test_people_answer_for_dialogues(write: Writer) -> None:
    lines = [
        rated("1", "content memory", True, True),
        rated("2", "content memory", True, False),
        rated("3", "version_backtracking", False, False),
        rated("4", "version_backtracking", None),
    ]
    path = write("ratings.jsonl", "\n".join(map(json.dumps, lines)))
    found = scored("multi-turn", None, path)
    assert found["types"] == {"content_memory": 0.75, "version_backtracking": 0.0}
    assert found["macro"] == pytest.approx(0.375)
    assert found["micro"] == pytest.approx(0.5)
    assert (found["n"], found["n_scored"]) == (4, 3)
    assert found["unscored"] == {"failed": 1}
    assert any("3 dialogues were judged by people" in note for note in found["notes"])
    assert not any("STAND-IN" in note for note in found["notes"])


def test_a_model_may_stand_in_and_is_marked(write: Writer, tmp_path: Path) -> None:
    entry = {
        "id": "a.png",
        "turn1": "Add a hat.",
        "turn2": "Make it red.",
        "turn3": "Take it away.",
    }
    for kind in ("content_memory", "content understanding"):
        (tmp_path / "dialogues").mkdir(exist_ok=True)
        (tmp_path / "dialogues" / f"{kind}.json").write_text(
            json.dumps({"1": entry, "2": entry | {"turn3": None}})
        )
    path = write("replies.json", {"content_memory/1": "Yes, every turn is right.", "content_memory/2": "No.", "content_understanding/1": "perhaps"})  # fmt: skip
    found = scored("multi-turn", tmp_path / "dialogues", path)
    assert found["types"] == {"content_memory": 0.5}
    assert found["unscored"] == {"unparsable": 1, "missing": 1}
    assert any("STAND-IN: 2 dialogues were judged by a model" in note for note in found["notes"])


def test_concept_preservation_and_prompt_following_multiply(write: Writer) -> None:
    cases = write("c.json", [{"key": "1", "category": "animal", "prompt": "on a beach", "image": "1.jpg"}, {"key": "2", "category": "style", "prompt": "x", "image": "2.jpg"}])  # fmt: skip
    path = write(
        "r.json",
        {
            "1": {"CP": "Score: 3", "PF": "Score: 2"},
            "2": {"CP": "Score: 4", "PF": "nothing to say"},
        },
    )
    found = scored("dreambench", cases, path)
    assert found["types"] == {"animal": {"CP·PF": 0.375, "CP": 0.75, "PF": 0.5}}
    assert found["unscored_items"][0]["reason"].startswith("PF: ")


def test_people_may_score_in_place_of_a_judge(write: Writer) -> None:
    cases = write("c.json", [{"key": key, "task": "relight", "instruction": "x", "image": f"{key}.jpg"} for key in "abcd"])  # fmt: skip
    rows = [
        {"uid": "a", "scale": [0, 5], "ratings": [{"rater": "1", "overall": 4, "quality": 1}, {"rater": "2", "overall": 5}]},
        {"uid": "b", "scale": [0, 5], "ratings": [{"rater": "1", "instruction": 2, "quality": 4, "seconds": 60}]},
        {"uid": "c", "scale": [0, 10], "ratings": [{"rater": "1", "overall": 8}]},
        {"uid": "d", "ratings": []},
    ]  # fmt: skip
    path = write("ratings.jsonl", "\n".join(map(json.dumps, rows)))
    found = scored("realpref", cases, path)
    assert found["micro"] == pytest.approx((4.5 + 3) / 2)
    assert {row["key"]: row["reason"] for row in found["unscored_items"]} == {
        "c": "other_scale",
        "d": "nobody_answered",
    }


def test_a_benchmark_of_ones_own(write: Writer, tmp_path: Path) -> None:
    rows = [
        {"key": "1", "instruction": "Add a hat.", "image": "1.jpg", "type": "add"},
        {"key": "2", "instruction": "Remove it.", "image": "1.jpg", "type": "remove"},
        {"image": "three.jpg", "prompt": "Paint it."},
        {"key": "1", "instruction": "again"},
        {"key": "5"},
    ]
    write("cases.jsonl", "\n".join(map(json.dumps, rows)))
    path = write(
        "r.json",
        {"1": "Score: 4", "2": "Instruction: 5\nPreservation: 4\nQuality: 3", "three": "Score: 9"},
    )
    found = scored("custom", tmp_path, path)
    assert found["types"] == {"add": 4.0, "remove": 4.0}
    assert found["unscored"] == {"unparsable": 1}
    assert sum("were left out" in note for note in found["notes"]) == 2
    with pytest.raises(UsageError, match="holds none of cases"):
        load_task("custom").read_cases(_empty(tmp_path))
    with pytest.raises(UsageError, match="holds no cases"):
        load_task("custom").read_cases(write("none.json", [{"a": 1}]))


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"
