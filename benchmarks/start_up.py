"""From a cold start to the first processed record: `python benchmarks/start_up.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.process_tree import run_measured
from harness.subjects import Lab, Run, Subject
from harness.tables import Column, Section, machine, parser, publish, rows
from peers.make_environments import interpreter

FIRST = "editloop: 10 records, 3 stages, journal"


def commands(peers: Path, *, own: bool) -> dict[str, list[str]]:
    """Starts that run no pipeline."""
    ours = [sys.executable, "-c"]
    made = {
        "python, nothing": [*ours, "pass"],
        "import editloop": [*ours, "import editloop; editloop.__all__"],
        "import editloop.engine": [*ours, "import editloop.engine"],
        "editloop --help": [str(Path(sys.executable).with_name("editloop")), "--help"],
    }
    imports = {
        "daft": "daft",
        "datasets": "datasets",
        "ray": "ray.data",
        "distilabel": "distilabel.pipeline",
    }
    for peer, module in {} if own else imports.items():
        if interpreter(peers, peer).exists():
            made[f"import {module}"] = [str(interpreter(peers, peer)), "-c", f"import {module}"]
    return made


def first_rows(*, own: bool) -> list[Subject]:
    """Starts that process ten rows."""
    work = {"count": 10}
    ours = [Subject(FIRST, "ours", "first", work)]
    if own:
        return ours
    return [
        *ours,
        Subject("Daft: 10 rows, 3 batch functions", "with_daft", "first", work, "daft"),
        Subject("HF datasets: 10 rows, 3 maps", "with_datasets", "first", work, "datasets"),
        Subject("Ray Data: 10 rows, 3 maps", "with_ray", "first", work, "ray"),
    ]


def cpu_s(run: Run) -> float:
    return float(run["cpu_s"])


def wall_s(run: Run) -> float:
    return float(run["wall_s"])


def main() -> None:
    arguments = parser(__doc__, repeats=5).parse_args()
    facts = machine()
    lab = Lab(arguments.peers)
    starts = commands(arguments.peers, own=arguments.own)
    subjects = first_rows(own=arguments.own)
    runs: dict[str, list[Run]] = {name: [] for name in [*starts, *(s.name for s in subjects)]}
    for turn in range(arguments.repeats):
        print(f"turn {turn + 1} of {arguments.repeats}", file=sys.stderr)
        for name, command in starts.items():
            finished = run_measured(command)
            said = {"wall_s": finished.wall_s, "cpu_s": finished.cpu_s, "peak_mb": finished.peak_mb}
            runs[name].append(said if finished.status == 0 else {"problem": finished.stderr[-200:]})
        for subject in subjects:
            problem = lab.missing(subject)
            runs[subject.name].append({"problem": problem} if problem else lab.run(subject))
    columns = [
        Column("s", wall_s),
        Column("CPU, s", cpu_s),
        Column("x our first record (s)", wall_s, beside=FIRST),
        Column("x our first record (CPU)", cpu_s, beside=FIRST),
    ]
    text = (
        f"Whole processes, median (min..max) of {arguments.repeats} turns; the first turn reads files that may not be in "
        "memory. Targets (T6): import at most 0.20 s, --help at most 0.25 s, first record at most 0.6 s, half of Daft's "
        "and a twentieth of Ray's."
    )
    table = rows(runs, columns, "start")
    sections = [Section("Cold starts", text, table, runs)]
    publish("start_up", "Start-up", sections, arguments, facts)


if __name__ == "__main__":
    main()
