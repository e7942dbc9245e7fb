"""`editloop plan`: what a run will cost, before it is spent."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import typer

from editloop.cli.mining import resolve_recipe
from editloop.cli.tables import print_table
from editloop.core.errors import UsageError


def print_plan(
    recipe: str,
    photos: Path | None,
    limit: int | None,
    workers: int | None,
    config: Path | None,
    overrides: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Count the inputs and multiply.

    Raises:
        UsageError: a benchmark is meant, which has a plan of its own.
    """
    if recipe == "bench":
        raise UsageError(
            "name the benchmark right behind `bench`, then its own options: editloop plan bench TASK --cases FILE --editor SPEC "
            "--judge SPEC, which is the same as editloop bench TASK ... --plan"
        )
    from editloop.mine.costs import estimate

    settings = resolve_recipe(recipe, config, overrides, 0)
    count = len(settings.inputs(photos, limit))
    lines = estimate(count, settings.costs)
    processes = workers or os.cpu_count() or 1
    cpu_seconds = sum(line.cpu_seconds for line in lines)
    total = {
        settings.input_name: count,
        "accepted": lines[-1].records,
        "cpu_hours": cpu_seconds / 3600,
        "wall_minutes": cpu_seconds / processes / 60,
        "workers": processes,
        "stored_mb": sum(line.stored_mb for line in lines),
        "served_model_calls": 0,
    }
    if as_json:
        models = dict(settings.model_specs)
        typer.echo(
            json.dumps(
                {"total": total, "stages": [asdict(line) for line in lines], "models": models},
                indent=2,
            )
        )
        return
    print_table(
        ["stage", "records in", "CPU min", "stored MB"],
        [
            [
                line.stage,
                f"{line.records:,}",
                f"{line.cpu_seconds / 60:.1f}",
                f"{line.stored_mb:.0f}",
            ]
            for line in lines
        ],
        numbers=("records in", "CPU min", "stored MB"),
    )
    typer.echo(
        f"about {total['wall_minutes']:.0f} minutes on {processes} workers, {total['stored_mb']:.0f} MB, "
        f"no served model calls; about {total['accepted']} accepted triplets"
    )
