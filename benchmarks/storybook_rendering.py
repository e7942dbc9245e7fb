"""Storybook cases per second, with one process and with two: `python benchmarks/storybook_rendering.py`.

A case is a source and its right result. `drawn` draws both; `sampled` invents the case and words its instruction first;
`spoilt` draws the source and a flawed result; `scored` has the oracle judge the right result. Every process draws other cases
until its caches are warm, then all start together; the clock stops when the last is done.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

import numpy as np

from editloop.core.seeds import generator
from editloop.world.cases import Case
from editloop.world.corruptors import applicable_flaws, corrupt
from editloop.world.oracle import score_edit
from editloop.world.render import render
from editloop.world.sampling import sample_case
from harness.subjects import Run
from harness.tables import Column, Section, machine, parser, publish, rows

TARGET = 1000
"""Cases drawn per second that were promised of two cores."""
_start: Barrier


def drawn(case: Case, size: int, _rng: np.random.Generator) -> None:
    render(case.source, size)
    render(case.target, size)


def spoilt(case: Case, size: int, rng: np.random.Generator) -> None:
    render(case.source, size)
    flaws = applicable_flaws(case, size)
    corrupt(case, flaws[int(rng.integers(len(flaws)))], rng, size)


def scored(case: Case, size: int, _rng: np.random.Generator) -> None:
    score_edit(case, render(case.target, size))


WORK: dict[str, Callable[[Case, int, np.random.Generator], None]] = {
    "drawn": drawn,
    "sampled": drawn,
    "spoilt": spoilt,
    "scored": scored,
}


def _remember(barrier: Barrier) -> None:
    global _start  # noqa: PLW0603 - a barrier reaches a pool's processes only when they are made
    _start = barrier


def _seconds(number: int, name: str, count: int, size: int, warm_up: int) -> tuple[float, float]:
    """Wall and CPU seconds that one process takes for its share."""
    work, rng = WORK[name], generator(0, "warm-up", number)
    for _ in range(warm_up):
        drawn(sample_case(rng), size, rng)
    for _ in range(warm_up // 50):
        work(sample_case(rng), size, rng)
    rng = generator(1, "benchmark", number)
    ready = [] if name == "sampled" else [sample_case(rng) for _ in range(count)]
    _start.wait()
    wall, cpu = time.perf_counter(), time.process_time()
    for place in range(count):
        work(ready[place] if ready else sample_case(rng), size, rng)
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(name: str, processes: int, count: int, size: int, warm_up: int) -> Run:
    """One turn of one subject in fresh processes."""
    context = get_context("spawn")
    share = count // processes
    one = partial(_seconds, name=name, count=share, size=size, warm_up=warm_up)
    with context.Pool(processes, _remember, (context.Barrier(processes, timeout=300),)) as pool:
        walls, cpus = zip(*pool.map(one, range(processes), chunksize=1), strict=True)
    return {"cases": share * processes, "wall_s": max(walls), "cpu_s": sum(cpus)}


def per_second(run: Run) -> float:
    return float(run["cases"] / run["wall_s"])


def per_cpu_second(run: Run) -> float:
    return float(run["cases"] / run["cpu_s"])


def main() -> None:
    options = parser(__doc__, repeats=3)
    options.add_argument("--cases", type=int, default=4000, help="cases a turn")
    options.add_argument("--size", type=int, default=32, help="side of the pictures, pixels")
    options.add_argument("--warm-up", type=int, default=1500, help="cases drawn before the clock")
    options.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    arguments = options.parse_args()
    facts = machine()
    subjects = {
        f"{name}, {processes} process{'es' * (processes > 1)}": (name, processes)
        for name in arguments.work
        for processes in (1, 2)
    }
    runs: dict[str, list[Run]] = {subject: [] for subject in subjects}
    for turn in range(arguments.repeats):
        print(f"turn {turn + 1} of {arguments.repeats}", file=sys.stderr)
        for subject, (name, processes) in subjects.items():
            run = measure(name, processes, arguments.cases, arguments.size, arguments.warm_up)
            runs[subject].append(run)
    columns = [
        Column("cases/s", per_second, digits=0),
        Column("cases/CPU s", per_cpu_second, digits=0),
        Column("CPU, x drawn", per_cpu_second, beside="drawn, 1 process", inverse=True),
    ]
    text = (
        f"{arguments.cases:,} cases a turn at {arguments.size} px, {arguments.repeats} turns, start-up and warm-up of the caches "
        f"left out; cases/CPU s holds on a busy machine too. Target: {TARGET:,} cases/s drawn with two processes at 32 px."
    )
    table = rows(runs, columns, "work")
    sections = [Section("Cases per second", text, table, runs)]
    publish("storybook_rendering", "The storybook world", sections, arguments, facts)


if __name__ == "__main__":
    main()
