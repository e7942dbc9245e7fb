"""`editloop claims`: test the claims of the four papers in the storybook world."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from editloop.cli.progress import say


def run_claims_command(
    out: Path,
    seeds: int | None,
    hours: float | None,
    only: tuple[str, ...],
    publish_to: Path | None,
    command: str,
    *,
    short: bool,
    as_json: bool,
) -> None:
    """Run or resume, then write ``claims.json`` and ``claims.html``; print the table."""
    from editloop.claims.lab import FULL, SHORT, Lab
    from editloop.claims.publish import facts_of, publish, write_claims_page
    from editloop.claims.run import open_lab, run_claims

    sizes = SHORT if short else FULL
    if seeds is not None:
        sizes = sizes.model_copy(update={"seeds": seeds})
    lab: Lab = open_lab(out, sizes, hours, say)
    result = run_claims(lab, only)
    facts = facts_of(command)
    page = write_claims_page(lab, result.rows, out, facts)
    if publish_to is not None:
        publish(result.rows, publish_to, facts)
    if as_json:
        content = [row.model_dump(mode="json") for row in result.rows]
        typer.echo(json.dumps({"claims": content, "unfinished": result.unfinished}, indent=2))
    else:
        for row in result.rows:
            low, high = row.interval
            typer.echo(
                f"{row.verdict:15} {row.claim}: {row.effect:+.3g} [{low:+.3g}, {high:+.3g}] {row.unit}"
            )
            typer.echo(f"{'':15} {row.here}")
        for name in result.unfinished:
            typer.echo(f"out of time    {name}: run the same command again to go on")
    say(f"page: {page}")
