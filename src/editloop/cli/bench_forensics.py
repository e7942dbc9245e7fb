"""`editloop bench fake-score`: how many edits a forensic detector spots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.log import Bar, ProgressDisplay

if TYPE_CHECKING:
    from editloop.bench.fake_score import FakeScore, Side


def fake_score(
    edited: Annotated[
        Path,
        typer.Option(help="Edited images: a folder, a data set or a run folder (its targets)."),
    ],
    untouched: Annotated[
        Path | None,
        typer.Option(help="Untouched images: a folder, or a data set (its sources)."),
    ] = None,
    detector: Annotated[
        str,
        typer.Option(
            help="embedded:noise (a weak baseline), transformers:FOLDER_OR_ID (a classifier), or fakeshield:VLM."
        ),
    ] = "embedded:noise",
    seed: Annotated[int, typer.Option(help="Of the interval of the AUC.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Share of edited images flagged as fake (FakeShield's protocol), of untouched ones too, and the AUC."""
    from contextlib import ExitStack

    from editloop.bench import fake_score as scoring
    from editloop.cli.bench_contamination import train_images
    from editloop.models import load_model

    with ExitStack() as stack:
        first = stack.enter_context(train_images(edited))
        second = stack.enter_context(train_images(untouched)) if untouched else None
        display = stack.enter_context(ProgressDisplay("fake score"))
        counts: dict[str, int] = {}

        def progress(side: str, done: int) -> None:
            counts[side] = done
            display.update([Bar(name, count, None) for name, count in counts.items()])

        found = scoring.fake_score(
            load_model("forensic", detector),
            (image for image in first() if not image.name.endswith(" source")),
            (image for image in second() if not image.name.endswith(" target")) if second else (),
            seed=seed,
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(scoring.as_json(found), indent=2))
    else:
        _print(found)


def _print(found: FakeScore) -> None:
    sides = {"edited (fake score)": found.edited} | (
        {"untouched (false alarms)": found.untouched} if found.untouched else {}
    )
    print_table(
        ["images", "flagged as fake", "read"],
        [[name, _share(side), _read(side)] for name, side in sides.items()],
        numbers=("flagged as fake", "read"),
    )
    if found.auc is not None:
        auc = found.auc
        typer.echo(f"AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]; 0.5 is guessing")
    else:
        say(
            "without --untouched nobody can say whether the detector flags edits or everything: add a folder of sources"
        )
    say(f"{found.detector} {found.version}")


def _share(side: Side) -> str:
    share = side.share
    return (
        "undefined" if share is None else f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"
    )


def _read(side: Side) -> str:
    return f"{len(side.scores)} of {len(side.scores) + len(side.unread)}"
