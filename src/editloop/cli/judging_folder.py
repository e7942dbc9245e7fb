"""`editloop judge --out` and `--rescore`: verdicts in a folder, and the same replies read again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.errors import UsageError
from editloop.core.log import Bar, ProgressDisplay
from editloop.core.registry import did_you_mean

if TYPE_CHECKING:
    from editloop.judges.kept.summary import Summary
    from editloop.records.formats.rated_edits import RatedFile
    from editloop.store.answers import AnswerStore


def judge_to_folder(
    data: Path, spec: str, out: Path, store: AnswerStore, workers: int | None, *, as_json: bool
) -> None:
    """Judge `data` into `out` and print the means."""
    from editloop.judges.kept.folder import judge_into

    with ProgressDisplay("judge") as display:
        summary = judge_into(
            data,
            spec,
            out,
            store=store,
            workers=workers or os.cpu_count() or 1,
            progress=lambda done, total: display.update([Bar("edits", done, total)]),
        )
    if as_json:
        typer.echo(json.dumps(summary.as_json(), indent=2))
    else:
        print_summaries({"mean": summary})
    say(f"verdicts and replies: {out}")


def rescore_folder(folder: Path, reading: str, data: Path | None, *, as_json: bool) -> None:
    """Read the replies in `folder` again and print the means before and after.

    Raises:
        UsageError: the reading is unknown, or there is something to judge as well.
    """
    from editloop.cli.judging_pairs import print_pairs
    from editloop.judges.kept.pairs import PAIRS, pair_figures, read_again
    from editloop.judges.kept.rescore import rescore
    from editloop.judges.parsing import ReadingMode

    modes = [str(mode) for mode in ReadingMode]
    if reading not in modes:
        raise UsageError(
            f"no reading is called {reading!r}{did_you_mean(reading, modes)} known: {', '.join(modes)}"
        )
    if data is not None:
        raise UsageError(
            f"--rescore reads kept replies and judges nothing new: leave out {str(data)!r}"
        )
    if (folder / PAIRS).is_file():
        print_pairs(pair_figures(read_again(folder, ReadingMode(reading))), as_json=as_json)
        return
    found = rescore(folder, ReadingMode(reading))
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        print_summaries({"as kept": found.before, f"{reading} reading": found.after})
    say(f"{found.changed} of {found.after.n} verdicts differ; the new ones: {found.file}")
    if found.without_replies:
        say(f"{found.without_replies} verdicts keep no replies and stay as they are")


def print_summaries(summaries: dict[str, Summary]) -> None:
    """Means side by side, every one with `n scored of n`; then why the others have no score, and the slips."""
    axes = dict.fromkeys(axis for one in summaries.values() for axis in one.means)
    print_table(
        ["axis", *summaries],
        [[axis, *(_mean(one, axis) for one in summaries.values())] for axis in axes],
        numbers=tuple(summaries),
    )
    counts = {
        "outcome": [one.outcomes for one in summaries.values()],
        "no score because": [one.reasons for one in summaries.values()],
        "slip of the script": [one.slips for one in summaries.values()],
        "not judged": [one.dropped for one in summaries.values()],
    }
    for title, tallies in counts.items():
        names = dict.fromkeys(name for tally in tallies for name in tally)
        if names:
            typer.echo()
            rows = [[name, *(str(tally.get(name, 0)) for tally in tallies)] for name in names]
            print_table([title, *summaries], rows, numbers=tuple(summaries))


def edits_to_print(data: Path) -> RatedFile:
    """The rows of a table.

    Raises:
        UsageError: `data` is no table; data sets are judged into a folder.
    """
    from editloop.records.formats.edit_table import read_edit_table, table_in

    table = table_in(data)
    if table is None and data.is_dir():
        raise UsageError(
            f"{data} holds no table of edits; for a data set name a folder for the verdicts (--out DIR)"
        )
    return read_edit_table(table or data)


def _mean(summary: Summary, axis: str) -> str:
    if axis not in summary.means:
        return ""
    mean, count = summary.means[axis]
    return f"{mean:.3f} ({count} of {summary.n})"
