"""Time and memory from a hundred to ten thousand records: `python benchmarks/scaling.py`.

Five stages with small pictures over all local lanes: draw (threads), hash (threads), a filter (inline), halve (processes), and
a last one that either passes records on or has to see all of them at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.subjects import Lab, Run, Subject, in_turns
from harness.tables import Column, Section, machine, parser, publish, rows

KINDS = {"every stage streams": False, "the last stage sees all records at once": True}


def subjects(sizes: Sequence[int], *, whole: bool) -> list[Subject]:
    return [
        Subject(f"{size:,} records", "ours", "sketches", {"count": size, "whole": whole})
        for size in sizes
    ]


def columns(runs: Mapping[str, Sequence[Run]]) -> list[Column]:
    smallest = next(iter(runs))
    bases = {
        id(run): base
        for made in runs.values()
        for run, base in zip(made, runs[smallest], strict=True)
    }

    def beyond(run: Run) -> float:
        base = bases[id(run)]
        extra = run["records"] - base["records"]
        return float((run["seconds"] - base["seconds"]) / extra * 1e3) if extra else 0.0

    return [
        Column("s", lambda run: float(run["seconds"])),
        Column("ms/record", lambda run: float(run["seconds"] / run["records"] * 1e3)),
        Column("ms/record beyond the smallest", beyond),
        Column("CPU ms/record", lambda run: float(run["cpu_s"] / run["records"] * 1e3)),
        Column("peak MB", lambda run: float(run["peak_mb"]), 0),
        Column("x peak of the smallest", lambda run: float(run["peak_mb"]), beside=smallest),
        Column(
            "KB stored/record", lambda run: float(run["stored_bytes"] / run["records"] / 1e3), 1
        ),
    ]


def main() -> None:
    options = parser(__doc__, repeats=3)
    options.set_defaults(own=True)
    options.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 3_000, 10_000])
    arguments = options.parse_args()
    facts = machine()
    lab = Lab(arguments.peers)
    text = (
        f"Journal on, two workers; median (min..max) of {arguments.repeats} turns. Aim: the same milliseconds for each "
        "further record, the same memory."
    )
    sections = []
    for title, whole in KINDS.items():
        runs = in_turns(lab, subjects(arguments.sizes, whole=whole), arguments.repeats)
        sections.append(Section(title.capitalize(), text, rows(runs, columns(runs), "size"), runs))
    publish("scaling", "From a hundred to ten thousand records", sections, arguments, facts)


if __name__ == "__main__":
    main()
