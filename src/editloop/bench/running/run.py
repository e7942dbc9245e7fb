"""One command from an editor, or a folder of outputs, to a result. Killed at any moment, the same call goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import JsonValue

from editloop.bench.cases import BenchCase
from editloop.bench.results import BenchResult, write_result
from editloop.bench.running.coverage import Coverage
from editloop.bench.running.dialogues import JudgeDialogues, how_people_answer
from editloop.bench.running.editing import REFUSED, edit_stages
from editloop.bench.running.items import DIALOGUES, BenchItem
from editloop.bench.running.judging import (
    ORACLE,
    ORACLE_NOTE,
    encoding_of,
    shown_name,
    waits_for_a_service,
)
from editloop.bench.running.outputs import check_folders, with_outputs, write_outputs
from editloop.bench.running.request import BenchRequest, prepare
from editloop.bench.running.scores import (
    VERDICT,
    Judged,
    has_replies,
    score_replies,
    score_verdicts,
)
from editloop.bench.running.stages import (
    Collect,
    FolderConfig,
    JudgeConfig,
    JudgeHere,
    JudgeInWorkers,
    JudgeRemotely,
    ReadSource,
)
from editloop.bench.tasks.base import Task
from editloop.core.errors import BudgetError, EditloopError
from editloop.engine import ProgressCallback, RunResult, Stage, run_pipeline
from editloop.store.runs import write_atomically

IN_PROCESSES: Final = "embedded:"
"""Judges whose models are heavy on one CPU each."""


@dataclass(frozen=True, slots=True)
class BenchRun:
    """What a run gave.

    Args:
        results: Protocol -> result; the first is the one to look at first. Empty for dialogues that people are yet to judge.
        coverage: One a run.
        files: Where each result was written.
        notes: Sentences a reader must know.
        edited: Pictures made by this call, rather than found.
        judged: Verdicts made by this call, rather than found.
    """

    results: dict[str, BenchResult]
    coverage: list[Coverage]
    files: dict[str, Path]
    notes: tuple[str, ...]
    edited: int
    judged: int


def run_bench(
    request: BenchRequest,
    progress: Callable[[str], ProgressCallback | None] = lambda _: None,
) -> BenchRun:
    """Edit, check what is there, judge, score.

    Args:
        request: What to run.
        progress: Gives a callback for each of ``edit`` and ``judge``.

    Raises:
        UsageError: a file or option cannot be used, or outputs are missing and that was not allowed.
        EditloopError: nothing at all could be edited.
    """
    task, cases, items, lost = prepare(request)
    coverage: list[Coverage] = []
    if request.outputs:
        coverage = check_folders(request, items)
        items, absent = with_outputs(items, coverage)
        lost |= absent
    stages = _stages(request, max((len(item.outputs) for item in items), default=1))
    judging = (
        judge_stage(request) if request.judge else None
    )  # a judge that is not there costs no edit
    notes = _notes(request, task, stages)
    facts = _facts(request)
    with run_pipeline(stages, items, run_dir=_folder(request), run_seed=request.seed, workers=request.workers, config=facts, progress=progress("edit"), retry_failed=True) as result:  # fmt: skip
        edited = _items(result)
        lost |= _lost(result, items)
        _stop_at_the_cap(result, len(edited), len(items))
        computed = _made_now(result, items)
        if not request.outputs:
            coverage = write_outputs(request, items, edited, result)
    _write_json(request.out / "coverage.json", [one.as_json() for one in coverage])
    if not edited:
        (reason, count) = max(_reasons(lost).items(), key=lambda pair: pair[1])
        raise EditloopError(
            f"there is nothing to judge: none of {len(cases) * request.passes} outputs is there, {count} of them because of {reason}"
        )
    made = 0 if request.outputs else computed
    if judging is None:
        folders = [Path(one.folder) for one in coverage]
        told = how_people_answer(request.cases, request.images_folder, folders)
        return BenchRun({}, coverage, {}, (*notes, told), made, 0)
    with run_pipeline([*stages, judging], items, run_dir=_folder(request), run_seed=request.seed, workers=request.workers, config=facts, progress=progress("judge"), retry_failed=True) as result:  # fmt: skip
        judged_items = _items(result)
        lost |= _lost(result, items)
        asked = result.counts[-1].computed
    identity = judging.judge.identity
    judged = Judged(judged_items, lost, request.passes, request.name, (shown_name(identity.name), identity.version), encoding_of(judging.judge))  # fmt: skip
    results = {
        protocol: replace(result, notes=(*notes, *result.notes))
        for protocol, result in _results(request, task, cases, judged).items()
    }
    files = {
        protocol: write_result(result, request.out / _file_name(protocol, results))
        for protocol, result in results.items()
    }
    if request.judge == ORACLE:
        notes = (ORACLE_NOTE, *notes)
    return BenchRun(results, coverage, files, notes, made, asked)


def _notes(
    request: BenchRequest, task: Task, stages: Sequence[Stage[Any, Any, Any]]
) -> tuple[str, ...]:
    """What a reader must know of how the outputs were made, and which cases of the file are not among them."""
    notes = [
        f"{count} cases were left out: {why}"
        for why, count in task.read_cases(request.cases).dropped.items()
    ]
    editor = getattr(stages[-1], "editor", None)
    if request.task == DIALOGUES and not getattr(editor, "hears_dialogues", True):
        notes.append(
            f"{request.name} was told every turn's instruction alone: what was said in earlier turns reached it only through the "
            'picture, so requests such as "undo that" were out of its reach; the option context=prompt tells it in words'
        )
    return tuple(notes)


def _folder(request: BenchRequest) -> Path:
    return request.out / "run"


def _facts(request: BenchRequest) -> dict[str, JsonValue]:
    return {
        "task": request.task,
        "cases": request.cases.name,
        "editor": request.editor,
        "outputs": [str(path) for path in request.outputs],
        "judge": request.judge,
        "runs": request.passes,
    }


def _stages(request: BenchRequest, turns: int) -> list[Stage[Any, Any, Any]]:
    source = ReadSource(FolderConfig(folder=str(request.images_folder)))
    if request.outputs:
        return [source, Collect(FolderConfig(folder="\n".join(map(str, request.outputs))))]
    return [source, *edit_stages(request.editor, turns)]


def judge_stage(request: BenchRequest) -> JudgeHere | JudgeRemotely | JudgeDialogues:
    """The stage that judges: on this machine, in worker processes, or at an endpoint."""
    config = JudgeConfig(judge=request.judge, paper=request.paper)
    if request.task == DIALOGUES:
        return JudgeDialogues(config)
    here = JudgeHere(config)
    if waits_for_a_service(here.judge):
        return JudgeRemotely(config)
    return JudgeInWorkers(config) if request.judge.startswith(IN_PROCESSES) else here


def _items(result: RunResult) -> list[BenchItem]:
    return [record for record in result.records() if isinstance(record, BenchItem)]


def _lost(result: RunResult, items: Sequence[BenchItem]) -> dict[tuple[str, int], tuple[str, str]]:
    """Items that ended early: an editor that refused is `refused`, whatever went wrong is `failed`."""
    where = {item.id: (item.key, item.run) for item in items}
    found = {}
    for row in result.rejected():
        if row.reason == REFUSED:
            outcome = ("refused", f"editor: {row.detail}")
        elif row.stage in ("source", "collect") and not row.failed:
            outcome = ("absent", f"{row.stage}: {row.reason}")
        else:
            outcome = ("failed", f"{row.stage}: {row.reason}: {row.detail}"[:300])
        found[where[row.record_id]] = outcome
    return found


def _made_now(result: RunResult, items: Sequence[BenchItem]) -> int:
    """Pictures that this call made, all turns together; dialogues that are over pass a turn without one."""
    having = [sum(len(item.outputs) >= turn for item in items) for turn in range(1, len(result.counts))]  # fmt: skip
    return sum(min(one.computed, most) for one, most in zip(result.counts[1:], having, strict=True))


def _stop_at_the_cap(result: RunResult, edited: int, expected: int) -> None:
    """A budget of the editor that is used up ends the run before a judge is paid for a part of it.

    Raises:
        BudgetError: naming the cap.
    """
    capped = next((row for row in result.rejected() if row.reason == BudgetError.__name__), None)
    if capped is not None:
        raise BudgetError(
            f"{edited} of {expected} edits are there, and no judge was asked: {capped.detail}"
        )


def _reasons(lost: dict[tuple[str, int], tuple[str, str]]) -> dict[str, int]:
    return Counter(f"{outcome} ({reason})" for outcome, reason in lost.values())


def _results(
    request: BenchRequest, task: Task, cases: Sequence[BenchCase], judged: Judged
) -> dict[str, BenchResult]:
    if not has_replies(judged.items):
        return {VERDICT: score_verdicts(task, cases, judged, request.scoring)}
    return {
        protocol: score_replies(
            task,
            cases,
            judged,
            request.out / "replies",
            replace(request.scoring, protocol=protocol),
        )
        for protocol in request.protocols
        if protocol in task.protocols
    }


def _file_name(protocol: str, results: dict[str, BenchResult]) -> str:
    return "result.json" if protocol == next(iter(results)) else f"result.{protocol}.json"


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(content, indent=1).encode())
