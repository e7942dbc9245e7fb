"""kill -9 in the middle, then the same command again: `python benchmarks/interruption.py`.

2,000 rows with a call of 5 ms each, two at a time. Every call leaves a line in a log; when half of them are made, the whole
process tree is killed. The rerun shows how many calls are made a second time and what the result is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from harness.subjects import Lab, Run, Subject, read
from harness.tables import Column, Section, machine, parser, publish, rows

OURS = "editloop"


def subjects(arguments: argparse.Namespace) -> list[Subject]:
    work = {"count": arguments.rows}

    def peer(name: str, worker: str, environment: str) -> Subject:
        return Subject(name, worker, "calls", work, environment, timeout_s=arguments.patience)

    ours = Subject(OURS, "ours", "calls", work)
    if arguments.own:
        return [ours]
    return [
        ours,
        peer("Ray Data, checkpoint", "with_ray", "ray"),
        peer("HF datasets, map with cache", "with_datasets", "datasets"),
        peer("distilabel, cache", "with_distilabel", "distilabel"),
    ]


def interrupted(lab: Lab, subject: Subject, count: int, share: float) -> Run:
    """Kill a run when `share` of its calls are made, run it again, and compare."""
    scratch = Path(tempfile.mkdtemp(prefix="bench-"))
    log = scratch / "calls.log"
    os.environ["CALL_LOG"] = str(log)
    try:
        first = lab.finish(subject, scratch, watch=lambda: _lines(log) >= share * count)
        before = _lines(log)
        if not first.stopped or not before:
            return {
                "problem": (first.stderr.strip().splitlines() or ["was never killed"])[-1][:200]
            }
        second = lab.finish(subject, scratch)
        if second.stopped:
            return {"problem": f"rerun hung ({_lines(log) - before} calls)"}
        run = read(second)
        return run if "problem" in run else _compare(run, log, before, count)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def uninterrupted(lab: Lab, subject: Subject) -> Run:
    """One run that nobody kills."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        os.environ["CALL_LOG"] = str(Path(scratch, "calls.log"))
        return read(lab.finish(subject, Path(scratch)))


def _compare(run: Run, log: Path, before: int, count: int) -> Run:
    made = Counter(log.read_text().split())
    found: Counter[int] = Counter(run.pop("numbers"))
    return {
        **run,
        "killed_after": before,
        "repeated": sum(made.values()) - len(made),
        "lost": count - len(found),
        "twice": sum(found.values()) - len(found),
    }


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def figure(name: str) -> Callable[[Run], float]:
    return lambda run: float(run[name])


def repeated_share(run: Run) -> float:
    return float(run["repeated"] / run["killed_after"] * 100)


COLUMNS = [
    Column("killed after", figure("killed_after"), 0),
    Column("calls repeated", figure("repeated"), 0),
    Column("% repeated", repeated_share, 1),
    Column("rows lost", figure("lost"), 0),
    Column("rows twice", figure("twice"), 0),
    Column("rerun, s", figure("wall_s"), 1),
]


def main() -> None:
    options = parser(__doc__, repeats=3)
    options.add_argument("--rows", type=int, default=2_000)
    options.add_argument("--call-seconds", type=float, default=0.005)
    options.add_argument("--patience", type=float, default=60.0, help="seconds for a peer's run")
    arguments = options.parse_args()
    facts = machine()
    os.environ["CALL_SECONDS"] = str(arguments.call_seconds)
    lab = Lab(arguments.peers)
    chosen = subjects(arguments)
    runs: dict[str, list[Run]] = {subject.name: [] for subject in chosen}
    shares = [0.45 + 0.1 * (turn + 0.5) / arguments.repeats for turn in range(arguments.repeats)]
    for share in shares:
        for subject in chosen:
            print(f"{subject.name}: killed at {share:.0%}", file=sys.stderr)
            problem = lab.missing(subject)
            run = (
                {"problem": problem}
                if problem
                else interrupted(lab, subject, arguments.rows, share)
            )
            runs[subject.name].append(run)
    whole = uninterrupted(lab, chosen[0])
    same = all(run.get("digest") == whole["digest"] for run in runs[OURS])
    text = (
        f"{arguments.rows:,} rows, {arguments.call_seconds * 1e3:.0f} ms a call, killed when "
        f"{', '.join(f'{share:.0%}' for share in shares)} of the calls were made; median (min..max). "
        f"The result of ours after each rerun is {'byte for byte that' if same else 'NOT that'} of a run without "
        "interruption. Target (T10): at most 2 % of the calls repeated, nothing lost, nothing twice, same bytes. Daft's "
        "checkpoints need a Ray cluster; on one machine a rerun starts over."
    )
    table = rows(runs, COLUMNS, "engine")
    sections = [Section("Killed and run again", text, table, runs)]
    publish("interruption", "kill -9", sections, arguments, facts)


if __name__ == "__main__":
    main()
