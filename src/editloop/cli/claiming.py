"""`editloop claims`: test the claims of the four papers in the storybook world."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from editloop.cli.progress import say
from editloop.core.log import Bar, ProgressDisplay

if TYPE_CHECKING:
    from editloop.claims.groups import ArmJob
    from editloop.claims.lab import Lab
    from editloop.claims.run import ClaimsResult


class ClaimsRequest(NamedTuple):
    """What the command line asked for."""

    out: Path
    seeds: int | None
    hours: float | None
    only: tuple[str, ...]
    workers: int | None
    short: bool
    command: str


def run_claims_command(request: ClaimsRequest, publish_to: Path | None, *, as_json: bool) -> None:
    """Run or resume, then write ``claims.json`` and ``claims.html``; print the table."""
    lab = open_bench(request)
    from editloop.claims.pages import write_claims_page
    from editloop.claims.publish import facts_of, publish

    result = measure_claims(lab, request.only, request.workers)
    facts = facts_of(request.command)
    page = write_claims_page(lab, result.rows, request.out, facts)
    if publish_to is not None:
        publish(result.rows, publish_to, facts)
    if as_json:
        typer.echo(json.dumps(claims_json(result), indent=2))
    else:
        print_claims(result)
    say(f"page: {page}")


def open_bench(request: ClaimsRequest) -> Lab:
    """The claims folder with the sizes that were asked for.

    Raises:
        PrerequisiteError: as `check_ready`.
    """
    check_ready()
    from editloop.claims.lab import FULL, SHORT
    from editloop.claims.run import open_lab

    sizes = SHORT if request.short else FULL
    if request.seeds is not None:
        sizes = sizes.model_copy(update={"seeds": request.seeds})
    return open_lab(request.out, sizes, request.hours)


def check_ready() -> None:
    """Look for packages and weights before any work.

    Raises:
        PrerequisiteError: with the command that supplies what is missing.
    """
    from editloop.judges.storybook import calibrated_scorer, held_out_judge, tiny_judge
    from editloop.models.prerequisites import require
    from editloop.models.storybook.shipped import shipped_folder

    require("diffusers", "train")
    shipped_folder()
    for judge in (tiny_judge, held_out_judge, calibrated_scorer):
        _ = judge().identity


def measure_claims(lab: Lab, only: Sequence[str], workers: int | None) -> ClaimsResult:
    """Run with progress on stderr."""
    from editloop.claims.run import run_claims

    with ProgressDisplay("claims") as display:

        def show(done: int, total: int, running: Sequence[ArmJob]) -> None:
            note = ", ".join(f"{job.arm} {job.seed}" for job in running)
            display.update([Bar("arms", done, total, note)])

        return run_claims(lab, only, workers=workers or os.cpu_count() or 1, on_progress=show)


def claims_json(result: ClaimsResult) -> dict[str, Any]:
    """What ``--json`` prints."""
    rows = [row.model_dump(mode="json") for row in result.rows]
    return {"claims": rows, "unfinished": result.unfinished}


def print_claims(result: ClaimsResult) -> None:
    """Two lines a claim."""
    for row in result.rows:
        low, high = row.interval
        typer.echo(
            f"{row.verdict:15} {row.claim}: {row.effect:+.3g} [{low:+.3g}, {high:+.3g}] {row.unit}"
        )
        typer.echo(f"{'':15} {row.here}")
    for name in result.unfinished:
        typer.echo(f"out of time    {name}: run the same command again to go on")
