"""`editloop bench TASK --editor SPEC` or `--outputs FOLDER`: edit, check, judge, score."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from editloop.cli.progress import PipelineProgress, say
from editloop.cli.tables import print_table
from editloop.core.errors import UsageError
from editloop.core.log import ProgressDisplay

if TYPE_CHECKING:
    from editloop.bench.results import BenchResult
    from editloop.bench.running import BenchRequest, BenchRun
    from editloop.bench.scoring import Scoring

EditorSpec = Annotated[
    str,
    typer.Option(
        help="Editor: world:tiny-editor, diffusers:FOLDER_OR_ID, openai:MODEL[@URL], noop; for storybook cases also world:true-target, world:broken-editor."
    ),
]
OutputFolders = Annotated[
    list[Path] | None,
    typer.Option(help="Instead of an editor: a folder of its outputs, named as the benchmark's scripts name them; one a run."),
]  # fmt: skip
Images = Annotated[
    Path | None, typer.Option(help="Folder of the source images; by default that of the cases.")
]
Seeds = Annotated[
    int, typer.Option(min=1, help="Edit every case this often, each time with another seed.")
]
CaseLimit = Annotated[
    int | None, typer.Option(min=1, help="Take about so many cases, evenly over the groups.")
]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Judge what is there although images are missing.")
]
OnlyPlan = Annotated[bool, typer.Option("--plan", help="Print what the run would cost, and stop.")]
WorkerCount = Annotated[
    int | None, typer.Option(min=1, help="Worker processes; by default one for each CPU.")
]


SERVED: Final = "openai:"
_IN_LINES: Final = frozenset({"calls", "total_usd", "total_wall_seconds", "note"})


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options above."""

    editor: str
    outputs: tuple[Path, ...]
    images: Path | None
    seeds: int
    limit: int | None
    allow_missing: bool
    workers: int | None


def run_editor(
    task: str,
    cases: Path | None,
    judge: str,
    out: Path | None,
    scoring: Scoring,
    protocol: str,
    editor_name: str,
    options: RunOptions,
    *,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Run one benchmark and print its figures; the result files lie in the run folder.

    Raises:
        UsageError: an option or file cannot be used.
        EditloopError: nothing could be edited.
    """
    from editloop.bench.running import BenchRequest, plan_bench

    if cases is None:
        raise UsageError("give the benchmark's cases: --cases FILE, for example basic_edit.json")
    request = BenchRequest(
        task=task,
        cases=cases,
        judge=judge,
        out=out or Path("runs") / f"bench-{task}",
        editor=options.editor,
        outputs=options.outputs,
        images=options.images,
        runs=options.seeds,
        seed=scoring.seed,
        limit=options.limit,
        allow_missing=options.allow_missing,
        editor_name=editor_name,
        scoring=scoring,
        protocols=("robust", "official") if protocol == "both" else (protocol,),
        workers=options.workers,
    )
    if only_plan:
        print_plan(plan_bench(request), as_json=as_json)
        return
    if SERVED in f" {request.editor} {judge}":
        for line in plan_lines(plan_bench(request)):
            say(line)
    run = _with_progress(request)
    for one in run.coverage:
        say(one.sentence())
    say(
        f"{run.edited} edits and {run.judged} verdicts made now; what was there already was not done again"
    )
    _show(run, task, scoring.seed, as_json=as_json)


def _show(run: BenchRun, task: str, seed: int, *, as_json: bool) -> None:
    """Figures to stdout, what must be known of them to stderr."""
    if as_json:
        typer.echo(json.dumps(_as_json(run, seed), indent=2))
    else:
        for name, result in run.results.items():
            print_result(result, f"{task} {name}", seed)
            for note in result.runs[0].notes:
                say(f"{name}: {note}")
    for note in run.notes:
        say(note)
    for name, path in run.files.items():
        say(f"{name} result: {path}")


def _with_progress(request: BenchRequest) -> BenchRun:
    from editloop.bench.running import run_bench

    with ProgressDisplay("bench") as display:
        shares = {"source": 0.02, "collect": 0.08, "edit": 0.98}
        if request.task == "multi-turn":  # one stage a turn
            shares |= {"edit": 0.4, "edit#2": 0.35, "edit#3": 0.23}

        def progress(part: str) -> PipelineProgress:
            return PipelineProgress(display, {"judge": 0.9} if part == "judge" else shares)

        return run_bench(request, progress)


def print_plan(plan: dict[str, Any], *, as_json: bool) -> None:
    """What a run would cost."""
    if as_json:
        typer.echo(json.dumps(plan, indent=2))
        return
    counts = {name: value for name, value in plan.items() if name not in _IN_LINES}
    print_table(
        ["what", "how many"],
        [[name.replace("_", " "), str(value)] for name, value in counts.items()],
        numbers=("how many",),
    )
    for line in plan_lines(plan):
        typer.echo(line)


def plan_lines(plan: dict[str, Any]) -> list[str]:
    """Calls, tokens, money and time of what is served, one line a model, and the sum."""
    lines = []
    for one in plan["calls"]:
        money = "money unknown" if one["usd"] is None else f"${one['usd']:,.2f}"
        time = "time unknown" if one["wall_seconds"] is None else _spoken(one["wall_seconds"])
        lines.append(
            f"{one['who']} {one['model']}: {one['calls']:,} calls, {one['input_tokens']:,} tokens in and "
            f"{one['output_tokens']:,} out ({one['tokens_from']}), {money} ({one['usd_from']}), {time} "
            f"({one['concurrency']} in flight; seconds a call: {one['seconds_from']})"
        )
    if len(lines) > 1 and plan["total_usd"] is not None:
        lines.append(f"together ${plan['total_usd']:,.2f}")
    return [*lines, plan["note"]] if lines else []


def _spoken(seconds: float) -> str:
    if seconds < 120:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 7200 else f"about {seconds / 3600:.1f} h"


def _as_json(run: BenchRun, seed: int) -> dict[str, Any]:
    from editloop.bench.scoring import summary

    shown = {name: summary(result, seed=seed) for name, result in run.results.items()}
    whole: dict[str, Any] = dict(next(iter(shown.values()))) if len(shown) == 1 else dict(shown)
    return whole | {
        "coverage": [one.as_json() for one in run.coverage],
        "made_now": {"edits": run.edited, "verdicts": run.judged},
        "files": {name: str(path) for name, path in run.files.items()},
        "run_notes": list(run.notes),
    }


def print_result(result: BenchResult, title: str, seed: int = 0) -> None:
    """One result: a row a group, a column a metric, 95 % intervals."""
    from editloop.bench.scoring import intervals

    found = {metric: intervals(result, metric, seed=seed) for metric in result.metrics}
    figures = result.runs[0].figures[result.headline]
    rows = []
    for group in [*figures.groups, "macro mean", "mean of items"]:
        row = [group]
        for metric in result.metrics:
            estimate = found[metric]
            interval = None
            if estimate is not None:
                interval = {"macro mean": estimate.macro, "mean of items": estimate.micro}.get(
                    group, estimate.groups.get(group)
                )
            row.append(
                "undefined"
                if interval is None
                else f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
            )
        row.append(str(figures.counts.get(group, figures.scored)))
        rows.append(row)
    headings = [title, *result.metrics, "n"]
    print_table(headings, rows, numbers=headings[1:])
    for place, run in enumerate(result.runs):
        scored = sum(item.outcome == "scored" for item in run.items)
        lost = "".join(f", {count} {outcome}" for outcome, count in sorted(run.unscored.items()))
        typer.echo(f"{result.editor}, run {place}: {scored} scored of {len(run.items)}{lost}")
