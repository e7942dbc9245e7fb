"""Tables of `editloop bench` on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table

if TYPE_CHECKING:
    from editloop.bench.results import BenchResult
    from editloop.bench.tasks.base import Task

WIDEST = 3
"""Metrics up to which the protocols stand side by side in one table."""
LABELS = {"macro": "macro mean", "micro": "mean of items"}


def print_results(
    task: Task, results: Mapping[str, Mapping[str, BenchResult]], seed: int = 0
) -> None:
    """One table a split, a row a group, a column a protocol and metric; what must be known goes to stderr."""
    from editloop.bench.scoring import summary

    for split in next(iter(results.values())):
        shown = {
            protocol: summary(splits[split], seed=seed)
            for protocol, splits in results.items()
            if split in splits
        }
        if len(task.metrics) > WIDEST:
            for protocol, one in shown.items():
                print_summaries(task, {protocol: one}, split)
        else:
            print_summaries(task, shown, split)
    for protocol, splits in results.items():
        for note in _notes(next(iter(splits.values()))):
            say(f"{protocol}: {note}")


def print_summaries(task: Task, shown: Mapping[str, dict[str, Any]], split: str = "") -> None:
    """Summaries of one split side by side."""
    first = next(iter(shown.values()))
    found = dict.fromkeys(group for one in shown.values() for group in one["types"])
    names = [*(g for g in task.groups if g in found), *(g for g in found if g not in task.groups)]
    headings = [split or task.name]
    for protocol in shown:
        headings += [_heading(protocol, metric, task) for metric in task.metrics]
        headings.append(f"{protocol} n")
    rows = []
    for group in [*names, "macro", "micro"]:
        row = [LABELS.get(group, group)]
        for one in shown.values():
            row += [_cell(task, one, group, metric) for metric in task.metrics]
            row.append(_count(one, group))
        rows.append(row)
    print_table(headings, rows, numbers=headings[1:])
    typer.echo(
        f"{first['editor']}: {first['n_scored']} scored of {first['n']}"
        + "".join(f", {count} {outcome}" for outcome, count in sorted(first["unscored"].items()))
    )
    for protocol, one in shown.items():
        if "runs" in one:
            typer.echo(f"{one['runs']['n']} runs, {protocol}, interval over runs: {_across(one)}")


def _across(one: Mapping[str, Any]) -> str:
    """The figures of several runs, with Student's interval over the runs."""
    parts = []
    for name, figure in one.get("runs", {}).items():
        if isinstance(figure, dict) and figure["interval"] is not None:
            low, high = figure["interval"]
            each = ", ".join(
                "none" if value is None else f"{value:.2f}" for value in figure["each"]
            )
            parts.append(f"{name} {each} [{low:.2f}, {high:.2f}]")
    return "; ".join(parts)


def _heading(protocol: str, metric: str, task: Task) -> str:
    return (
        protocol
        if len(task.metrics) == 1
        else f"{protocol} {metric.replace('_', ' ').replace('accuracy', 'yes')}"
    )


def _cell(task: Task, one: Mapping[str, Any], group: str, metric: str) -> str:
    single = len(task.metrics) == 1
    if group in ("macro", "micro"):
        value = one[group] if single else one[group][metric]
        interval = (one["intervals"] if single else one["intervals"].get(metric, {})).get(group)
    else:
        value = one["types"].get(group) if single else one["types"].get(group, {}).get(metric)
        found = one["intervals"] if single else one["intervals"].get(metric, {})
        interval = found.get("types", {}).get(group)
    if value is None:
        return "undefined"
    share = task.scales[metric] == (0.0, 1.0)
    text = f"{100 * value:.1f} %" if share else f"{value:.2f}"
    if interval is None or metric != task.headline:
        return text
    return f"{text} [{interval[0]:.2f}, {interval[1]:.2f}]"


def _count(one: Mapping[str, Any], group: str) -> str:
    if group in ("macro", "micro"):
        return f"{sum(one['counts'].values())}"
    return str(one["counts"].get(group, 0))


def _notes(result: BenchResult) -> list[str]:
    notes = [*result.notes, *result.runs[0].notes]
    slips = result.runs[0].slips
    if slips:
        notes.append("slips: " + ", ".join(f"{slip} {count}" for slip, count in slips.items()))
    return notes
