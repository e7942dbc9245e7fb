"""ImgEdit-Bench from kept replies: the published arithmetic to the digit, and what it hides."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.conftest import Writer, case, three

from editloop.bench.replies import Replies
from editloop.bench.scoring import Scoring, score_files, summary
from editloop.bench.tasks import load_task
from editloop.bench.tasks.base import Request
from editloop.core.errors import UsageError
from editloop.judges.parsing.protocols import IMGEDIT_AXES


def scored(
    cases: Path | None, replies: Path, protocol: str, task: str = "imgedit", **options: Any
) -> dict[str, Any]:
    scoring = Scoring(protocol, **options)  # type: ignore[arg-type]
    return summary(score_files(load_task(task), [replies], cases, scoring))


def published(replies: dict[str, str], types: dict[str, str]) -> dict[str, float]:
    """Two steps as the specification words them: digits behind the only colon and space of a line, means, rounding."""
    by_type: dict[str, list[float]] = {}
    for key, reply in replies.items():
        numbers = []
        for line in reply.splitlines():
            _head, *tail = line.strip().split(": ")
            if len(tail) == 1 and tail[0].isdigit():
                numbers.append(int(tail[0]))
        if numbers and key in types:
            by_type.setdefault(types[key], []).append(round(sum(numbers) / len(numbers), 2))
    return {name: round(sum(items) / len(items), 2) for name, items in by_type.items()}


def test_official_and_robust_on_replies_of_every_kind(imgedit_cases: Path, write: Writer) -> None:
    replies = {
        "1": three(5, 4, 4),
        "2": three(1, 4, 4),  # breaks the cap
        "3": "**Prompt Compliance**: 4/5\n**Visual Naturalness**: 4/5\n**Physical & Detail Coherence**: 4/5",
        "4": "I'm sorry, but I can't assist with that request.",
        "6": three(4, 3, 3, "style"),
        "7": "Style Fidelity: 5 (all of it)\nContent Preservation: 4\nRendering Quality: 4",
        "8": "",
        "stranger": three(1, 1, 1),
    }
    path = write("result.json", replies)
    official = scored(imgedit_cases, path, "official")
    assert official["types"] == {"add": 3.67, "style": 3.67}
    assert official["macro"] == pytest.approx(3.67)
    assert official["micro"] == pytest.approx((4.33 + 3.0 + 3.33 + 4.0) / 4)
    assert (official["n"], official["n_scored"], official["silently_dropped"]) == (9, 4, 3)
    assert official["unscored"] == {"unparsable": 3, "missing": 2}
    assert official["slips"] == {"axes_lost": 1, "cap_not_enforced": 1, "item_dropped": 3}
    assert official["extra_replies"] == ["stranger"]
    assert official["script_stops_at"] == []
    robust = scored(imgedit_cases, path, "robust")
    assert robust["types"]["add"] == pytest.approx((13 / 3 + 3 + 4) / 3)
    assert robust["types"]["style"] == pytest.approx((10 / 3 + 13 / 3) / 2)
    assert robust["unscored"] == {"refused": 1, "unparsable": 1, "missing": 2}
    assert {row["reason"] for row in robust["unscored_items"]} == {"refusal", "empty", "no_reply"}
    assert robust["unscored_reasons"] == {"refusal": 1, "empty": 1, "no_reply": 2}
    low, high = robust["intervals"]["types"]["add"]
    assert low <= robust["types"]["add"] <= high


def test_the_cap_is_enforced_on_request_only(imgedit_cases: Path, write: Writer) -> None:
    path = write("result.json", {"1": three(1, 4, 4)})
    assert scored(imgedit_cases, path, "robust")["macro"] == 3.0
    capped = scored(imgedit_cases, path, "robust", cap="enforced")
    assert capped["macro"] == 1.0
    assert capped["slips"] == {"cap_broken": 1}
    assert capped["context"]["cap"] == "enforced"
    with pytest.raises(UsageError, match="never enforce the cap"):
        scored(imgedit_cases, path, "official", cap="enforced")


@pytest.mark.parametrize(
    ("value", "stops"),
    [
        (None, "null"),
        (5, "int"),
        ([three(5, 5, 5)], "list"),
        ({"error": "timed out"}, "dict"),
        ("Prompt Compliance: ²", "digits"),
        (True, "bool"),
    ],
)
def test_where_the_published_script_would_end_with_an_error_the_figures_say_so(
    imgedit_cases: Path, write: Writer, value: Any, stops: str
) -> None:
    path = write("result.json", {"1": value, "2": three(4, 4, 4)})
    official = scored(imgedit_cases, path, "official")
    assert len(official["script_stops_at"]) == 1
    assert stops in official["script_stops_at"][0]
    assert official["types"] == {"add": 4.0}


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ([three(5, 5, 5), three(3, 3, 3)], 4.0),  # the judge was asked twice
        ([three(5, 5, 5), "I cannot assist with that."], 5.0),
        ({"choices": [{"message": {"content": three(4, 4, 4)}}]}, 4.0),
        ({"reply": three(2, 2, 2)}, 2.0),
        ([{"type": "text", "text": three(3, 3, 3)}], 3.0),
        ({"Prompt Compliance": 4, "Visual Naturalness": 3, "Physical & Detail Coherence": 2}, 3.0),
        ([5, 4, 3], 4.0),
        ({"score": three(3, 3, 3)}, 3.0),
        (None, None),
        (4, None),
        ({}, None),
        ([], None),
        ({"error": "rate limit"}, None),
        (True, None),
    ],
)
def test_robust_finds_the_text_in_whatever_was_kept(
    imgedit_cases: Path, write: Writer, value: Any, score: float | None
) -> None:
    robust = scored(imgedit_cases, write("r.json", {"1": value}), "robust")
    assert robust["macro"] == score
    if score is None:
        assert robust["unscored"]["failed"] == 1


def test_a_reply_is_found_under_the_name_of_its_picture(imgedit_cases: Path, write: Writer) -> None:
    path = write("r.json", {"out/1.png": three(4, 4, 4), "2.PNG": three(2, 2, 2)})
    assert scored(imgedit_cases, path, "robust")["types"] == {"add": 3.0}
    assert scored(imgedit_cases, path, "official")["types"] == {}, (
        "the published script looks for the key alone"
    )


LINES = st.one_of(
    st.builds("{}: {}".format, st.text(max_size=8), st.integers(0, 12)),
    st.builds(
        "{}: {}".format, st.sampled_from(["Prompt Compliance", "x: y", ""]), st.text(max_size=4)
    ),
    st.text(max_size=20),
)
REPLIES = st.dictionaries(
    st.sampled_from([str(n) for n in range(12)]),
    st.lists(LINES, max_size=5).map("\n".join),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(REPLIES)
def test_official_equals_the_published_arithmetic_on_any_text(replies: dict[str, str]) -> None:
    types = {str(n): ("add", "style", "remove")[n % 3] for n in range(10)}
    path_free = Replies(replies)
    task = load_task("imgedit")
    cases = _case_set(types)
    try:
        expected = published(replies, types)
    except ValueError:
        expected = None  # digits such as a raised 2
    run = task.official(Request(path_free, cases))
    task.robust(Request(path_free, cases))  # never raises
    if expected is None:
        assert run.stops
    else:
        assert run.figures["score"].groups == expected
        assert list(run.figures["score"].groups) == list(expected)


def _case_set(types: dict[str, str]) -> Any:
    from editloop.bench.cases import BenchCase, CaseSet

    return CaseSet(tuple(BenchCase(key, kind, ("Do.",), key) for key, kind in types.items()), {})


def test_uge_counts_every_reply_and_cannot_read_its_own_example(write: Writer) -> None:
    cases = write(
        "UGE_edit.json", {"1": {"id": "a.jpg", "prompt": "x"}, "2": {"id": "b.jpg", "prompt": "y"}}
    )
    path = write(
        "r.json", {"1": "Brief reasoning: good. Score: 2.", "2": "Score: 4", "other": "Score: 1"}
    )
    official = scored(cases, path, "official", "uge")
    assert official["micro"] == official["macro"] == 2.5
    assert official["silently_dropped"] == 1
    assert any("no case were counted" in note for note in official["notes"])
    robust = scored(cases, path, "robust", "uge")
    assert robust["micro"] == 3.0
    assert scored(None, path, "robust", "uge")["n"] == 3


def test_the_last_of_repeated_keys_counts(imgedit_cases: Path, write: Writer) -> None:
    text = json.dumps(three(5, 5, 5))
    path = write("r.json", f'{{"1": {text}, "2": {text}, "1": {json.dumps(three(3, 3, 3))}}}')
    official = scored(imgedit_cases, path, "official")
    assert official["types"] == {"add": 4.0}
    assert any("more than once" in note for note in official["notes"])


def test_runs_are_averaged_and_have_students_interval(imgedit_cases: Path, write: Writer) -> None:
    paths = [write(f"{n}.json", {"1": three(n, n, n)}) for n in (3, 4, 5)]
    result = score_files(load_task("imgedit"), paths, imgedit_cases, Scoring("official"))
    found = summary(result)
    assert found["macro"] == 4.0
    assert found["runs"]["macro"]["each"] == [3.0, 4.0, 5.0]
    low, high = found["runs"]["macro"]["interval"]
    assert high - 4.0 == pytest.approx(4.303 / 3**0.5, rel=1e-3)
    assert 4.0 - low == pytest.approx(high - 4.0)


def test_lone_surrogates_and_rows_survive(imgedit_cases: Path, write: Writer) -> None:
    path = write(
        "r.json",
        '{"1": "\\ud83d Prompt Compliance: 4\\nVisual Naturalness: 4\\nPhysical & Detail Coherence: 4"}',
    )
    assert scored(imgedit_cases, path, "robust")["n"] == 9
    rows = write(
        "r.jsonl", "\n".join(json.dumps({"key": n, "reply": three(4, 4, 4)}) for n in (1, 2))
    )
    assert scored(imgedit_cases, rows, "robust")["n_scored"] == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("r.json", "{", "is not JSON"),
        ("r.json", "3", "expected an object"),
        ("r.jsonl", '{"key": 1}\n{', "line 2 is not JSON"),
        ("r.json", "[" * 100_000, "is not JSON"),
    ],
)
def test_rubbish_is_refused_by_name(
    imgedit_cases: Path, write: Writer, name: str, content: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        scored(imgedit_cases, write(name, content), "robust")


def test_absent_files_and_missing_options_say_what_to_do(
    imgedit_cases: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="cannot read the replies"):
        scored(imgedit_cases, tmp_path / "no.json", "robust")
    with pytest.raises(UsageError, match="add --cases FILE"):
        scored(None, tmp_path / "no.json", "robust")
    with pytest.raises(UsageError, match="has only one"):
        scored(imgedit_cases, tmp_path / "no.json", "robust", language="en")


def test_the_released_cases_are_737_in_nine_types(shared_data: Path) -> None:
    task = load_task("imgedit")
    cases = task.read_cases(shared_data / "imgedit_bench" / "basic_edit.json").cases
    assert len(cases) == 737
    assert {c.group for c in cases} == set(task.groups)
    assert len({c.image for c in cases}) == 171
    assert (
        len(load_task("uge").read_cases(shared_data / "imgedit_bench" / "UGE_edit.json").cases)
        == 47
    )
    replies = {c.key: three(4, 3, 3) for c in cases}
    run = task.official(
        Request(
            Replies(replies), task.read_cases(shared_data / "imgedit_bench" / "basic_edit.json")
        )
    )
    assert run.figures["score"].groups == dict.fromkeys((c.group for c in cases), 3.33)


def test_types_that_no_paper_has_are_kept_and_named(write: Writer) -> None:
    cases = write(
        "c.json", {"1": case("hybrid"), "2": case("melt"), "3": {"id": "x", "prompt": "y"}, "4": 5}
    )
    path = write("r.json", {key: three(4, 4, 4) for key in "123"})
    official = scored(cases, path, "official")
    assert official["types"] == {"hybrid": 4.0, "melt": 4.0}
    assert [row["reason"] for row in official["unscored_items"]] == ["no_edit_type"]
    assert any("left out: not an object" in note for note in official["notes"])
    robust = scored(
        cases,
        write(
            "s.json",
            {
                "1": "Instruction Compliance: 4\nVisual Naturalness: 4\nPhysical Consistency & Fine Detail: 4",
                "2": three(4, 4, 4),
            },
        ),
        "robust",
    )
    assert robust["types"] == {"hybrid": 4.0}
    assert "unknown_type" in {row["reason"] for row in robust["unscored_items"]}


def test_a_whole_benchmark_is_scored_again_in_under_two_seconds() -> None:
    task = load_task("imgedit")
    types = {str(n): task.groups[n % 9] for n in range(737)}
    cases = _case_set(types)
    replies = {key: _reply_of(kind, int(key)) for key, kind in types.items()}
    begin = time.process_time()
    run = task.robust(Request(Replies(replies), cases))
    task.official(Request(Replies(replies), cases))
    assert time.process_time() - begin < 2.0
    assert run.figures["score"].scored == 737


def _reply_of(kind: str, seed: int) -> str:
    labels = [axis.labels[0] for axis in IMGEDIT_AXES[kind]]
    scores = [1 + seed % 5, 1 + seed % 3, 1 + seed % 2]
    lines = "\n".join(f"**{label}**: {score}/5" if seed % 2 else f"{label}: {score}" for label, score in zip(labels, scores, strict=True))  # fmt: skip
    return f"Brief reasoning: the edit follows the words and leaves the rest alone.\n{lines}"
