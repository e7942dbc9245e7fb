"""From files to figures: read cases and replies, score every run, and say it in one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from editloop.bench.cases import BenchCase, CaseSet
from editloop.bench.context import ScoreContext
from editloop.bench.replies import kept_runs
from editloop.bench.results import BenchResult, ItemScore, Run, item_means
from editloop.bench.statistics import Estimate, Scored, across_runs, estimate
from editloop.bench.tasks.base import Cap, Protocol, Request, Task
from editloop.core.errors import UsageError
from editloop.core.ids import content_id

JUDGED_BY: Final = ("judge", "judge_version", "prompt_version", "image_encoding", "temperature")
"""Fields of a context that say who judged, and how."""
LOUD: Final = ("script_crash", "not_finite")
"""Reasons of what a published script does not drop silently: it ends with an error, or its means are not finite."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """How replies are scored.

    Args:
        protocol: Whose reading.
        cap: See `ScoreContext.cap`.
        language: Of instructions, where the benchmark has several.
        subset: Where the benchmark has several.
        judge: Fields of `ScoreContext` that say who judged: `judge`, `judge_version`, `prompt_version`, ...
        seed: Of random guesses of an official protocol, and of intervals.
    """

    protocol: Protocol = "robust"
    cap: Cap = "prompt"
    language: str = ""
    subset: str = ""
    judge: Mapping[str, str] | None = None
    seed: int = 0


def score_files(
    task: Task, replies: Sequence[Path], cases: Path | None, scoring: Scoring, editor: str = ""
) -> BenchResult:
    """Score one replies file a run; of a kept result every run, with its editor and judge where no others are named.

    Args:
        task: The benchmark.
        replies: One file a run of the editor.
        cases: Official file of cases; None where `task` can do without.
        scoring: How.
        editor: Name in tables; the first replies file's otherwise.

    Raises:
        UsageError: a file cannot be read, or an option does not fit the benchmark.
    """
    check(task, cases, scoring)
    case_set = cases_of(task, cases) if cases else None
    kept = [kept_runs(path) for path in replies]
    read = [
        task.read_replies(path, run)
        for path, known in zip(replies, kept, strict=True)
        for run in range(max(1, known.count) if known else 1)
    ]
    first = kept[0]
    if first is not None:
        was = {name: first.context.get(name, "") for name in JUDGED_BY}
        given = {name: said for name, said in (scoring.judge or {}).items() if said}
        scoring = replace(scoring, judge=was | given)
    requests = [
        Request(one, case_set, scoring.cap, scoring.language, scoring.subset, scoring.seed)
        for one in read
    ]
    runs = []
    for request in requests:
        run = task.official(request) if scoring.protocol == "official" else task.robust(request)
        source = {"name": request.replies.name, "sha256": request.replies.sha256}
        runs.append(replace(run, source=source))
    chosen = task.chosen(requests[0])
    notes = [
        f"{count} cases were left out: {why}"
        for why, count in (case_set.dropped if case_set else {}).items()
    ]
    return BenchResult(
        editor=editor or (first.editor if first else _name_of(replies[0])),
        context=context_of(task, chosen, runs, scoring),
        metrics=task.metrics,
        headline=task.headline,
        scales=task.scales,
        runs=tuple(runs),
        notes=tuple(notes),
    )


def cases_of(task: Task, path: Path) -> CaseSet:
    """The cases of an official file.

    Raises:
        UsageError: it cannot be read, or there is none in it.
    """
    found = task.read_cases(path)
    if not found.cases:
        left_out = ", ".join(f"{count} left out: {why}" for why, count in found.dropped.items())
        raise UsageError(
            f"{path} holds no cases of {task.title}{f' ({left_out})' if left_out else ''}: give the official file"
        )
    return found


def check(task: Task, cases: Path | None, scoring: Scoring) -> None:
    """Refuse what cannot be meant, before any file is read.

    Raises:
        UsageError: saying what the benchmark has instead.
    """
    if cases is None and task.needs_cases:
        raise UsageError(
            f"{task.title} needs its cases: add --cases FILE, the official file that names every case and its type"
        )
    if scoring.protocol not in task.protocols:
        raise UsageError(
            f"{task.title} has no published scoring script, so there is no official protocol: use --protocol "
            f"{task.protocols[0]}"
        )
    if scoring.protocol == "official" and scoring.cap == "enforced":
        raise UsageError(
            "the published scripts never enforce the cap: use --cap prompt with --protocol official, or --protocol robust"
        )
    for option, given, known in (
        ("--language", scoring.language, task.languages),
        ("--subset", scoring.subset, task.subsets),
    ):
        if given and given not in known:
            choices = f"it has {', '.join(known)}" if known else "it has only one"
            hint = (
                "; the published script looks for 'zh' and finds nothing"
                if given == "zh" and "cn" in known
                else ""
            )
            raise UsageError(f"{task.title} knows no {option} {given!r}: {choices}{hint}")


def context_of(
    task: Task, cases: Sequence[BenchCase], runs: Sequence[Run], scoring: Scoring
) -> ScoreContext:
    """What the numbers depend on."""
    repeats = {max(1, len(item.repeats)) for run in runs for item in run.items if item.metrics}
    subset = "/".join(part for part in (scoring.language, scoring.subset) if part)
    return ScoreContext(
        task=task.name,
        task_version=task.version,
        cases=CaseSet(tuple(cases), {}).content
        if task.needs_cases or cases
        else content_id("none"),
        subset=subset,
        protocol=scoring.protocol,
        cap=scoring.cap,
        repeats=repeats.pop() if len(repeats) == 1 else (0 if repeats else 1),
        **dict(scoring.judge or {}),
    )


def intervals(result: BenchResult, metric: str, *, seed: int = 0) -> Estimate | None:
    """Means over runs of `metric` with item-bootstrap intervals; None when nothing is scored.

    An item's score is its mean over the runs that scored it, without the rounding of an official protocol.
    """
    means = item_means(result.runs, metric)
    where: dict[str, ItemScore] = {item.key: item for run in result.runs for item in run.items}
    keys = [key for key in means if where[key].group or not _has_groups(result)]
    return estimate(
        Scored(
            [means[key] for key in keys],
            [where[key].group for key in keys],
            [where[key].image for key in keys],
        ),
        seed=seed,
    )


def _has_groups(result: BenchResult) -> bool:
    return any(item.group for run in result.runs for item in run.items)


def _name_of(path: Path) -> str:
    """A name for people: that of the file, or of its folder where the file has the name that every script gives it."""
    if path.stem in {"result", "results", "replies"} and path.resolve().parent.name:
        return path.resolve().parent.name
    return path.stem or path.name


def summary(result: BenchResult, *, seed: int = 0) -> dict[str, Any]:
    """What ``--json`` prints: figures, counts, reasons, intervals, context; no raw replies.

    Figures of several runs are means over the runs. Where a benchmark has one metric its figures stand alone; where it
    has several, each is an object metric -> figure.
    """
    single = len(result.metrics) == 1
    found = {metric: _metric_summary(result, metric, seed) for metric in result.metrics}
    first = result.runs[0]
    one = found[result.headline]
    whole: dict[str, Any] = {
        "task": result.context.task,
        "editor": result.editor,
        "protocol": result.context.protocol,
        "types": one["types"] if single else _turned(found, "types"),
        "macro": one["macro"] if single else {name: part["macro"] for name, part in found.items()},
        "micro": one["micro"] if single else {name: part["micro"] for name, part in found.items()},
        "n": len(first.items),
        "n_scored": sum(item.outcome == "scored" for item in first.items),
        "counts": one["counts"],
        "unscored": first.unscored,
        "unscored_reasons": dict(
            Counter(item.reason for item in first.items if item.outcome != "scored")
        ),
        "unscored_items": [
            {"key": item.key, "type": item.group, "outcome": item.outcome, "reason": item.reason}
            for item in first.items
            if item.outcome != "scored"
        ],
        "slips": first.slips,
        "extra_replies": list(first.extra),
        "intervals": {name: part["intervals"] for name, part in found.items() if part["intervals"]},
        "context": result.context.model_dump(),
        "notes": [*result.notes, *first.notes],
    }
    if single:
        whole["intervals"] = one["intervals"]
    if result.context.protocol == "official":
        whole |= official_facts(first)
    if len(result.runs) > 1:
        whole["runs"] = _runs_summary(result)
    return whole


def official_facts(run: Run) -> dict[str, Any]:
    """What a published script does and does not say."""
    stops = {stop.partition(": ")[0] for stop in run.stops}
    dropped = [
        item
        for item in run.items
        if item.outcome != "scored"
        and item.reason not in LOUD
        and item.key not in stops
        and (item.slips if item.outcome == "missing" else item.reply is not None)
    ]
    return {
        "silently_dropped": len(dropped),
        "script_stops_at": list(run.stops),
        "printed": dict(run.printed),
    }


def _metric_summary(result: BenchResult, metric: str, seed: int) -> dict[str, Any]:
    parts = [run.figures[metric] for run in result.runs]
    names = list(dict.fromkeys(name for part in parts for name in part.groups))
    found = intervals(result, metric, seed=seed)
    macro = _mean([part.macro for part in parts])
    return {
        "types": {name: _mean([part.groups.get(name) for part in parts]) for name in names},
        "macro": macro,
        "micro": _mean([part.micro for part in parts]),
        "counts": {name: parts[0].counts.get(name, 0) for name in names} or dict(parts[0].counts),
        "intervals": {
            "macro": [found.macro.low, found.macro.high] if macro is not None else None,
            "micro": [found.micro.low, found.micro.high],
            "types": {name: [i.low, i.high] for name, i in found.groups.items() if name},
            "unit": "source image, 95 %, percentile bootstrap",
        }
        if found
        else {},
    }


def _turned(found: Mapping[str, Mapping[str, Any]], part: str) -> dict[str, dict[str, Any]]:
    """Metric -> group -> figure as group -> metric -> figure."""
    turned: dict[str, dict[str, Any]] = {}
    for metric, values in found.items():
        for group, value in values[part].items():
            turned.setdefault(group, {})[metric] = value
    return turned


def _runs_summary(result: BenchResult) -> dict[str, Any]:
    """Figures of every run, and their mean with Student's interval."""
    whole: dict[str, Any] = {
        "n": len(result.runs),
        "sources": [dict(run.source) for run in result.runs],
    }
    for metric in result.metrics:
        for kind in ("macro", "micro"):
            values = [getattr(run.figures[metric], kind) for run in result.runs]
            known = [value for value in values if value is not None]
            across = across_runs(known)
            name = kind if len(result.metrics) == 1 else f"{metric} {kind}"
            whole[name] = {
                "each": values,
                "interval": [across.low, across.high] if across else None,
            }
    return whole


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return known[0] if len(known) == 1 else sum(known) / len(known)
