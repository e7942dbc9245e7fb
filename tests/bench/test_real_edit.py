"""Real-Edit: three questions a case, the script's unequal denominators, and RealPref-Bench beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.bench.conftest import Writer

from editloop.bench.scoring import Scoring, score_files, summary
from editloop.bench.tasks import load_task
from editloop.core.errors import UsageError

CASES = {
    "1.jpg": ["Add. 1: add: a hat", "Style. 2: make it a sketch"],
    "2.jpg": ["Remove. 1: remove the hat"],
}


def reply(axis: str, answer: str, score: str) -> str:
    return f"{{'{axis}': '{answer}', 'score': {score}}}"


def replies(*rows: tuple[str, str, str]) -> dict[str, str]:
    return {
        axis: reply(axis, answer, score)
        for axis, (answer, score) in zip(
            ("following", "consistent", "clear"), [(a, s) for a, s, *_ in rows], strict=True
        )
    }


def scored(task: str, cases: Path, path: Path, protocol: str) -> dict[str, Any]:
    return summary(score_files(load_task(task), [path], cases, Scoring(protocol)))  # type: ignore[arg-type]


def test_types_and_words_are_split_as_in_the_published_script(write: Writer) -> None:
    cases = load_task("real-edit").read_cases(write("c.json", CASES)).cases
    assert [(c.key, c.group, c.instructions) for c in cases] == [
        ("1.jpg#0", "Add", ("a hat",)),
        ("1.jpg#1", "Style", ("make it a sketch",)),
        ("2.jpg#0", "Remove", ("remove the hat",)),
    ]


def test_a_yes_counts_though_its_score_could_not_be_read(write: Writer) -> None:
    cases = write("c.json", CASES)
    good = {"following": reply("following", "yes", "4.5"), "consistent": reply("consistent", "no", "3.0"), "clear": reply("clear", "yes", "4.0")}  # fmt: skip
    whole = good | {"consistent": reply("consistent", "yes", "5")}  # a whole number stops the item
    silent = good | {"clear": None}
    path = write("r.json", {"1.jpg#0": good, "1.jpg#1": whole, "2.jpg#0": silent})
    official = scored("real-edit", cases, path, "official")
    assert official["printed"] == {
        "num": "2", "follow_yn": "1.00", "follow_score": "4.50", "keep_yn": "0.50", "keep_score": "3.00", "qua_yn": "1.00", "qua_score": "4.00",
    }  # fmt: skip
    assert official["micro"]["preserving_accuracy"] == 0.5
    assert official["micro"]["overall"] == pytest.approx((4.5 + 3 + 4) / 3)
    assert official["slips"] == {"flag_without_score": 1}
    assert official["n_scored"] == 1
    robust = scored("real-edit", cases, path, "robust")
    assert robust["micro"]["preserving"] == pytest.approx((3 + 5 + 3) / 3)
    assert robust["micro"]["quality"] == 4.0
    assert robust["unscored"] == {"failed": 1}
    assert robust["types"]["Style"]["overall"] == pytest.approx((4.5 + 5 + 4) / 3)
    assert "overall" not in robust["types"]["Remove"]
    assert robust["types"]["Remove"]["following"] == 4.5


@pytest.mark.parametrize("layout", ["image list", "triples", "parts", "underscore"])
def test_other_layouts_hold_the_same(write: Writer, layout: str) -> None:
    good = {"following": reply("following", "yes", "4.5"), "consistent": reply("consistent", "no", "3.5"), "clear": reply("clear", "yes", "4.0")}  # fmt: skip
    keys = ["1.jpg#0", "1.jpg#1", "2.jpg#0"]
    content: Any = {
        "image list": {"1.jpg": [good, good], "2.jpg": [good]},
        "triples": {key: list(good.values()) for key in keys},
        "parts": {name: dict.fromkeys(keys, text) for name, text in good.items()},
        "underscore": {key.replace("#", "_"): good for key in keys},
    }[layout]
    found = scored("real-edit", write("c.json", CASES), write("r.json", content), "official")
    assert found["printed"]["num"] == "3"
    assert found["macro"]["overall"] == pytest.approx(4.0)


def test_realpref_has_eight_tasks_and_no_published_script(write: Writer) -> None:
    cases = write(
        "c.json",
        [
            {"key": "a", "task": "relight", "instruction": "x", "image": "1.jpg"},
            {"key": "b", "task": "swap", "instruction": "x", "image": "2.jpg"},
            {"key": "c", "task": "color change", "instruction": "x", "image": "2.jpg"},
            {"key": "d", "instruction": "without a task"},
        ],
    )
    path = write("r.json", {"a": "Score: 4.5", "b": "3", "c": "as good as it gets"})
    found = scored("realpref", cases, path, "robust")
    assert found["types"] == {"swap": 3.0, "relighting": 4.5}
    assert found["unscored"] == {"unparsable": 1}
    assert any("1 cases were left out" in note for note in found["notes"])
    with pytest.raises(UsageError, match="no published scoring script"):
        scored("realpref", cases, path, "official")
    assert len(load_task("realpref").groups) == 8
