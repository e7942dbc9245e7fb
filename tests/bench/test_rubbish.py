"""Whatever stands in a replies file, scoring ends in figures that JSON can hold, or in an error of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editloop.bench.scoring import Scoring, score_files, summary
from editloop.bench.tasks import TASKS, load_task
from editloop.core.errors import UsageError

TEXTS = st.sampled_from(
    ["", "4", "Score: 4", "Yes", "\ud83d", "[8, 6]", '{"score": [8, 6]}', "[06, 4]", "{'following': 'yes', 'score': 4.5}",
     "x: " + "9" * 400, "x: " + "9" * 5000, "x: ²", "</script>", "Prompt Compliance: 4\nVisual Naturalness: 4"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["SC", "PQ", "CP", "PF", "following", "consistent", "clear", "score", "reply", "error", "choices", "message", "content", "key",
     "ratings", "whole", "turns", "scale", "overall", "instruction_language", "group", "kind", "format", "runs", "0", "1"]
)  # fmt: skip
VALUES = st.recursive(
    TEXTS
    | st.none()
    | st.booleans()
    | st.sampled_from([0, 3, -1, 4.5, 1e308, float("nan"), float("inf")]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["0", "1", "0#0", "0#1", "en/0", "SC", "PQ", "following"])
CASES: dict[str, Any] = {
    "imgedit": {
        str(n): {"id": "a", "prompt": "x", "edit_type": ("add", "melt")[n]} for n in range(2)
    },
    "uge": {str(n): {"id": "a", "prompt": "x"} for n in range(2)},
    "gedit": [
        {"key": str(n), "task_type": "ps_human", "instruction_language": "en"} for n in range(2)
    ],
    "real-edit": {"0": ["Add. 1: a", "Style. 2: b"]},
    "multi-turn": {str(n): {"id": "a", "turn1": "x"} for n in range(2)},
}
OTHERS = [{"key": str(n), "type": "relight", "prompt": "x", "image": "a"} for n in range(2)]


@pytest.mark.parametrize("name", list(TASKS))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.dictionaries(KEYS, VALUES, max_size=4) | VALUES, with_cases=st.booleans())
def test_any_replies_file(name: str, content: Any, with_cases: bool, tmp_path: Path) -> None:
    task = load_task(name)
    cases, replies = tmp_path / "cases.json", tmp_path / "replies.json"
    cases.write_text(json.dumps(CASES.get(name, OTHERS)))
    replies.write_text(json.dumps(content))
    for protocol in task.protocols:
        try:
            result = score_files(
                task,
                [replies],
                cases if with_cases or task.needs_cases else None,
                Scoring(protocol),
            )
        except UsageError:
            continue
        found = json.loads(json.dumps(summary(result), allow_nan=False))
        assert found["n"] == found["n_scored"] + sum(found["unscored"].values())
