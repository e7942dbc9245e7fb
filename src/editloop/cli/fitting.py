"""`editloop fit`: fit a judge to people's ratings, and say out of fold how well it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from editloop.cli.judging import (
    Answers,
    PeopleScale,
    RatingsFile,
    WorkerCount,
    facts_of,
    judge_with_progress,
    open_answers,
    people_scale_of,
    say_dropped,
)
from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.errors import UsageError
from editloop.core.log import Bar, ProgressDisplay

if TYPE_CHECKING:
    from editloop.judges.features.fitting import FitSettings, JudgeFit
    from editloop.judges.people.bulk import Judged
    from editloop.records.formats.rated_edits import RatedFile

_SHOWN = 8


def fit(
    ratings: RatingsFile,
    base: Annotated[
        str, typer.Option("--base", help="Judge whose measurements and scores are read.")
    ] = "embedded:evidence",
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the judge; use it as --judge FOLDER.")
    ] = Path("runs/judge"),
    candidate: Annotated[
        list[str] | None,
        typer.Option(
            "--candidate",
            help="Choose between --base and these judges (prompt versions) task by task instead of fitting; give several.",
        ),
    ] = None,
    axis: Annotated[
        str, typer.Option("--axis", help="With --candidate: what people were asked.")
    ] = "overall",
    labels: Annotated[
        int,
        typer.Option("--labels", min=8, help="With --candidate: most labels a task to choose by."),
    ] = 100,
    fine_tune: Annotated[
        str | None,
        typer.Option(
            "--fine-tune",
            metavar="transformers:FOLDER",
            help="Fine-tune this local vision-language model (Qwen2.5-VL, Qwen3-VL) on the ratings with LoRA; run again to go on.",
        ),
    ] = None,
    rubric: Annotated[
        str,
        typer.Option(
            "--rubric", help="With --fine-tune: what the judge is asked; a name or .toml."
        ),
    ] = "hp-base",
    learn: Annotated[
        list[str] | None,
        typer.Option(
            "--learn",
            metavar="AXIS=PEOPLE_AXIS",
            help="With --fine-tune: which of people's axes an axis of the rubric is learnt from, where the names do not tell.",
        ),
    ] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="With --fine-tune: updates.")] = 1000,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="With --fine-tune: ratings of one update.")
    ] = 8,
    learning_rate: Annotated[
        float, typer.Option("--learning-rate", help="With --fine-tune.")
    ] = 1e-4,
    rank: Annotated[
        int, typer.Option("--rank", min=1, help="With --fine-tune: of the LoRA weights.")
    ] = 16,
    loss: Annotated[
        str,
        typer.Option(
            "--loss",
            help="With --fine-tune: reply (ImgEdit-Judge's way), expected_score (regression on the score's digits), or both.",
        ),
    ] = "reply",
    held_out: Annotated[
        float,
        typer.Option(
            "--held-out",
            min=0.01,
            max=0.9,
            help="With --fine-tune: share of photographs to measure on.",
        ),
    ] = 0.2,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="With --fine-tune: another setting, e.g. save_every=20, micro_batch=1, gradient_checkpointing=true.",
        ),
    ] = None,
    folds: Annotated[
        int, typer.Option(min=2, help="Parts of the cross-validation, by photograph.")
    ] = 10,
    draws: Annotated[int, typer.Option(min=1, help="Drawings of the folds.")] = 3,
    workers: WorkerCount = None,
    answers: Answers = None,
    people_scale: PeopleScale = None,
    seed: Annotated[int, typer.Option(help="Draws folds, shuffles and resamples.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Fit a judge to people's ratings; every figure it prints is of photographs the fit has not seen."""
    from editloop.judges.registry import JUDGE_FILE
    from editloop.records.formats.rated_edits import read_rated_edits
    from editloop.store.runs import check_writable

    check_writable(out / JUDGE_FILE)
    rated = read_rated_edits(ratings)
    scale = people_scale_of(people_scale, rated)
    if fine_tune is not None:
        from editloop.cli.fine_tuning import FineTuneRequest, fine_tune_command

        if candidate:
            raise UsageError("--fine-tune and --candidate are two ways to fit a judge: give one")
        changes = [f"steps={steps}", f"batch={batch}", f"learning_rate={learning_rate}"]
        changes += [f"rank={rank}", f"loss={loss}", *(overrides or ())]
        tuning = FineTuneRequest(fine_tune, rubric, learn or (), held_out, changes, out, workers, answers, scale, seed)  # fmt: skip
        fine_tune_command(rated, tuning, as_json=as_json)
        return
    if candidate:
        from editloop.cli.choosing import ChoiceRequest, choose_versions

        choice = ChoiceRequest(
            base, tuple(candidate), axis, labels, out, workers, answers, scale, seed
        )
        choose_versions(rated, choice, as_json=as_json)
        return
    from editloop.judges.features.fitted import save_fitted
    from editloop.judges.features.fitting import FitSettings

    settings = FitSettings(folds=folds, draws=draws, seed=seed)
    with open_answers(answers) as store:
        measured = judge_with_progress(f"features:{base}", rated, store, workers)
    found = _fit_with_progress(rated, measured, base, settings, scale)
    path = save_fitted(found.model, out)
    if as_json:
        body = {**facts_of(rated, measured), "out": str(path.parent), **found.model.report}
        body |= {"judge": base, "as_shipped": _as_shipped(rated, measured, scale, seed)}
        typer.echo(json.dumps(body, indent=2))
    else:
        _print_fit(found, _as_shipped(rated, measured, scale, seed))
    left = len(measured.verdicts) - found.edits
    if left:
        say(f"{left} edits have no score of {base} and were left out of the fit")
    for axis in rated.axes:
        if axis not in found.axes:
            say(f"{axis} was not fitted: too few edits have scores for it, or all have the same")
    say_dropped((*rated.dropped, *measured.dropped), rated.ignored)
    say(f"judge: {path.parent} (use it with --judge {path.parent})")


def _fit_with_progress(
    rated: RatedFile,
    measured: Judged,
    base: str,
    settings: FitSettings,
    scale: tuple[float, float] | None,
) -> JudgeFit:
    from editloop.judges.features.fitting import fit_judge

    with ProgressDisplay("fit") as display:

        def show(done: int, total: int) -> None:
            display.update([Bar("fits", done, total)])

        return fit_judge(rated, measured, base, settings, scale=scale, progress=show)


def _as_shipped(
    rated: RatedFile, measured: Judged, scale: tuple[float, float] | None, seed: int
) -> dict[str, Any]:
    """The base judge's own agreement, axis by axis."""
    from editloop.judges.people.report import people_report

    report = people_report(rated, measured, scale=scale, seed=seed)
    return {row.axis: row.as_json() for row in report.axes}


def _print_fit(found: JudgeFit, shipped: dict[str, Any]) -> None:
    numbers = ["as shipped", "fitted", "Pearson", "within 1", "MAE", "ceiling", "edits"]
    rows = []
    for axis, one in found.axes.items():
        own, before = one.as_json(), shipped[axis]
        low, high = own["ci"]
        rows.append(
            [
                axis,
                _cell(before["spearman"]),
                _cell(own["spearman"]),
                f"{_cell(low)} to {_cell(high)}",
                " ".join(_cell(value) for value in own["spearman_per_draw"]),
                *(_cell(own[name]) for name in ("pearson", "within_1", "mae")),
                _cell(before["ceiling"]),
                str(one.n),
            ]
        )
    headings = ["Spearman", *numbers[:2], "95 % interval", "per drawing of folds", *numbers[2:]]
    print_table(headings, rows, numbers=numbers)
    for axis, one in found.axes.items():
        carried = ", ".join(
            f"{name} {loss:+.3f}" for name, loss in list(one.blocks.items())[:_SHOWN]
        )
        single = ", ".join(
            f"{name} {loss:+.3f}" for name, loss in list(one.features.items())[:_SHOWN]
        )
        typer.echo(f"\n{axis}: Spearman lost when shuffled: {carried}\n  features: {single}")
    typer.echo(
        f"\n{found.edits} edits of {found.photographs} photographs; every figure of the fitted judge is out of fold, "
        "no photograph is in two folds"
    )


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
