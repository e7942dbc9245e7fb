"""Cases with reference images: read, checked, given to editor and judge."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from tests.models.editors.served.scripted import EditServer, picture, pictures
from tests.models.vlms.scripted import Call, ScriptedServer, answer

from editloop.bench.building.storybook_dialogues import build_references
from editloop.bench.running import BenchRequest, run_bench
from editloop.bench.running.items import PLANS_FILE
from editloop.bench.tasks.custom import rows_as_cases
from editloop.core.errors import UsageError
from editloop.core.images import decode_image


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("references")
    assert build_references(folder, 4) == {"visual": 4}
    return folder


def test_references_reach_the_editor_and_the_judge(cases: Path, tmp_path: Path) -> None:
    seen: list[list[np.ndarray]] = []

    async def paint(call: Call) -> web.StreamResponse:
        seen.append(pictures(call))
        return picture(seen[-1][0])

    async def say(call: Call) -> web.StreamResponse:
        content = call.body["messages"][-1]["content"]
        assert sum(part["type"] == "image_url" for part in content) == 3
        assert "Reference image 1:" in call.words
        return answer('{"instruction": 4, "aesthetics": 4, "score": 4}')

    painter, judge = EditServer(paint), ScriptedServer(say)
    cache = f"cache={tmp_path / 'calls.sqlite'}"
    try:
        run = run_bench(
            BenchRequest(
                "custom",
                cases / "cases.jsonl",
                f"rubric:nhr@openai:judge@{judge.url}?{cache}",
                tmp_path / "out",
                editor=f"openai:painter@{painter.url}?{cache}",
            )
        )
    finally:
        painter.close()
        judge.close()
    assert judge.calls
    assert "failed" not in run.results["robust"].runs[0].unscored
    shown = {pair[1].tobytes() for pair in seen}
    files = (cases / "references").iterdir()
    assert shown == {decode_image(path.read_bytes()).pixels.tobytes() for path in files}


def test_a_perfect_editor_of_the_world_and_one_that_takes_no_references(
    cases: Path, tmp_path: Path
) -> None:
    asked = BenchRequest("custom", cases / "cases.jsonl", "world:oracle", tmp_path / "out", editor="world:true-target")  # fmt: skip
    figures = run_bench(asked).results["verdict"].runs[0].figures["score"]
    assert (figures.macro, figures.scored) == (5.0, 4)


def test_a_missing_reference_is_named_before_anything_is_spent(cases: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (cases / "cases.jsonl").read_text().splitlines()]
    rows[1]["references"] = ["references/nowhere.png"]
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    shutil.copy(cases / PLANS_FILE, tmp_path)
    asked = {"judge": "world:oracle", "editor": "world:true-target", "images": cases}
    with pytest.raises(UsageError, match="case 2: reference: unreadable"):
        run_bench(BenchRequest("custom", file, out=tmp_path / "out", **asked))
    run = run_bench(BenchRequest("custom", file, out=tmp_path / "out", allow_missing=True, **asked))
    assert run.results["verdict"].runs[0].unscored == {"absent": 1}


def test_how_references_are_written(tmp_path: Path) -> None:
    given = [["a.png", "b.png"], "a.png", "a.png; b.png", None, 7]
    rows = [{"key": str(n), "instruction": "x", "image": "i", "reference_images": one} for n, one in enumerate(given)]  # fmt: skip
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(rows))
    read = [case.references for case in rows_as_cases(file, Counter())]
    assert read == [("a.png", "b.png"), ("a.png",), ("a.png", "b.png"), (), ()]
