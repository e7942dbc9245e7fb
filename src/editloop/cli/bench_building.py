"""`editloop bench build`: make a benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.errors import UsageError
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
        int,
        typer.Option(
            min=1,
            help="imgedit, multi-turn, custom: cases in all; real-edit: cases a type; realpref: cases a task.",
        ),
    ] = 180,
    layout: Annotated[
        str,
        typer.Option(
            help="Whose files to write: imgedit, real-edit, realpref, multi-turn (dialogues), or custom (edits with reference images)."
        ),
    ] = "imgedit",
    seed: SeedOf = 0,
    size: Annotated[int, typer.Option(min=32, max=512, help="Side of the images, pixels.")] = 32,
    as_json: AsJson = False,
) -> None:
    """Held-out storybook cases in a benchmark's own layout, with the true result of every case beside them."""
    from editloop.bench.building.storybook import build_storybook
    from editloop.bench.building.storybook_dialogues import build_dialogues, build_references
    from editloop.bench.building.storybook_layouts import build_real_edit, build_realpref
    from editloop.core.registry import did_you_mean

    builders = {
        "imgedit": build_storybook,
        "real-edit": build_real_edit,
        "realpref": build_realpref,
        "multi-turn": build_dialogues,
        "custom": build_references,
    }
    if layout not in builders:
        raise UsageError(
            f"--layout takes {', '.join(builders)}, got {layout!r}{did_you_mean(layout, list(builders))}"
        )
    with ProgressDisplay("build") as display:
        counts = builders[layout](
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


PhotoFolder = Annotated[
    Path, typer.Option(help="Folder of photographs, yours or ones that you may use.")
]
PhotoLimit = Annotated[int | None, typer.Option(min=1, help="Look at the first N photographs.")]
RecipeSize = Annotated[
    int,
    typer.Option(
        min=1, help="imgedit: cases in all; real-edit: photographs; realpref: cases a task."
    ),
]
DetectorSpec = Annotated[str, typer.Option(help="Finds the objects that instructions speak of.")]
TaggerSpec = Annotated[str, typer.Option(help="Names photographs without such objects.")]


def _add_recipe(recipe: str, usual: int, about: str) -> None:
    def command(
        photos: PhotoFolder,
        out: OutFolder,
        size: RecipeSize = usual,
        limit: PhotoLimit = None,
        seed: SeedOf = 0,
        detector: DetectorSpec = "embedded:nanodet",
        tagger: TaggerSpec = "embedded:conse",
        as_json: AsJson = False,
    ) -> None:
        _build(recipe, photos, out, size, limit, seed, detector, tagger, as_json=as_json)

    command.__doc__ = about
    building.command(recipe)(command)


for _name, _usual, _about in (
    ("imgedit", 737, "ImgEdit-Bench's recipe: nine types in the proportions of the released cases."),
    ("real-edit", 80, "Real-Edit's recipe: photographs of even categories, seven instructions each."),
    ("realpref", 200, "RealPref-Bench's recipe: eight tasks, even over the objects that are edited."),
):  # fmt: skip
    _add_recipe(_name, _usual, _about)


def _build(
    recipe: str,
    photos: Path,
    out: Path,
    size: int,
    limit: int | None,
    seed: int,
    detector: str,
    tagger: str,
    *,
    as_json: bool,
) -> None:
    from dataclasses import asdict

    from editloop.bench.building import facts, recipes
    from editloop.models import load_model

    if not photos.is_dir():
        raise UsageError(f"{photos} is not a folder; give --photos a folder of photographs")
    with ProgressDisplay("build") as display:
        found, dropped = facts.read_photos(
            photos,
            load_model("detector", detector),
            load_model("tagger", tagger),
            limit=limit,
            progress=lambda done, total: display.update([Bar("photographs", done, total)]),
        )
    built = recipes.build(recipe, found, out, size, seed=seed, dropped=dropped)  # type: ignore[arg-type]  # one of `RECIPES`
    if as_json:
        typer.echo(json.dumps(asdict(built) | {"cases": str(built.cases)}, indent=2))
    else:
        print_counts(dict(built.counts), "group", as_json=False)
    for group, count in built.short.items():
        say(f"{group}: {count} cases fewer than asked for; more photographs would help")
    lost = "".join(f", {count} {reason}" for reason, count in built.dropped.items())
    say(f"{built.photos} of {built.usable} usable photographs used{lost}")
    say(
        f"cases: {built.cases}. Let people check them: editloop rate {out / recipes.VERIFY_FILE} --axes overall "
        f"--guidelines {out / recipes.GUIDELINES_FILE}, then --export checked.jsonl, then editloop bench build verified"
    )


@building.command()
def verified(
    cases: Annotated[Path, typer.Option(help="Cases as built.")],
    ratings: Annotated[Path, typer.Option(help="Export of the rating page.")],
    out: Annotated[Path, typer.Option(help="File of the cases that are kept.")],
    least: Annotated[float, typer.Option(help="Least mean rating.")] = 3.0,
    as_json: AsJson = False,
) -> None:
    """Keep the cases that people found clear and feasible."""
    from editloop.bench.building.recipes import keep_verified

    print_counts(keep_verified(cases, ratings, out, least), "verdict", as_json=as_json)


def print_counts(counts: dict[str, int], heading: str, *, as_json: bool) -> None:
    """Numbers of cases."""
    if as_json:
        typer.echo(json.dumps(counts, indent=2))
    else:
        rows = [[name, str(count)] for name, count in counts.items()]
        print_table([heading, "cases"], rows, numbers=("cases",))
