"""Medians with their range, and tables of them: on the terminal, as JSON, and as a page of the documentation."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from harness.subjects import Run
from peers.make_environments import default_folder, versions

PAGES = Path(__file__).parents[2] / "docs" / "benchmarks"
Figure = Callable[[Run], float]


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of each run.

    Args:
        title: Its heading.
        figure: From a run to a number.
        digits: After the decimal point.
        beside: Name of the subject whose figure of the same turn divides it, for a ratio.
        inverse: Whether a ratio is turned over, so that more is better.
    """

    title: str
    figure: Figure
    digits: int = 2
    beside: str | None = None
    inverse: bool = False

    def values(self, name: str, runs: Mapping[str, Sequence[Run]]) -> list[float]:
        """The figure of each turn in which it can be had."""
        if self.beside is None:
            return [self.figure(run) for run in runs[name] if "problem" not in run]
        values = []
        for run, reference in zip(runs[name], runs.get(self.beside, []), strict=False):
            if "problem" not in run and "problem" not in reference:
                ratio = self.figure(run) / self.figure(reference)
                values.append(1 / ratio if self.inverse else ratio)
        return values


def spread(values: Sequence[float], digits: int) -> str:
    """The median, with the range in parentheses where there is one."""
    if not values:
        return "-"
    middle = f"{median(values):,.{digits}f}"
    low, high = f"{min(values):,.{digits}f}", f"{max(values):,.{digits}f}"
    return middle if low == high else f"{middle} ({low}..{high})"


def rows(
    runs: Mapping[str, Sequence[Run]], columns: Sequence[Column], heading: str
) -> list[list[str]]:
    """The table as text, heading first; a subject that never ran shows its problem."""
    table = [[heading, *(column.title for column in columns)]]
    for name, made in runs.items():
        problem = made[0].get("problem", "") if made else ""
        cells = [spread(column.values(name, runs), column.digits) for column in columns]
        if all(cell == "-" for cell in cells):
            cells[0] = str(problem)
        table.append([name, *cells])
    return table


def as_markdown(table: Sequence[Sequence[str]]) -> str:
    """A Markdown table, figures to the right, readable as text too."""
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(table[0]), line(rules), *map(line, table[1:])])


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=PAGES.parents[1],
    ).stdout.strip()
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "revision": revision,
    }


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a page: a title, what to know, the table, and the runs behind it."""

    title: str
    text: str
    table: Sequence[Sequence[str]]
    runs: Mapping[str, Sequence[Run]]


def publish(
    name: str,
    intro: str,
    sections: Sequence[Section],
    options: argparse.Namespace,
    facts: Mapping[str, Any],
) -> None:
    """Print the tables, or their runs with `--json`; with `--write` keep both under docs/benchmarks."""
    peers = {} if options.own else versions(options.peers)
    data = {
        "machine": facts,
        "peers": peers,
        "options": {
            key: value.name if isinstance(value, Path) else value
            for key, value in vars(options).items()
            if key != "peers"
        },
        "runs": {section.title: section.runs for section in sections},
    }
    command = " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *_arguments()])
    where = ", ".join(f"{key} {value}" for key, value in facts.items())
    if peers:
        where += "; " + ", ".join(f"{name} {version}" for name, version in peers.items())
    parts = [f"# {intro}", f"Made by `{command}` on: {where}."]
    for section in sections:
        parts += [f"## {section.title}", section.text, as_markdown(section.table)]
    page = "\n\n".join(part for part in parts if part) + "\n"
    print(json.dumps(data, indent=1) if options.json else page)
    if options.write:
        PAGES.mkdir(parents=True, exist_ok=True)
        (PAGES / f"{name}.md").write_text(page)
        (PAGES / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")


def _arguments() -> list[str]:
    """The command line as others can repeat it: no `--peers`, and only the last part of absolute paths."""
    kept, skip = [], False
    for argument in sys.argv[1:]:
        if not skip and not argument.startswith("--peers"):
            kept.append(Path(argument).name if argument.startswith("/") else argument)
        skip = argument == "--peers"
    return kept


def parser(description: str | None, *, repeats: int) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--repeats", type=int, default=repeats, help="turns of every subject")
    made.add_argument("--peers", type=Path, default=default_folder(), help="their environments")
    made.add_argument("--own", action="store_true", help="leave the peers out")
    made.add_argument("--json", action="store_true", help="print every run as JSON")
    made.add_argument("--write", action="store_true", help="keep the page under docs/benchmarks")
    return made
