"""What the engine costs beside a bare loop: `python benchmarks/engine_overhead.py`.

Three trivial stages on small records, the same functions on the same records in both. Every row of the table is the
best of several runs, taken in turns, so that a slow moment of the machine falls on all alike; only ratios count.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from editloop.core.ids import content_id
from editloop.engine import Dropped, Kept, Stage, StageConfig, run_pipeline


class Row(BaseModel):
    """A small record."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    words: int = 0
    score: int = 0


class NoConfig(StageConfig):
    """Nothing to set."""


def tidy(row: Row) -> Row:
    return Row(id=row.id, text=row.text.strip().lower(), words=row.words, score=row.score)


def count(row: Row) -> Row:
    return Row(id=row.id, text=row.text, words=row.text.count(" ") + 1, score=row.score)


def rate(row: Row) -> Row:
    return Row(id=row.id, text=row.text, words=row.words, score=len(row.text) * row.words)


class Apply(Stage[Row, Row, NoConfig]):
    """Applies a function to each record."""

    version = "1"
    input = Row
    output = Row
    work: Callable[[Row], Row]

    def run(self, records: Sequence[Row]) -> list[Kept[Row] | Dropped]:
        """One record for each."""
        work = type(self).work
        return [Kept((work(record),)) for record in records]


class Tidy(Apply):
    """Tidies the text."""

    name = "tidy"
    work = staticmethod(tidy)


class Count(Apply):
    """Counts words."""

    name = "count"
    work = staticmethod(count)


class Rate(Apply):
    """Makes a score."""

    name = "rate"
    work = staticmethod(rate)


STAGES = (Tidy, Count, Rate)


def make_rows(rows: int) -> list[Row]:
    """Rows with a text of about 65 bytes."""
    text = " The quick brown fox jumps over the lazy dog near the river bank {:06d} "
    return [Row(id=content_id("row", n), text=text.format(n)) for n in range(rows)]


def bare(rows: Iterable[Row]) -> int:
    """The plain Python loop."""
    return len([rate(count(tidy(row))) for row in rows])


def engine(rows: Iterable[Row], run_dir: Path | None = None, *, power: bool = False) -> int:
    """The engine, with a journal when there is a folder."""
    stages = [stage(NoConfig()) for stage in STAGES]
    with run_pipeline(stages, rows, run_dir=run_dir, survive_power_loss=power) as result:
        return result.counts[-1].out


def timed(work: Callable[[], int], expected: int) -> tuple[float, float]:
    """CPU seconds and wall clock seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    done = work()
    seconds = time.process_time() - cpu, time.perf_counter() - wall
    if done != expected:
        sys.exit(f"{done} records came out, {expected} went in")
    return seconds


def measure(rows: Sequence[Row], repeats: int) -> dict[str, tuple[float, float]]:
    """Best CPU and best wall clock seconds of each subject, taken in turns."""
    scratch = Path(tempfile.mkdtemp(prefix="editloop-bench-"))
    kept = scratch / "kept"
    subjects: dict[str, Callable[[], int]] = {
        "bare loop": lambda: bare(rows),
        "engine, nothing kept (T1)": lambda: engine(rows),
        "engine, journal (T2)": lambda: engine(rows, Path(tempfile.mkdtemp(dir=scratch))),
        "engine, journal, waits for the disk": lambda: engine(
            rows, Path(tempfile.mkdtemp(dir=scratch)), power=True
        ),
        "engine, second run computes nothing": lambda: engine(rows, kept),
    }
    engine(rows, kept)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in subjects}
    try:
        for _ in range(repeats):
            for name, work in subjects.items():
                runs[name].append(timed(work, len(rows)))
    finally:
        shutil.rmtree(scratch)
    return {
        name: (min(cpu for cpu, _ in times), min(wall for _, wall in times))
        for name, times in runs.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    best = measure(make_rows(options.rows), options.repeats)
    bare_cpu, bare_wall = best["bare loop"]
    print(f"{options.rows:,} records, {len(STAGES)} stages, best of {options.repeats}")
    print(f"{'':38}{'CPU us/record':>14}{'x bare':>8}{'wall us/record':>16}{'x bare':>8}")
    for name, (cpu, wall) in best.items():
        each_cpu, each_wall = cpu / options.rows * 1e6, wall / options.rows * 1e6
        print(
            f"{name:38}{each_cpu:14.2f}{cpu / bare_cpu:8.2f}{each_wall:16.2f}{wall / bare_wall:8.2f}"
        )
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
