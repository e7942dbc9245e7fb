"""Comparing results: refusing unequal contexts, paired tests, drift of a judge, and the files they are kept in."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bench.conftest import Writer, case, three

from editloop.bench.compare import compare_results, drift_of, verdict_of
from editloop.bench.context import ScoreContext, grouped_by_context, require_comparable
from editloop.bench.results import BenchResult, read_result, write_result
from editloop.bench.scoring import Scoring, score_files, summary
from editloop.bench.tasks import load_task
from editloop.core.errors import UsageError

Maker = Callable[..., BenchResult]


@pytest.fixture
def make(write: Writer) -> Maker:
    cases = {str(n): case("add" if n % 2 else "style", f"{n // 2}.jpg") for n in range(120)}
    path = write("cases.json", cases)

    def make(name: str, shift: int, seed: int = 0, **options: str) -> BenchResult:
        rng = random.Random(seed)
        replies = {}
        for key, entry in cases.items():
            score = min(5, max(1, rng.choice([2, 3, 3, 4]) + shift * (rng.random() < 0.6)))
            replies[key] = three(score, score, score, entry["edit_type"])
        judge = {"judge": "gpt-4o", "judge_version": "1"} | options
        scoring = Scoring("robust", judge=judge)
        return score_files(
            load_task("imgedit"), [write(f"{name}.json", replies)], path, scoring, name
        )

    return make


def test_a_better_editor_is_called_better(make: Maker) -> None:
    plain, better = make("plain", 0), make("better", 1)
    found = compare_results(plain, better)
    assert found.p_value < 0.001
    assert found.estimate.n == 120
    assert verdict_of(found, "plain", "better").startswith("better is better than plain")
    equal = compare_results(make("a", 0, seed=1), make("b", 0, seed=2))
    assert verdict_of(equal, "a", "b").startswith("no difference shown")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("judge", "gpt-4.1"),
        ("judge_version", "2"),
        ("prompt_version", "x"),
        ("image_encoding", "jpeg-75"),
    ],
)
def test_unequal_judges_are_not_compared(make: Maker, field: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"not comparable: {field.replace('_', ' ')}:"):
        compare_results(make("a", 0), make("b", 0, **{field: value}))


@pytest.mark.parametrize(
    "field", ["task", "task_version", "cases", "subset", "protocol", "cap", "temperature"]
)
def test_every_field_of_the_context_keeps_numbers_apart(field: str) -> None:
    one = ScoreContext(task="imgedit", task_version="1", cases="x")
    other = one.model_copy(update={field: "other"})
    with pytest.raises(UsageError, match="not comparable"):
        require_comparable({"a": one, "b": other})
    assert grouped_by_context({"a": one, "b": other, "c": one}) == {one: ["a", "c"], other: ["b"]}
    require_comparable({"a": one, "c": one})


def test_a_judge_that_has_moved_is_found_and_one_that_has_not_is_not(make: Maker) -> None:
    pinned = make("pinned", 0, seed=1)
    still = drift_of(pinned, make("again", 0, seed=1, judge_version="2"))
    assert not still.moved
    assert (still.same, still.close, still.n) == (1.0, 1.0, 120)
    moved = drift_of(pinned, make("later", 1, seed=1, judge_version="2"))
    assert moved.moved
    assert moved.shift.low > 0
    assert moved.same < 1
    with pytest.raises(UsageError, match="image encoding"):
        drift_of(pinned, make("other", 0, image_encoding="jpeg"))


def test_a_result_survives_the_disk_with_every_raw_reply(make: Maker, tmp_path: Path) -> None:
    result = make("plain", 0)
    again = read_result(write_result(result, tmp_path / "out" / "r.json"))
    assert again == result
    assert summary(again) == summary(result)
    assert again.runs[0].items[0].reply.startswith("Brief reasoning")


def test_other_files_are_no_results(write: Writer, make: Maker, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no result of `editloop bench`"):
        read_result(write("x.json", {"a": 1}))
    with pytest.raises(UsageError, match="cannot read"):
        read_result(tmp_path / "none.json")
    path = write_result(make("a", 0), tmp_path / "r.json")
    content = json.loads(path.read_text())
    del content["runs"][0]["items"][0]["key"]
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="damaged"):
        read_result(path)


def test_results_without_a_common_item_cannot_be_compared(make: Maker) -> None:
    one = make("a", 0)
    assert one.context.unrecorded == ["prompt_version", "temperature", "image_encoding"]
    empty = BenchResult(one.editor, one.context, one.metrics, one.headline, one.scales, ())
    with pytest.raises(UsageError, match="share no scored item"):
        compare_results(one, empty)
    with pytest.raises(UsageError, match="has no metric 'beauty'"):
        compare_results(one, one, "beauty")
