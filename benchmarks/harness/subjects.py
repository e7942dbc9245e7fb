"""Subjects of a benchmark, and runs of them in turns."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from harness.process_tree import Finished, run_measured
from peers.make_environments import interpreter, kernels_path

WORKERS = Path(__file__).parents[1] / "peers" / "workers"
BENCHMARKS = WORKERS.parents[1]

_QUIET = {
    "PIP_NO_INDEX": "1",
    "UV_OFFLINE": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "DAFT_ANALYTICS_ENABLED": "0",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "PYTHONDONTWRITEBYTECODE": "",
}
"""Nothing is installed, fetched or reported while a peer runs, and libraries do not bring threads of their own."""

Run: TypeAlias = dict[str, Any]
"""What a worker said of one run, with `wall_s`, `cpu_s` and `peak_mb` of its process tree; or `problem` alone."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One line of a table.

    Args:
        name: What the table calls it.
        worker: File in `peers/workers`, without the suffix.
        task: Which function of that file.
        options: Its arguments.
        peer: Environment that runs it; None is the interpreter of this process.
        with_best_kernels: Put the scaling JPEG codec on the path.
        timeout_s: Longest that a run may take.
    """

    name: str
    worker: str
    task: str
    options: dict[str, Any] = field(default_factory=dict)
    peer: str | None = None
    with_best_kernels: bool = False
    timeout_s: float = 300.0


class Lab:
    """Where runs happen: the peers' environments and one scratch folder a run.

    Args:
        peers: Folder of the environments.
    """

    def __init__(self, peers: Path) -> None:
        self._peers = peers

    def missing(self, subject: Subject) -> str | None:
        """Why a subject cannot run here, or None."""
        if subject.peer is not None and not interpreter(self._peers, subject.peer).exists():
            return "not installed"
        if subject.with_best_kernels and not kernels_path(self._peers).is_dir():
            return "simplejpeg is not installed"
        return None

    def run(self, subject: Subject) -> Run:
        """One run in a fresh scratch folder."""
        scratch = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            return read(self.finish(subject, scratch))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def finish(
        self, subject: Subject, scratch: Path, watch: Callable[[], bool] | None = None
    ) -> Finished:
        """One run in a given scratch folder, which may hold what an earlier run left."""
        python = sys.executable
        if subject.peer is not None:
            python = str(interpreter(self._peers, subject.peer))
        home = scratch / "home"
        home.mkdir(exist_ok=True)
        path = [BENCHMARKS]
        if subject.with_best_kernels:
            path.append(kernels_path(self._peers))
        places = {"HOME": home, "XDG_CACHE_HOME": home, "HF_HOME": home, "TMPDIR": scratch}
        environment = {name: str(place) for name, place in places.items()}
        environment["PYTHONPATH"] = ":".join(map(str, path))
        return run_measured(
            [
                python,
                str(WORKERS / f"{subject.worker}.py"),
                subject.task,
                json.dumps({**subject.options, "scratch": str(scratch)}),
            ],
            {**_QUIET, **environment},
            timeout_s=subject.timeout_s,
            watch=watch,
        )


def read(finished: Finished) -> Run:
    """What a run said, or its problem."""
    if finished.stopped:
        return {"problem": f"stopped after {finished.wall_s:.0f} s"}
    if finished.status != 0:
        lines = finished.stderr.strip().splitlines() or [f"exit status {finished.status}"]
        return {"problem": lines[-1][:200]}
    said: Run = json.loads(finished.stdout.strip().splitlines()[-1])
    return {
        **said,
        "wall_s": finished.wall_s,
        "cpu_s": finished.cpu_s,
        "peak_mb": finished.peak_mb,
    }


def in_turns(lab: Lab, subjects: Sequence[Subject], repeats: int) -> dict[str, list[Run]]:
    """Every subject `repeats` times, in turns, so that a slow moment of the machine falls on all alike."""
    runs: dict[str, list[Run]] = {subject.name: [] for subject in subjects}
    for turn in range(repeats):
        for subject in subjects:
            problem = lab.missing(subject)
            made = {"problem": problem} if problem else lab.run(subject)
            runs[subject.name].append(made)
            outcome = made.get("problem") or f"{made['wall_s']:.2f} s"
            print(f"[{turn + 1}/{repeats}] {subject.name}: {outcome}", file=sys.stderr, flush=True)
    return runs
