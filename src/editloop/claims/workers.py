"""Arms in parallel: worker processes fill the store, and the rows are then read from it.

An arm is minutes of small matrices, which a second thread hardly speeds up and a second process doubles.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Any, Final, TypeAlias

from editloop.claims.groups import ArmJob
from editloop.claims.lab import Lab
from editloop.core.errors import EditloopError

OnProgress: TypeAlias = Callable[[int, int, Sequence[ArmJob]], None]
"""Told the number of arms done, of all, and which are being computed."""

LOG_NAME: Final = "workers.log"
LOOK_SECONDS: Final = 0.5
_ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


class ArmFailedError(EditloopError):
    """An arm could not be computed; the message names it."""


def compute_arms(lab: Lab, jobs: Sequence[ArmJob], workers: int, on_progress: OnProgress) -> None:
    """Compute arms into the lab's store, `workers` at once; those that no time is left for stay undone.

    Args:
        lab: The bench.
        jobs: The arms, in the order in which to begin them.
        workers: Processes.
        on_progress: Called twice a second.

    Raises:
        ArmFailedError: when an arm fails; the others are stopped.
    """
    idle: SimpleQueue[_Worker] = SimpleQueue()
    crew = [_Worker(lab) for _ in range(min(workers, len(jobs)))]
    for worker in crew:
        idle.put(worker)
    running: dict[ArmJob, None] = {}

    def compute(job: ArmJob) -> None:
        worker = idle.get()
        running[job] = None
        try:
            worker.compute(job)
        finally:  # also after a failure: a thread that has taken the next job waits for a worker
            del running[job]
            idle.put(worker)

    try:
        with ThreadPoolExecutor(max(1, len(crew))) as threads:
            pending = {threads.submit(compute, job) for job in jobs}
            try:
                _watch(pending, len(jobs), lambda done, of: on_progress(done, of, list(running)))
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                for worker in crew:
                    worker.kill()
                raise
    finally:
        for worker in crew:
            worker.close()


def _watch(pending: set[Future[None]], total: int, show: Callable[[int, int], None]) -> None:
    while pending:
        show(total - len(pending), total)
        done, pending = wait(pending, LOOK_SECONDS, FIRST_COMPLETED)
        for future in done:
            future.result()
    show(total, total)


class _Worker:
    """One process."""

    def __init__(self, lab: Lab) -> None:
        self._log = lab.store.folder / LOG_NAME
        path = os.pathsep.join(entry for entry in sys.path if entry)
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "editloop.claims.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
            )
        bench = {
            "folder": str(lab.store.folder.resolve()),
            "sizes": lab.sizes.model_dump(),
            "hours": lab.store.hours_left(),
            "editor": lab.editor,
        }
        self._bench: dict[str, Any] | None = bench

    def compute(self, job: ArmJob) -> None:
        """Have an arm computed.

        Raises:
            ArmFailedError: when it failed, or the process died of it.
        """
        bench, self._bench = self._bench, None
        lines = [json.dumps(line) for line in (bench, job) if line is not None]
        reply = self._exchange("".join(f"{line}\n" for line in lines))
        if not reply:
            status = self._child.wait()
            raise ArmFailedError(
                f"a worker process died on {job} (exit status {status}); its last words are in {self._log}"
            )
        answer = json.loads(reply)
        if answer["outcome"] == "failed":
            raise ArmFailedError(f"{job}: {answer['message']}")

    def kill(self) -> None:
        """End the process in the middle of what it does."""
        self._child.kill()

    def close(self) -> None:
        """Let the process end."""
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        self._child.wait()

    def _exchange(self, text: str) -> str:
        """The reply to a request; empty when the process is gone."""
        if self._child.stdin is None or self._child.stdout is None:
            raise ArmFailedError("a worker process was started without pipes")
        try:
            self._child.stdin.write(text)
            self._child.stdin.flush()
        except BrokenPipeError:
            return ""
        return self._child.stdout.readline()
