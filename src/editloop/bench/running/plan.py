"""What a run would cost, before it is spent."""

from __future__ import annotations

from typing import Any

from editloop.bench.running.dialogues import DialogueStandIn
from editloop.bench.running.judging import shown_name, waits_for_a_service
from editloop.bench.running.request import BenchRequest, prepare
from editloop.bench.running.run import judge_stage
from editloop.bench.running.stages import JudgeRemotely, edit_type_of


def plan_bench(request: BenchRequest) -> dict[str, Any]:
    """What a run would cost: edits and judge calls, and those that the run folder holds already."""
    task, cases, items, _ = prepare(request)
    judge = judge_stage(request).judge
    rubric = getattr(judge, "rubric", None)
    repeats = getattr(getattr(judge, "settings", None), "repeats", 1)
    questions = sum(
        len(rubric.questions_for(edit_type_of(request.paper, item.group))) if rubric else 1
        for item in items
    )
    remote = waits_for_a_service(judge) or isinstance(judge, DialogueStandIn)
    return {
        "task": task.name,
        "cases": len(cases),
        "runs": request.passes,
        "edits": 0 if request.outputs else sum(len(item.outputs) for item in items),
        "verdicts": len(items),
        "served_judge_calls": questions * repeats if remote else 0,
        "concurrency": JudgeRemotely.concurrency if remote else 0,
        "judge": shown_name(judge.identity.name),
        "judge_version": judge.identity.version,
    }
