"""`editloop judge --against-people`: prints the agreement, and writes the judge's card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table

if TYPE_CHECKING:
    from editloop.judges.people.bulk import Judged
    from editloop.judges.people.report import AxisAgreement, PeopleReport
    from editloop.records.formats.rated_edits import RatedFile


_FEW = 5
"""Photographs below which a bootstrap over photographs is known to be too narrow."""
_SMALL = 10
"""Edits of a group below which the same is said of it."""


class AgreementRequest(NamedTuple):
    """What the command line asked for."""

    judge: str
    scale: tuple[float, float] | None
    by: str | None
    card: Path | None
    probes: int
    seed: int
    workers: int


def report_agreement(
    rated: RatedFile,
    judged: Judged,
    request: AgreementRequest,
    answers: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print the figures; write the card where one is asked for."""
    from editloop.cli.judging import facts_of, open_answers
    from editloop.judges.people.report import people_report

    seen = _fitted_to(request.judge, rated)
    report = people_report(
        rated, judged, scale=request.scale, task_label=request.by, seed=request.seed
    )
    if as_json:
        typer.echo(
            json.dumps({**facts_of(rated, judged), "fitted_to": seen, **report.as_json()}, indent=2)
        )
    else:
        print_report(report)
    for note in missing_figures(report, rated):
        say(note)
    if seen:
        say(
            f"this judge was fitted to images of {seen} of these {len(rated.edits)} edits: the figures above flatter it; those of new "
            "photographs are what `editloop fit` printed"
        )
    if request.card is not None:
        from editloop.cli.carding import make_card

        with open_answers(answers) as store:
            say(f"card: {make_card(request, rated, judged, report, seen, store)}")


def missing_figures(report: PeopleReport, rated: RatedFile) -> list[str]:
    """Why figures of the table over all edits are blank, a line a reason."""
    axes = ", ".join
    few = [row.axis for row in report.axes if not row.figures]
    flat = [row.axis for row in report.axes if row.figures and row.as_json()["spearman"] is None]
    alone = [row.axis for row in report.axes if row.ceiling is None]
    notes = [f"no score for {n} of {len(rated.edits)}: {why}" for why, n in report.unscored.items()]
    if few:
        notes.append(f"no figures for {axes(few)}: fewer than 3 edits have a score of the judge")
    if flat:
        notes.append(
            f"no correlation for {axes(flat)}: the judge, or people, gave every edit the same score"
        )
    photographs = len({edit.image for edit in rated.edits})
    if photographs < 2:
        notes.append("no intervals: they are drawn over photographs, and all edits are of one")
    elif photographs < _FEW:
        notes.append(f"intervals are drawn from {photographs} photographs and are too narrow")
    small = [task for task, rows in report.by_task.items() if max(r.n for r in rows) < _SMALL]
    if small:
        notes.append(
            f"fewer than {_SMALL} edits in {axes(small)}: figures of so few say little, and their intervals are too narrow"
        )
    if alone:
        notes.append(
            f"no ceiling for {axes(alone)}: nobody rated 3 edits that another person rated too, or all ratings are the same"
        )
    return notes


def print_report(report: PeopleReport) -> None:
    """A table for people."""
    _print_axes("all edits", report.axes)
    if report.systems:
        typer.echo()
        _print_systems(report)
    for task, rows in report.by_task.items():
        typer.echo()
        _print_axes(task, rows)


def _print_systems(report: PeopleReport) -> None:
    numbers = ("editors", "Spearman", "Kendall")
    rows = []
    for axis, found in report.systems.items():
        body = found.as_json()
        ends = body["ci"]
        between = f"{_cell(ends[0])} to {_cell(ends[1])}" if ends else ""
        rows.append([axis, str(found.n), _cell(body["spearman"]), between, _cell(body["kendall"])])
    label = next(iter(report.systems.values())).label
    print_table(
        [f"order by {label}", "editors", "Spearman", "95 % interval", "Kendall"],
        rows,
        numbers=numbers,
    )


def _print_axes(title: str, rows: tuple[AxisAgreement, ...]) -> None:
    names = [
        "Spearman",
        "95 % interval",
        "Pearson",
        "Kendall",
        "within 1",
        "MAE",
        "pairs",
        "ceiling",
    ]
    table = []
    for row in rows:
        body = row.as_json()
        ends = body["ci"]
        table.append(
            [
                row.axis,
                row.judge_axis,
                _cell(body["spearman"]),
                f"{_cell(ends[0])} to {_cell(ends[1])}" if ends else "",
                *(_cell(body[name]) for name in ("pearson", "kendall", "within_1", "mae")),
                _cell(body["pair_accuracy"]),
                _cell(body["ceiling"]),
                f"{row.n_scored} of {row.n}",
            ]
        )
    print_table([title, "read from", *names, "scored"], table, numbers=(*names, "scored"))


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _fitted_to(spec: str, rated: RatedFile) -> int:
    """Edits of the file that the judge has seen together with their ratings."""
    from editloop.judges.registry import load_judge

    was_fitted_to = getattr(load_judge(spec), "was_fitted_to", None)
    return 0 if was_fitted_to is None else sum(was_fitted_to(edit) for edit in rated.edits)
