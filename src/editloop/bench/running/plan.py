"""What a run would cost, before it is spent."""

from __future__ import annotations

from typing import Any

from editloop.bench.running.costs import CallPlan, Sizes, editor_calls, judge_calls
from editloop.bench.running.editors import load_editor
from editloop.bench.running.judging import shown_name, waits_for_a_service
from editloop.bench.running.request import BenchRequest, prepare
from editloop.bench.running.run import judge_stage
from editloop.bench.running.stages import JudgeRemotely
from editloop.models.editors.served.editor import ServedEditor

NOTE = "for a run that starts afresh: what the run folder or the kept replies hold is not asked or paid again"


def plan_bench(request: BenchRequest) -> dict[str, Any]:
    """Edits, verdicts, and for what is served: calls, tokens, money and time. Nothing is sent."""
    task, cases, items, _ = prepare(request)
    sizes = Sizes(request.images_folder)
    found: dict[str, Any] = {
        "task": task.name,
        "cases": len(cases),
        "runs": request.passes,
        "edits": 0 if request.outputs else sum(len(item.outputs) for item in items),
        "verdicts": len(items) if request.judge else 0,
        "served_edit_calls": 0,
        "served_judge_calls": 0,
        "concurrency": 0,
    }
    plans: list[CallPlan] = []
    editor = load_editor(request.editor) if request.editor else None
    if isinstance(editor, ServedEditor):
        plans.append(editor_calls(editor, items, sizes))
        found["served_edit_calls"] = plans[0].calls
    if request.judge:
        judge = judge_stage(request).judge
        found |= {"judge": shown_name(judge.identity.name), "judge_version": judge.identity.version}
        asked = judge_calls(judge, request.paper, items, sizes)
        if asked is not None:
            plans.append(asked)
        if waits_for_a_service(judge) or asked is not None:
            found["concurrency"] = JudgeRemotely.concurrency
            found["served_judge_calls"] = len(items) if asked is None else asked.calls
    return found | {
        "calls": [plan.as_json() for plan in plans],
        "total_usd": _total([plan.usd for plan in plans]),
        "total_wall_seconds": _total([plan.wall_seconds for plan in plans]),
        "note": NOTE if plans else "",
    }


def _total(values: list[float | None]) -> float | None:
    """The sum; None where a part is unknown."""
    known = [value for value in values if value is not None]
    return round(sum(known), 4) if len(known) == len(values) else None
