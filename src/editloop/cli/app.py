"""The `editloop` command: results to stdout, everything else to stderr; exit 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from editloop.cli.benching import benching
from editloop.cli.fitting import fit
from editloop.cli.judging import judge
from editloop.cli.rating import rate
from editloop.cli.training import training
from editloop.core.errors import EditloopError

app = typer.Typer(
    name="editloop",
    help="Close the loop of instruction-based image editing: mine, judge, train, align, benchmark.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(training)
app.command()(judge)
app.command()(fit)
app.add_typer(benching)
app.command()(rate)

RecipeName = Annotated[
    str, typer.Argument(help="Mining recipe: photos, nhr, rewardedit or realpref.")
]
Photos = Annotated[
    Path | None,
    typer.Option(
        help="Folder of photographs, for the recipe photos; without it the sample photographs are used."
    ),
]
Seed = Annotated[
    int, typer.Option(help="Run seed: the same seed and inputs give the same triplets.")
]
Limit = Annotated[
    int | None,
    typer.Option(min=1, help="Use the first N inputs only: photographs, prompts, groups of cases."),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Worker processes; by default one for each CPU.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting, e.g. objects.segmenter=embedded:grabcut.",
    ),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML file with settings of the recipe.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def loop(
    photos: Photos = None,
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("runs/loop"),
    seed: Seed = 0,
    limit: Limit = None,
    workers: Workers = None,
    overrides: Overrides = None,
    config: ConfigFile = None,
    skip_photos: Annotated[
        bool, typer.Option("--skip-photos", help="Run the storybook part alone.")
    ] = False,
    skip_storybook: Annotated[
        bool,
        typer.Option("--skip-storybook", help="Mine photographs alone; needs no torch."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Mine photographs, then judge, train and align a tiny editor in the storybook world. Run it again to resume."""
    from editloop.cli.looping import LoopRequest, run_loop
    from editloop.cli.mining import MiningRequest

    mining = MiningRequest(photos, out, seed, limit, workers, config, tuple(overrides or ()))
    request = LoopRequest(
        mining, photos=not skip_photos, storybook=not skip_storybook, command=_command_line()
    )
    run_loop(request, as_json=as_json)


@app.command()
def mine(
    recipe: RecipeName,
    photos: Photos = None,
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("runs/mine"),
    export: Annotated[
        list[str] | None,
        typer.Option(
            help="Also export the accepted triplets: parquet, folder, webdataset, imgedit, nhr, rewardedit."
        ),
    ] = None,
    seed: Seed = 0,
    limit: Limit = None,
    workers: Workers = None,
    overrides: Overrides = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Run one mining recipe and export its triplets as a data set."""
    from editloop.cli.mining import MiningRequest, run_mining

    settings = tuple(overrides or ())
    request = MiningRequest(photos, out, seed, limit, workers, config, settings, recipe)
    run_mining(request, exports=tuple(export or ("parquet",)), as_json=as_json)


@app.command()
def align(
    editor: Annotated[
        str, typer.Argument(help="Editor to train: world:tiny-editor, or diffusers:FOLDER_OR_ID.")
    ] = "world:tiny-editor",
    cases: Annotated[
        str, typer.Option(help="What to practise on: world:COUNT, a run folder or a data set.")
    ] = "world:256",
    reward: Annotated[
        list[str] | None, typer.Option(help="Judge that rewards; give several to combine them.")
    ] = None,
    held_out: Annotated[
        str | None, typer.Option(help="Another judge, which watches and is never trained on.")
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="nft_edit, hp_edit, flow_grpo_fast, flow_grpo_full, awm_edit, rwr, dpo_online or dpo_offline."
        ),
    ] = "nft_edit",
    out: Annotated[Path, typer.Option(help="Run folder; run again to resume.")] = Path(
        "runs/align"
    ),
    config: ConfigFile = None,
    overrides: Overrides = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over in the run folder.")] = False,
    only_plan: Annotated[
        bool, typer.Option("--plan", help="Print what it would cost, and stop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Post-train an editor on what judges prefer, and export a LoRA."""
    from editloop.cli.aligning import AlignRequest, run_align

    request = AlignRequest(
        editor,
        cases,
        tuple(reward or ("world:tiny-judge",)),
        held_out,
        preset,
        out,
        config,
        tuple(overrides or ()),
        fresh,
    )
    run_align(request, only_plan=only_plan, as_json=as_json)


@app.command()
def view(
    path: Annotated[Path, typer.Argument(help="Run folder or data set.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page; default: inside PATH.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most triplets on the page.")] = 2000,
    sheet: Annotated[
        Path | None, typer.Option(help="Also draw this many --sample triplets as one PNG.")
    ] = None,
    sample: Annotated[
        int, typer.Option(min=1, help="Triplets on the --sheet, drawn at random.")
    ] = 100,
    seed: Annotated[int, typer.Option(help="Draws the sample.")] = 0,
) -> None:
    """Write a page that shows a run or a data set; it opens from disk, without a server."""
    from editloop.cli.viewing import draw_sheet, write_view

    typer.echo(write_view(path, out, limit))
    if sheet is not None:
        typer.echo(draw_sheet(path, sheet, sample, seed))


class _Plan(TyperCommand):
    """`plan bench TASK ...` is `bench TASK ... --plan`: a benchmark has options of its own."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of the verb `bench` where a benchmark is named, else of this one."""
        if args[:1] == ["bench"] and args[1:] and not args[1].startswith("-"):
            verb = typer.main.get_command(benching)
            return verb.make_context("bench", [*args[1:], "--plan"], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)


@app.command(cls=_Plan)
def plan(
    recipe: RecipeName,
    photos: Photos = None,
    limit: Limit = None,
    workers: Workers = None,
    overrides: Overrides = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what a recipe will cost before it is spent: records, calls, CPU time, disk. A benchmark: plan bench TASK --cases ..."""
    from editloop.cli.planning import print_plan

    print_plan(recipe, photos, limit, workers, config, tuple(overrides or ()), as_json=as_json)


@app.command()
def claims(
    out: Annotated[Path, typer.Option(help="Folder of the run; run again to resume.")] = Path(
        "runs/claims"
    ),
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Trainings an arm; 5 by default, 1 with --short.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0, help="Begin no further training after so many hours.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Groups: judges, nhr, mrc, hp_edit, objectives.")
    ] = None,
    publish: Annotated[
        Path | None, typer.Option(help="Also write claims.md and claims.json here.")
    ] = None,
    short: Annotated[bool, typer.Option("--short", help="The few-minute form.")] = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Test the claims of the four papers in the storybook world: one row a claim, with an interval."""
    from editloop.cli.claiming import ClaimsRequest, run_claims_command

    request = ClaimsRequest(out, seeds, hours, tuple(only or ()), workers, short, _command_line())
    run_claims_command(request, publish, as_json=as_json)


@app.command()
def doctor(
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch every asset that is not there yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is installed, which assets are ready, and which adapters work."""
    from editloop.cli.health import print_health

    print_health(fetch=fetch, as_json=as_json)


def _command_line() -> str:
    """What was typed, for the facts of a page."""
    return shlex.join(["editloop", *sys.argv[1:]])


def _version(value: Any) -> None:
    if value:
        from editloop import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every verb."""


def main() -> None:
    """Entry point: our own errors are printed as one message, without a traceback."""
    try:
        app()
    except EditloopError as error:
        print(f"editloop: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("editloop: stopped; run the same command again to go on", file=sys.stderr)
        sys.exit(1)
