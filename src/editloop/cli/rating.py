"""`editloop rate`: the page where people rate, its figures, and its exports."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from editloop.cli.progress import say
from editloop.core.errors import UsageError

if TYPE_CHECKING:
    from socket import socket

    from editloop.rate.items import Collection
    from editloop.rate.ratings import RatingFile
    from editloop.rate.schedule import Schedule
    from editloop.rate.sheets import Sheet, SheetKind

WORLD = "world:"
MOST_DRAWN = 500
"""Items of a drawn study; it is for trying the page out."""


def rate(
    data: Annotated[
        Path,
        typer.Argument(
            help="A run folder, a data set, a JSONL, JSON, CSV or TSV file (or its folder) with images, or world:COUNT to try."
        ),
    ],
    sheet: Annotated[
        str | None,
        typer.Option(
            help="score, pairs, dialogue, or a paper's sheet: imgedit, nhr, mrc, hp_edit. Default: score, or what OUT holds."
        ),
    ] = None,
    axes: Annotated[
        list[str] | None,
        typer.Option(help="What to ask about, e.g. --axes instruction,quality; may be repeated."),
    ] = None,
    scale: Annotated[str | None, typer.Option(help="0-5, 1-5 or 0-10.")] = None,
    guidelines: Annotated[
        Path | None,
        typer.Option(help="Text file shown to raters, paragraphs apart by blank lines."),
    ] = None,
    raters: Annotated[
        int | None, typer.Option(min=1, help="People who are to rate each item; 3 by default.")
    ] = None,
    attention_checks: Annotated[
        int | None,
        typer.Option(
            min=0, help="Unchanged or repeated items hidden among each rater's; 0 by default."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Gives every rater an order of their own; 0 by default.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder that image paths of a table start from; default: the table's."),
    ] = None,
    edits: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of an editor's outputs, named after the cases of DATA; repeat to compare editors."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder that keeps the ratings; default: runs/rate/NAME.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but loopback asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8770,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the ratings to this .jsonl or .csv file instead of serving."),
    ] = None,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Print raters and agreement instead of serving.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Open a page where people score or compare edits; every answer is kept at once."""
    from editloop.rate.ratings import RatingFile
    from editloop.rate.server import open_socket
    from editloop.rate.study import FILE_NAME

    folder = out or Path("runs/rate") / (data.stem or "ratings").replace(":", "-")
    begun = (folder / FILE_NAME).is_file()
    chosen = _Chosen(sheet, tuple(_split(axes)), scale, guidelines)
    with ExitStack() as stack:
        # A new folder is made last, so that a request which makes no sense leaves nothing behind.
        study = stack.enter_context(RatingFile(folder)) if begun else None
        if export is None and not agreement:
            asked = chosen.make(study)
            found = _collect(stack, data, asked.kind, images, edits or [])
            _say_dropped(found)
            wanted = {"raters_an_item": raters, "checks": attention_checks, "seed": seed}
            with open_socket(host, port) as bound:
                study = study or stack.enter_context(RatingFile(folder))
                schedule = _begin(study, asked, found, wanted)
                _serve(study, schedule, found, bound, host)
        elif study is None:
            raise UsageError(f"{folder} holds no ratings: name the folder of the study with --out")
        elif agreement:
            _print_agreement(study, as_json=as_json)
        elif export is not None:
            found = _collect(stack, data, study.sheet().kind, images, edits or [])
            _export(study, export, found, as_json=as_json)


class _Chosen:
    """What was asked for on the command line; what was left out follows from the study that is there already."""

    def __init__(
        self, name: str | None, axes: tuple[str, ...], scale: str | None, guidelines: Path | None
    ) -> None:
        self._name, self._axes, self._scale, self._guidelines = name, axes, scale, guidelines

    def make(self, study: RatingFile | None) -> Sheet:
        from editloop.rate.sheets import make_sheet

        nothing = not (self._name or self._axes or self._scale or self._guidelines)
        if nothing and study is not None and study.begun:
            return study.sheet()
        try:
            text = self._guidelines.read_text("utf-8") if self._guidelines else ""
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read the guidelines {self._guidelines}: {error}") from error
        return make_sheet(
            self._name or "score", axes=self._axes, scale=self._scale, guidelines=text
        )


def _split(axes: list[str] | None) -> list[str]:
    return [name.strip() for text in axes or () for name in text.split(",") if name.strip()]


def _collect(
    stack: ExitStack, data: Path, kind: SheetKind, images: Path | None, edits: list[Path]
) -> Collection:
    from editloop.cli.viewing import opened
    from editloop.rate.from_records import items_of_records
    from editloop.rate.tables import find_table, read_table

    if str(data).startswith(WORLD):
        return _of_world(str(data).removeprefix(WORLD), kind)
    if not data.exists():
        raise UsageError(
            f"there is no {data}: name a run folder, a data set or a table with images"
        )
    if data.is_dir() and not edits:
        try:
            held = stack.enter_context(opened(data))
        except UsageError:
            pass
        else:
            return items_of_records(held.records, held.load, kind)
    table = find_table(data)
    if table is None:
        raise UsageError(
            f"{data} is no run folder, no data set, and holds no table (JSONL, JSON, CSV, TSV) that can be meant: name the file"
        )
    return read_table(table, kind, images, edits)


def _of_world(count: str, kind: SheetKind) -> Collection:
    from editloop.rate.from_world import items_of_world

    if not count.isdigit() or not 0 < int(count) <= MOST_DRAWN:
        raise UsageError(
            f"world:{count} names no study: expected world:COUNT with 1 to {MOST_DRAWN} items"
        )
    return items_of_world(int(count), kind)


def _say_dropped(found: Collection) -> None:
    """Say what was left out, and stop where nothing is left."""
    for reason, count in found.reasons().items():
        first = next(row for row in found.dropped if row.reason == reason)
        say(f"left out {count}: {reason} (first: {first.place}: {first.detail})")
    if not found.items:
        raise UsageError(f"nothing to rate: none of {len(found.dropped)} rows can be used")


def _begin(
    study: RatingFile, asked: Sheet, found: Collection, wanted: dict[str, int | None]
) -> Schedule:
    """Put the items into the study; say what was left out."""
    from editloop.rate.schedule import Schedule

    before = study.schedule() if study.begun else Schedule()
    given = {name: value for name, value in wanted.items() if value is not None}
    schedule = before.model_copy(update=given)
    study.open_study(asked, schedule, found.items.values())
    return schedule


def _serve(
    study: RatingFile, schedule: Schedule, found: Collection, bound: socket, host: str
) -> None:
    from editloop.rate.server import serve

    def tell(address: str, organiser: str | None) -> None:
        say(
            f"{len(found.items)} items, {schedule.raters_an_item} raters each; answers are kept in {study.folder}"
        )
        typer.echo(address)
        if organiser:
            typer.echo(organiser)
            say("the first address is for raters, the second for you: it also shows the overview")
        say("Ctrl-C stops the page; run the same command again to go on")
        sys.stdout.flush()

    with suppress(KeyboardInterrupt):
        serve(study, found.load, bound, host, tell)
    kept = len(study.answers())
    say(f"{kept} answers are kept in {study.folder}; write them out with --export FILE.jsonl")


def _export(study: RatingFile, path: Path, found: Collection, *, as_json: bool) -> None:
    from editloop.rate.export import export_ratings

    done = export_ratings(study, path, found.load)
    if done.missing_images:
        say(
            f"{done.missing_images} images are no longer where they were: the export names them by hash"
        )
    if as_json:
        typer.echo(json.dumps(done._asdict() | {"path": str(done.path)}))
        return
    say(f"{done.items} items, {done.ratings} ratings, {done.unscored} answers of 'cannot judge'")
    typer.echo(done.path)


def _print_agreement(study: RatingFile, *, as_json: bool) -> None:
    from editloop.cli.tables import print_table
    from editloop.rate.statistics import overview

    found = overview(study)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    print_table(
        ["axis", "answers", "rated twice or more", "alpha", "Spearman", "same answer"],
        [
            [
                row["axis"],
                str(row["ratings"]),
                f"{row['shared']} of {row['units']}",
                *(_figure(row[name]) for name in ("alpha", "spearman", "same")),
            ]
            for row in found["agreement"]
        ],
        ["answers", "rated twice or more", "alpha", "Spearman", "same answer"],
    )
    print_table(
        ["rater", "name", "rated", "cannot judge", "checks passed", "median seconds"],
        [
            [
                row["rater"],
                row["name"],
                str(row["rated"]),
                str(row["unscored"]),
                f"{row['checks_passed']} of {row['checks']}",
                _figure(row["median_seconds"]),
            ]
            for row in found["raters"]
        ],
        ["rated", "cannot judge", "checks passed", "median seconds"],
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
