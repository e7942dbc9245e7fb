"""`editloop bench`: score an editor's outputs or a judge's kept replies on a benchmark, and compare results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from editloop.cli.bench_board import leaderboard
from editloop.cli.bench_building import building
from editloop.cli.bench_compare import compare, drift, reference
from editloop.cli.bench_contamination import contamination
from editloop.cli.bench_datasets import compare_datasets
from editloop.cli.bench_forensics import fake_score
from editloop.cli.bench_running import (
    AllowMissing,
    CaseLimit,
    EditorSpec,
    Images,
    OnlyPlan,
    OutputFolders,
    RunOptions,
    Seeds,
    WorkerCount,
    run_editor,
)
from editloop.cli.progress import say
from editloop.core.errors import UsageError

if TYPE_CHECKING:
    from editloop.bench.results import BenchResult
    from editloop.bench.tasks.base import Task

BOTH = "both"

benching = typer.Typer(
    name="bench",
    help="Benchmarks of editors: figures with intervals from official files, every raw reply kept.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

benching.add_typer(building)
benching.command("compare-datasets")(compare_datasets)
benching.command()(contamination)
benching.command("fake-score")(fake_score)

Cases = Annotated[Path | None, typer.Option(help="Official file of the benchmark's cases.")]
RepliesFiles = Annotated[
    list[Path] | None,
    typer.Option(help="Kept replies of the judge, for example result.json; give one file a run."),
]
ProtocolName = Annotated[
    str,
    typer.Option(help="official (the published script, digit by digit), robust, or both."),
]
CapName = Annotated[
    str,
    typer.Option(
        help="prompt: scores as given; enforced: later scores cut to the first (robust only)."
    ),
]
Language = Annotated[str, typer.Option(help="Of the instructions: en or cn (GEdit-Bench).")]
Subset = Annotated[str, typer.Option(help="fullset or intersection (GEdit-Bench).")]
Name = Annotated[str, typer.Option(help="The editor's name in tables.")]
JudgeName = Annotated[
    str,
    typer.Option(
        help="Judge: who wrote the --replies, or the spec of who judges, e.g. world:tiny-judge."
    ),
]
JudgeVersion = Annotated[str, typer.Option(help="Its dated version or revision.")]
PromptVersion = Annotated[str, typer.Option(help="Name or hash of the rubric text it was given.")]
Encoding = Annotated[str, typer.Option(help="How images were sent, for example png.")]
Temperature = Annotated[str, typer.Option(help="Sampling temperature of the judge.")]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Also write the result, raw replies included, as one JSON file; the run folder of --editor or --outputs."
    ),
]
Seed = Annotated[int, typer.Option(help="Of intervals and of an official script's random scores.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _add_task(name: str, about: str) -> None:
    def command(
        cases: Cases = None,
        replies: RepliesFiles = None,
        protocol: ProtocolName = BOTH,
        cap: CapName = "prompt",
        language: Language = "",
        subset: Subset = "",
        editor_name: Name = "",
        judge: JudgeName = "",
        judge_version: JudgeVersion = "",
        prompt_version: PromptVersion = "",
        image_encoding: Encoding = "",
        temperature: Temperature = "",
        out: Out = None,
        seed: Seed = 0,
        editor: EditorSpec = "",
        outputs: OutputFolders = None,
        images: Images = None,
        seeds: Seeds = 1,
        limit: CaseLimit = None,
        allow_missing: AllowMissing = False,
        only_plan: OnlyPlan = False,
        workers: WorkerCount = None,
        as_json: AsJson = False,
    ) -> None:
        from editloop.bench.scoring import Scoring

        judged_by = {
            "judge": judge,
            "judge_version": judge_version,
            "prompt_version": prompt_version,
            "image_encoding": image_encoding,
            "temperature": temperature,
        }
        chosen = _choice("--cap", cap, ("prompt", "enforced"))
        scoring = Scoring("robust", chosen, language, subset, judged_by, seed)
        if editor or outputs:
            options = RunOptions(
                editor, tuple(outputs or ()), images, seeds, limit, allow_missing, workers
            )
            run_editor(
                name,
                cases,
                judge,
                out,
                replace(scoring, judge=None),
                protocol,
                editor_name,
                options,
                only_plan=only_plan,
                as_json=as_json,
            )
            return
        score_replies(
            name, replies or [], cases, scoring, protocol, editor_name, out, as_json=as_json
        )

    command.__doc__ = about
    benching.command(name)(command)


for _name, _about in (
    ("imgedit", "ImgEdit-Bench basic: nine edit types, three scores of 1 to 5."),
    ("uge", "ImgEdit-Bench UGE: hard single turns, one score of 1 to 5."),
    ("gedit", "GEdit-Bench: eleven groups, VIEScore's SC, PQ and O of 0 to 10."),
    ("real-edit", "Real-Edit: seven types; accuracy and score for following, preserving, quality."),
    ("realpref", "RealPref-Bench: eight tasks, one HP-Score of 0 to 5."),
    ("multi-turn", "ImgEdit-Bench multi-turn: dialogues that people answered yes or no."),
    ("dreambench", "DreamBench++-style: concept preservation and prompt following."),
    ("custom", "Your own cases: a folder of images and a file of rows."),
):
    _add_task(_name, _about)
for _verb in (leaderboard, compare, drift, reference):
    benching.command()(_verb)


def score_replies(
    name: str,
    replies: list[Path],
    cases: Path | None,
    scoring: Any,
    protocol: str,
    editor: str,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Score kept replies and print the figures of one protocol, or of both side by side.

    Raises:
        UsageError: an option or file cannot be used.
    """
    from editloop.bench.scoring import summary
    from editloop.bench.tasks import load_task

    if not replies:
        raise UsageError(
            "nothing to score: add --replies FILE, the judge's kept replies (key -> text), once for every run"
        )
    task = load_task(name)
    results = {
        each: score_in_splits(task, replies, cases, scoring, each, editor)
        for each in protocols_of(task, protocol)
    }
    for each, splits in results.items():
        _keep(next(iter(splits.values())), out, each, len(results))
    if as_json:
        printed = {
            each: summary(next(iter(splits.values())), seed=scoring.seed)
            | ({"splits": _splits(splits)} if len(splits) > 1 else {})
            for each, splits in results.items()
        }
        typer.echo(
            json.dumps(next(iter(printed.values())) if len(printed) == 1 else printed, indent=2)
        )
        return
    from editloop.cli.bench_tables import print_results

    print_results(task, results, scoring.seed)


def protocols_of(task: Task, asked: str) -> list[str]:
    """The protocols to score by: the one asked for, or all that the benchmark has."""
    if asked == BOTH:
        return list(task.protocols)
    return [_choice("--protocol", asked, ("official", "robust", BOTH))]


def score_in_splits(
    task: Task, replies: list[Path], cases: Path | None, scoring: Any, protocol: str, editor: str
) -> dict[str, BenchResult]:
    """Language and subset -> result, the one asked for (or the usual one) first."""
    from editloop.bench.scoring import score_files

    languages = [scoring.language] if scoring.language else list(task.languages) or [""]
    subsets = [scoring.subset] if scoring.subset else list(task.subsets) or [""]
    found: dict[str, BenchResult] = {}
    for language in languages:
        for subset in subsets:
            one = replace(scoring, protocol=protocol, language=language, subset=subset)
            result = score_files(task, replies, cases, one, editor)
            if result.runs[0].items or not found:
                found["/".join(part for part in (language, subset) if part)] = result
    first = next((name for name, result in found.items() if result.runs[0].items), None)
    if first is not None:
        found = {first: found[first]} | found
        found = {name: result for name, result in found.items() if result.runs[0].items}
    return found


def _splits(splits: dict[str, BenchResult]) -> dict[str, Any]:
    return {
        name: {
            metric: {
                "types": dict(figures.groups),
                "macro": figures.macro,
                "micro": figures.micro,
                "n_scored": figures.scored,
                "n": len(result.runs[0].items),
            }
            for metric, figures in result.runs[0].figures.items()
        }
        for name, result in splits.items()
    }


def _keep(result: BenchResult, out: Path | None, protocol: str, count: int) -> None:
    if out is None:
        return
    from editloop.bench.results import write_result

    path = out
    if count > 1 and protocol == "official":
        path = out.with_name(f"{out.stem}.official{out.suffix or '.json'}")
    say(f"{protocol} result: {write_result(result, path)}")


def _choice(option: str, given: str, known: tuple[str, ...]) -> Any:
    if given not in known:
        from editloop.core.registry import did_you_mean

        raise UsageError(
            f"{option} takes {', '.join(known)}, got {given!r}{did_you_mean(given, list(known))}"
        )
    return given
