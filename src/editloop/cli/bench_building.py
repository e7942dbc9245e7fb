"""`editloop bench build`: make a benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from editloop.cli.tables import print_table
from editloop.core.log import Bar, ProgressDisplay

building = typer.Typer(
    name="build",
    help="Make a benchmark: from the storybook world, or from your photographs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
OutFolder = Annotated[Path, typer.Option(help="Folder to write; made when missing.")]
SeedOf = Annotated[int, typer.Option(help="Of every choice.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")]


@building.command()
def storybook(
    out: OutFolder,
    count: Annotated[
        int, typer.Option(min=1, help="Number of cases, dealt out over nine types.")
    ] = 180,
    seed: SeedOf = 0,
    size: Annotated[int, typer.Option(min=32, max=512, help="Side of the images, pixels.")] = 32,
    as_json: AsJson = False,
) -> None:
    """Held-out storybook cases in ImgEdit-Bench's layout, with the true result of every case beside them."""
    from editloop.bench.building.storybook import build_storybook

    with ProgressDisplay("build") as display:
        counts = build_storybook(
            out,
            count,
            seed=seed,
            size=size,
            progress=lambda done, total: display.update([Bar("cases", done, total)]),
        )
    print_counts(counts, "type", as_json=as_json)


@building.command("storybook-data")
def storybook_data(
    out: OutFolder,
    count: Annotated[int, typer.Option(min=1, help="Number of triplets.")] = 200,
    flawed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of triplets that carry a flaw.")
    ] = 0.2,
    seed: SeedOf = 0,
    as_json: AsJson = False,
) -> None:
    """A data set of known quality, to see what a comparison of data sets can tell apart."""
    from editloop.bench.building.flawed import build_flawed

    with ProgressDisplay("build") as display:
        counts = build_flawed(
            out,
            count,
            flawed,
            seed=seed,
            progress=lambda done, total: display.update([Bar("triplets", done, total)]),
        )
    print_counts(counts, "flaw", as_json=as_json)


def print_counts(counts: dict[str, int], heading: str, *, as_json: bool) -> None:
    """Numbers of cases."""
    if as_json:
        typer.echo(json.dumps(counts, indent=2))
    else:
        rows = [[name, str(count)] for name, count in counts.items()]
        print_table([heading, "cases"], rows, numbers=("cases",))
