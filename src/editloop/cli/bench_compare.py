"""`editloop bench compare`, `drift` and `reference`: results beside each other, and beside published figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from editloop.cli.tables import print_table

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Metric = Annotated[str, typer.Option(help="Metric of the benchmark; its headline by default.")]
Seed = Annotated[int, typer.Option(help="Of bootstrap and permutations.")]


def compare(
    first: Annotated[Path, typer.Argument(help="Result of one editor, from --out.")],
    second: Annotated[Path, typer.Argument(help="Result of another.")],
    metric: Metric = "",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Paired comparison of two editors: difference with interval, permutation test, effect size."""
    from editloop.bench.compare import compare_results, comparison_json, verdict_of
    from editloop.bench.results import read_result

    one, other = read_result(first), read_result(second)
    found = compare_results(one, other, metric, seed=seed)
    if as_json:
        typer.echo(json.dumps(_finite(comparison_json(one, other, found)), indent=2))
        return
    estimate = found.estimate
    rows = [
        *((name or "all", value) for name, value in estimate.groups.items()),
        ("macro mean", estimate.macro),
        ("mean of items", estimate.micro),
    ]
    print_table(
        [f"{other.editor} minus {one.editor}", "difference", "low", "high"],
        [[name, *(f"{part:+.3f}" for part in value)] for name, value in rows],
        numbers=("difference", "low", "high"),
    )
    typer.echo(
        f"better on {found.better}, equal on {found.equal}, worse on {found.worse} of {estimate.n} items"
    )
    typer.echo(verdict_of(found, one.editor, other.editor))


def drift(
    pinned: Annotated[Path, typer.Argument(help="Result of the pinned replies, from --out.")],
    now: Annotated[Path, typer.Argument(help="Result of new replies about the same edits.")],
    metric: Metric = "",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Has the judge moved? Its new scores of the same edits against pinned ones; exit code 1 when it has."""
    from editloop.bench.compare import drift_json, drift_of
    from editloop.bench.results import read_result

    found = drift_of(read_result(pinned), read_result(now), metric, seed=seed)
    if as_json:
        typer.echo(json.dumps(drift_json(found), indent=2))
    else:
        shift = found.shift
        typer.echo(
            f"mean shift {shift.value:+.3f} [{shift.low:+.3f}, {shift.high:+.3f}] on {found.n} items, p = {found.p_value:.2g}; "
            f"a shift of {found.detectable:.2f} would be found"
        )
        typer.echo(
            f"same score on {100 * found.same:.0f} %, within half a point on {100 * found.close:.0f} %; readable replies "
            f"{100 * found.readable_then.value:.0f} % then, {100 * found.readable_now.value:.0f} % now"
        )
        typer.echo("the judge has moved" if found.moved else "no drift found")
    if found.moved:
        raise typer.Exit(1)


def reference(
    task: Annotated[str, typer.Argument(help="Benchmark; all by default.")] = "",
    as_json: AsJson = False,
) -> None:
    """Published figures with judge and source, and whether a printed overall is a mean over types or over items."""
    from editloop.bench.reference import published_tables

    tables = [table for table in published_tables() if task in ("", table.task)]
    if not tables:
        from editloop.core.errors import UsageError

        known = sorted({table.task for table in published_tables()})
        raise UsageError(f"no published figures of {task!r}; there are some of: {', '.join(known)}")
    rows = [_reference_row(table, row) for table in tables for row in table.rows]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    print_table(
        ["table", "model", "overall", "is", "macro", "micro", "judge"],
        [
            [
                row["table"],
                row["model"],
                _number(row["overall"]),
                row["weighting"],
                _number(row["macro"]),
                _number(row["micro"]),
                row["judge"],
            ]
            for row in rows
        ],
        numbers=("overall", "macro", "micro"),
    )
    for table in tables:
        note = f"; {table.note}" if table.note else ""
        typer.echo(f"{table.id}: {table.source}{note}")


def _reference_row(table: Any, row: Any) -> dict[str, Any]:
    from editloop.bench.reference import recognise

    read = recognise(row.figures, row.overall) if table.task == "imgedit" else None
    return {
        "table": table.id,
        "task": table.task,
        "subset": table.subset,
        "model": row.model,
        "judge": table.judge,
        "source": table.source,
        "metric": table.metric,
        "figures": dict(row.figures),
        "overall": row.overall,
        "weighting": read.weighting if read else "",
        "macro": read.macro if read else None,
        "micro": read.micro if read else None,
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value >= 10 else f"{value:.2f}"


def _finite(content: dict[str, Any]) -> dict[str, Any]:
    """An effect without spread has no finite size: JSON has no infinity."""
    size = content["effect_size"]
    return content | {"effect_size": size if abs(size) != float("inf") else None}
