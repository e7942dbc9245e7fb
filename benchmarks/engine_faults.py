"""What a killed run and poisoned records cost: `python benchmarks/engine_faults.py`.

T10: a run of slow calls is killed with signal 9 half way and started again; counted are calls that were made twice,
and records that are missing, doubled or different from those of an uninterrupted run. T11: one record in a hundred
raises in a stage that works on batches; counted are good records lost and bad ones without a reason.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from editloop.core.ids import content_id
from editloop.engine import Dropped, Kept, Lane, Stage, StageConfig, run_pipeline

CALL_SECONDS = 0.005


class Row(BaseModel):
    """A small record."""

    model_config = ConfigDict(frozen=True)

    id: str
    number: int
    answer: str = ""


class CallConfig(StageConfig):
    """Where calls are noted."""

    log: str = ""


class PoisonConfig(StageConfig):
    """One record in `every` is bad."""

    every: int = 100


class SlowCall(Stage[Row, Row, CallConfig]):
    """Takes its time, and notes each call in a file."""

    name = "slow_call"
    version = "1"
    lane = Lane.THREAD
    batch_size = 4
    input = Row
    output = Row

    def run(self, records: Sequence[Row]) -> list[Kept[Row] | Dropped]:
        """Square the number, slowly."""
        outcomes: list[Kept[Row] | Dropped] = []
        for record in records:
            time.sleep(CALL_SECONDS)
            with Path(self.config.log).open("a") as log:
                log.write(f"{record.number}\n")
            outcomes.append(Kept((record.model_copy(update={"answer": str(record.number**2)}),)))
        return outcomes


class Poison(Stage[Row, Row, PoisonConfig]):
    """Raises for the whole batch when a bad record is in it."""

    name = "poison"
    version = "1"
    batch_size = 64
    input = Row
    output = Row

    def run(self, records: Sequence[Row]) -> list[Kept[Row] | Dropped]:
        """Let good records pass."""
        for record in records:
            if record.number % self.config.every == 0:
                raise ValueError(f"record {record.number} is bad")
        return [Kept((record,)) for record in records]


def make_rows(count: int) -> list[Row]:
    return [Row(id=content_id("row", number), number=number) for number in range(count)]


def calls(folder: Path, count: int) -> list[str]:
    """Run the slow calls; returns the records as JSON."""
    stages = [SlowCall(CallConfig(log=str(folder / "calls.log")))]
    with run_pipeline(stages, make_rows(count), run_dir=folder / "run", workers=2) as result:
        return [record.model_dump_json() for record in result.records()]


def made(folder: Path) -> Counter[str]:
    log = folder / "calls.log"
    return Counter(log.read_text().split()) if log.exists() else Counter()


def kill_half_way(folder: Path, count: int) -> int:
    """Start a run in a process of its own and kill it; returns the calls made by then."""
    command = [sys.executable, __file__, "--only-run", str(folder), "--rows", str(count)]
    with subprocess.Popen(command) as child:
        while made(folder).total() < count // 2:
            if child.poll() is not None:
                sys.exit("the run ended before it could be killed")
            time.sleep(0.01)
        child.kill()
    return made(folder).total()


def show_kill(count: int) -> None:
    with tempfile.TemporaryDirectory() as calm, tempfile.TemporaryDirectory() as killed:
        expected = calls(Path(calm), count)
        before = kill_half_way(Path(killed), count)
        found = calls(Path(killed), count)
        repeated = made(Path(killed)).total() - count
    lost, doubled = len(set(expected) - set(found)), len(found) - len(set(found))
    print(f"T10 kill -9 after {before:,} of {count:,} calls:")
    print(f"  calls repeated {repeated} ({repeated / before:.1%} of those made)")
    print(f"  lost {lost}, doubled {doubled}, output equal byte for byte: {found == expected}")


def show_poison(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stages = [Poison(PoisonConfig())]
        with run_pipeline(stages, make_rows(count), run_dir=Path(folder) / "run") as result:
            kept = {record.id for record in result.records()}
            rejected = list(result.rejected())
    good = {row.id for row in make_rows(count) if row.number % 100}
    reasons = Counter(f"{reject.reason}" for reject in rejected if reject.detail)
    print(f"T11 {count:,} records, 1 in 100 raises inside batches of {Poison.batch_size}:")
    print(f"  good records lost {len(good - kept)}, bad ones kept {len(kept - good)}")
    print(f"  bad ones with a reason {reasons.total()} of {count - len(good)} ({dict(reasons)})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--only-run", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_run:
        calls(options.only_run, options.rows)
        return
    show_kill(options.rows)
    show_poison(options.rows * 5)


if __name__ == "__main__":
    main()
