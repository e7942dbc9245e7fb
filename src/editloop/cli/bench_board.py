"""`editloop bench leaderboard`: results of one context as a table, files and a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from editloop.cli.bench_pages import ranks
from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.errors import UsageError

if TYPE_CHECKING:
    from editloop.bench.results import BenchResult
    from editloop.bench.table import Cell, LeaderTable

OUTPUTS = Path("outputs") / "run-0"
COVERAGE = "coverage.json"
EXPORTS = (".csv", ".tex", ".json")


def leaderboard(
    results: Annotated[list[Path], typer.Argument(help="Results that --out wrote, one an editor.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page and the pages of cases.")
    ] = None,
    export: Annotated[
        list[Path] | None,
        typer.Option(help="Also write the table as FILE.csv, FILE.tex or FILE.json."),
    ] = None,
    metric: Annotated[str, typer.Option(help="Metric; the benchmark's headline by default.")] = "",
    sources: Annotated[
        Path | None, typer.Option(help="Folder of source images, for pictures of cases.")
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EDITOR=FOLDER",
            help="Folder of an editor's output images, named as the benchmark's scripts name them.",
        ),
    ] = None,
    split: Annotated[
        bool,
        typer.Option("--split", help="One table for each context, instead of refusing to mix."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of intervals and tests.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Rank editors that were scored the same way; refuse, saying why, those that were not."""
    from editloop.bench.context import grouped_by_context
    from editloop.bench.results import read_result
    from editloop.bench.table import build_table, to_json
    from editloop.cli.bench_pages import CasePictures, write_pages

    read = {f"{place} {path}": read_result(path) for place, path in enumerate(results)}
    groups = [list(read)]
    if split:
        contexts = {
            path: result.context.model_copy(update={"repeats": 0}) for path, result in read.items()
        }
        groups = list(grouped_by_context(contexts).values())
    tables = []
    for number, paths in enumerate(groups):
        chosen = [read[path] for path in paths]
        table = build_table(chosen, _title(chosen[0]), metric, seed=seed)
        tables.append(table)
        mark = f"-{number + 1}" if number else ""
        for path in export or []:
            _export(table, path.with_name(f"{path.stem}{mark}{path.suffix}"))
        if out is not None:
            folders = _beside(paths, read) | _folders(outputs or [])
            context = chosen[0].context
            pictures = CasePictures(context.task, context.subset, sources, folders)
            say(
                f"page: {write_pages(table, chosen, out if not mark else out / mark[1:], pictures)}"
            )
    if as_json:
        printed = [to_json(table) for table in tables]
        typer.echo(json.dumps(printed[0] if len(printed) == 1 else printed, indent=2))
        return
    for table in tables:
        print_board(table)


def print_board(table: LeaderTable) -> None:
    """The table on a terminal."""
    print_table(
        ["rank", "editor", "overall", *table.groups, "mean of items", "scored"],
        [
            [
                ranks(row.ranks),
                row.editor,
                _words(row.macro, interval=True),
                *(
                    _words(row.groups[group]) if group in row.groups else "none"
                    for group in table.groups
                ),
                _words(row.micro, interval=True),
                f"{row.n_scored} of {row.n}",
            ]
            for row in table.rows
        ],
        numbers=("overall", *table.groups, "mean of items", "scored"),
    )
    for note in table.notes:
        say(note)


def _export(table: LeaderTable, path: Path) -> None:
    from editloop.bench.exports import to_csv, to_latex
    from editloop.bench.table import to_json
    from editloop.store.runs import write_atomically

    makers: dict[str, Any] = {
        ".csv": to_csv,
        ".tex": to_latex,
        ".json": lambda one: json.dumps(to_json(one), indent=2),
    }
    if path.suffix not in makers:
        raise UsageError(f"--export writes {', '.join(EXPORTS)}, got {path.name!r}")
    write_atomically(path, makers[path.suffix](table).encode())
    say(f"table: {path}")


def _beside(paths: Sequence[str], read: Mapping[str, BenchResult]) -> dict[str, Path]:
    """Outputs of results with a run folder: those that ``--editor`` leaves there, else the folder that was scored."""
    found = {}
    for path in paths:
        file = Path(path.partition(" ")[2])
        run = file if file.is_dir() else file.parent
        made = run / OUTPUTS
        found[read[path].editor] = made if made.is_dir() else _scored_folder(run / COVERAGE)
    return {editor: folder for editor, folder in found.items() if folder.is_dir()}


def _scored_folder(coverage: Path) -> Path:
    """The folder of the first run that a check of outputs names; one that does not exist where there is no such file."""
    try:
        return Path(json.loads(coverage.read_bytes())[0]["folder"])
    except (OSError, ValueError, LookupError, TypeError):
        return coverage


def _folders(outputs: Sequence[str]) -> dict[str, Path]:
    found = {}
    for one in outputs:
        name, sign, folder = one.partition("=")
        if not sign:
            raise UsageError(f"--outputs takes EDITOR=FOLDER, got {one!r}")
        found[name] = Path(folder)
    return found


def _title(result: BenchResult) -> str:
    from editloop.bench.tasks import TASKS, load_task

    name = result.context.task
    title = load_task(name).title if name in TASKS else name
    return f"{title}, {result.context.subset}" if result.context.subset else title


def _words(cell: Cell, *, interval: bool = False) -> str:
    if cell.value is None:
        return "none"
    if not interval or cell.low is None:
        return f"{cell.value:.2f}"
    return f"{cell.value:.2f} [{cell.low:.2f}, {cell.high:.2f}]"
