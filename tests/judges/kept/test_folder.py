from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest
from aiohttp import web
from tests.judges.people.rated import write_rated
from tests.judges.vlm.served import IMGEDIT
from tests.models.vlms.conftest import Serve
from tests.models.vlms.conftest import serve as serve
from tests.models.vlms.scripted import Call, ScriptedServer, answer
from tests.records.formats.conftest import ImageShelf
from tests.records.formats.conftest import make_record as make_record
from tests.records.formats.conftest import records as records
from tests.records.formats.conftest import shelf as shelf

from editloop.core.errors import EditloopError, UsageError
from editloop.judges.kept.folder import judge_into
from editloop.judges.kept.rescore import rescore
from editloop.judges.parsing import ReadingMode
from editloop.judges.vlm.replies import KeptReplies, KeptReply
from editloop.records.formats import export
from editloop.records.formats.edit_table import read_edit_table
from editloop.records.record import EditRecord
from editloop.store.answers import AnswerStore

REPLIES = (IMGEDIT.format(5, 4, 4), IMGEDIT.format("3 (as asked)", 2, 2), "I can't help with that.")


def judged_by(serve: Serve, folder: Path) -> tuple[ScriptedServer, str]:
    async def script(call: Call) -> web.StreamResponse:
        return answer(REPLIES[call.number % 3])

    server = serve(script)
    return (
        server,
        f"rubric:imgedit@openai:m@{server.url}?concurrency=1&cache={folder / 'calls.sqlite'}",
    )


def test_judged_kept_and_read_again(serve: Serve, tmp_path: Path) -> None:
    server, spec = judged_by(serve, tmp_path)
    ratings = write_rated(tmp_path / "data")
    ratings.write_text(
        ratings.read_text() + '\n{"instruction": "x", "source": "none.png", "edited": "none.png"}'
    )
    out = tmp_path / "out"
    summary = judge_into(ratings, spec, out, store=AnswerStore())
    assert (summary.n, summary.n_scored, dict(summary.dropped)) == (6, 4, {"missing_image": 1})
    assert summary.means["compliance"] == (4, 4)
    assert summary.reasons == {"any: refusal": 2}
    assert json.loads((out / "dropped.jsonl").read_text())["reason"] == "missing_image"

    asked = len(server.calls)
    official = rescore(out, ReadingMode.OFFICIAL)
    assert official.before.means == summary.means
    # The remark costs the script one axis of three; a refusal is dropped by both.
    assert official.after.means["overall"] == (pytest.approx((4.33 + 2.0) / 2), 4)
    assert official.after.slips == {"axes_lost": 2, "item_dropped": 2}
    assert official.changed == 4  # two lose an axis, two refusals are "unparsable" to the script
    again = rescore(out, ReadingMode.ROBUST)
    assert (again.changed, again.after.as_json()) == (
        0,
        summary.as_json() | {"data": "out", "dropped": {}},
    )
    assert len(server.calls) == asked


def test_a_rerun_asks_only_what_is_missing(serve: Serve, tmp_path: Path) -> None:
    server, spec = judged_by(serve, tmp_path)
    ratings = write_rated(tmp_path / "data")
    first = judge_into(ratings, spec, tmp_path / "out", store=AnswerStore())
    asked = len(server.calls)
    again = judge_into(ratings, spec, tmp_path / "out", store=AnswerStore())
    assert (len(server.calls), again.as_json()) == (asked, first.as_json())
    with pytest.raises(UsageError, match="another folder"):
        judge_into(
            ratings, spec.replace("imgedit", "hp-base"), tmp_path / "out", store=AnswerStore()
        )


def test_the_edit_type_of_a_table_chooses_the_question(serve: Serve, tmp_path: Path) -> None:
    server, spec = judged_by(serve, tmp_path)
    write_rated(tmp_path / "data", count=2)
    with (tmp_path / "data" / "edits.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["key", "prompt", "input", "output", "task"])
        rows.writerow(["a", "add a box, red", "source.png", "edited0.png", "Object Addition"])
        rows.writerow(["b", "remove the box", "source.png", "edited1.png", "remove"])
        rows.writerow(["c", "", "source.png", "edited1.png", "remove"])
    table = read_edit_table(tmp_path / "data" / "edits.csv")
    assert [edit.uid for edit in table.edits] == ["a", "b"]
    assert table.dropped[0].reason == "no_instruction"
    judge_into(tmp_path / "data", spec, tmp_path / "out", store=AnswerStore())
    told = [call.words for call in server.calls]
    assert sum("Was the right thing added?" in words for words in told) == 1
    assert sum("gone without a trace" in words for words in told) == 1


def test_a_panel_is_read_again_member_by_member(serve: Serve, tmp_path: Path) -> None:
    async def script(call: Call) -> web.StreamResponse:
        strict = call.body["model"] == "strict"
        return answer(IMGEDIT.format("3 (as asked)", 2, 2) if strict else IMGEDIT.format(5, 4, 4))

    url = serve(script).url
    members = [
        f"rubric:imgedit@openai:{name}@{url}?cache={tmp_path / 'c.sqlite'}"
        for name in ("strict", "kind")
    ]
    ratings = write_rated(tmp_path / "data", count=2)
    summary = judge_into(
        ratings, ";".join(["panel:mean", *members]), tmp_path / "out", store=AnswerStore()
    )
    assert summary.means["compliance"] == (4, 2)
    assert rescore(tmp_path / "out", ReadingMode.ROBUST).changed == 0
    official = rescore(tmp_path / "out", ReadingMode.OFFICIAL)
    # The script loses the strict member's first axis; what both still share is merged.
    assert "compliance" not in official.after.means
    assert official.changed == 2
    assert official.without_replies == 0


def test_nothing_to_judge(serve: Serve, tmp_path: Path) -> None:
    _, spec = judged_by(serve, tmp_path)
    path = tmp_path / "edits.jsonl"
    path.write_text('{"instruction": "x", "source": "a.png", "edited": "b.png"}')
    with pytest.raises(EditloopError, match="missing_image"):
        judge_into(path, spec, tmp_path / "out", store=AnswerStore())
    with pytest.raises(UsageError, match="--out"):
        rescore(tmp_path / "none", ReadingMode.ROBUST)
    (tmp_path / "verdicts.jsonl").write_text("{}")
    with pytest.raises(UsageError, match="line 1"):
        rescore(tmp_path, ReadingMode.ROBUST)


def test_the_replies_of_a_bench_are_read_again_in_no_time(tmp_path: Path) -> None:
    replies = [
        KeptReplies(
            scale=(1, 5),
            replies=(
                KeptReply(question="add", reading="imgedit:add", text=IMGEDIT.format(a, b, 1)),
            ),
        ).dumped()
        for a in range(1, 6)
        for b in range(1, 6)
    ]
    verdict = {
        "judge": "j",
        "judge_version": "1",
        "scale": [1, 5],
        "axes": {},
        "outcome": "unparsable",
    }
    (tmp_path / "verdicts.jsonl").write_text(
        "\n".join(
            json.dumps({"uid": str(n), "verdict": {**verdict, "raw_reply": replies[n % 25]}})
            for n in range(2000)
        )
    )
    begun = time.process_time()
    found = rescore(tmp_path, ReadingMode.ROBUST)
    assert found.after.n_scored == found.changed == 2000
    assert time.process_time() - begun < 2.0


def test_a_data_set_is_judged_by_its_own_edit_types(
    serve: Serve, tmp_path: Path, records: list[EditRecord], shelf: ImageShelf
) -> None:
    server, spec = judged_by(serve, tmp_path)
    export(records, shelf.load, tmp_path / "data", "folder")
    summary = judge_into(tmp_path / "data", spec, tmp_path / "out", store=AnswerStore())
    lines = [
        json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()
    ]
    assert {line["uid"] for line in lines} == {
        record.id for record in records if record.target is not None
    }
    assert {line["edit_type"] for line in lines} == {
        str(record.edit_type) for record in records if record.target
    }
    assert summary.n == len(lines) > 0
    assert server.calls
