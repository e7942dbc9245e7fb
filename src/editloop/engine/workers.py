"""The runner's side of the worker processes: a pool that outlives crashes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from editloop.core import errors
from editloop.engine.outcomes import Sealed, from_wire
from editloop.engine.stage import Failed, Stage
from editloop.engine.wire import ClassAddress, Hello, PeerGone, StageAddress, receive, send
from editloop.store.packs import BlobLocation

_ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
"""Workers are the parallelism: a library that starts a thread per core inside each would fight the others."""

_GOODBYE_SECONDS: Final = 5.0

_CRASH_ADVICE: Final = "a worker process died on this record (exit status {status}); its last words are in logs/workers.log"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker made of a batch."""

    outcomes: list[Sealed]
    blobs: list[tuple[str, BlobLocation]]
    seconds: float


def address(stage: Stage[Any, Any, Any]) -> StageAddress:
    """How a worker makes its own copy of `stage`.

    Raises:
        StageError: when another process could not find its class.
    """
    return StageAddress(
        stage=ClassAddress.of(type(stage)),
        config=ClassAddress.of(type(stage.config)),
        parameters=stage.config.model_dump(mode="json"),
    )


class _Process:
    """One worker process."""

    def __init__(self, hello: Hello, log: Path) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        with log.open("ab") as stderr:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "editloop.engine.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
            )
        if self._child.stdin is None or self._child.stdout is None:
            raise errors.StageError("a worker was started without pipes")
        self._requests: IO[bytes] = self._child.stdin
        self._replies: IO[bytes] = self._child.stdout
        self._greeting: Hello | None = hello

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to a request.

        Raises:
            PeerGone: when the process died.
        """
        if self._greeting is not None:
            greeting, self._greeting = self._greeting, None
            send(self._requests, greeting.model_dump())
        send(self._requests, {"request": request})
        return receive(self._replies)

    def bury(self) -> int:
        """Make sure that the process is gone; returns its exit status."""
        self._child.kill()
        status = self._child.wait()
        self._close_pipes()
        return status

    def dismiss(self) -> None:
        """Let the process close its stages and end."""
        try:
            send(self._requests, {"request": None})
            self._child.wait(_GOODBYE_SECONDS)
        except (PeerGone, subprocess.TimeoutExpired):
            self._child.kill()
            self._child.wait()
        self._close_pipes()

    def _close_pipes(self) -> None:
        for stream in (self._requests, self._replies):
            try:
                stream.close()
            except BrokenPipeError:
                continue


class WorkerPool:
    """`size` worker processes, started when first needed, shared by all process stages.

    Args:
        hello: What every worker is told first.
        size: Number of processes.
        log: File that collects their standard error.
        on_crash: Called with the exit status when a process died.
    """

    def __init__(self, hello: Hello, size: int, log: Path, on_crash: Callable[[int], None]) -> None:
        self._hello = hello
        self._log = log
        self._on_crash = on_crash
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="worker-pipe")
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._room = asyncio.Semaphore(size)

    async def run(self, stage: int, texts: Sequence[str]) -> Answer:
        """Outcomes of a batch; a record that kills its worker, alone and again, is `Failed`.

        Raises:
            EditloopError: what a worker said must stop the run.
        """
        async with self._room:
            try:
                return await self._attempt(stage, texts)
            except PeerGone:
                answers = [await self._alone(stage, text) for text in texts]
        return Answer(
            [outcome for answer in answers for outcome in answer.outcomes],
            [blob for answer in answers for blob in answer.blobs],
            sum(answer.seconds for answer in answers),
        )

    async def close(self, *, now: bool) -> None:
        """End all processes: kindly, or `now`, in the middle of what they do."""
        loop = asyncio.get_running_loop()
        processes, self._all = list(self._all), set()
        for process in processes:
            if now:
                process.bury()
            else:
                await loop.run_in_executor(self._threads, process.dismiss)
        self._threads.shutdown()

    async def _alone(self, stage: int, text: str) -> Answer:
        try:
            return await self._attempt(stage, [text])
        except PeerGone as gone:
            message = _CRASH_ADVICE.format(status=gone.args[0])
            return Answer([Failed("worker_crashed", message)], [], 0.0)

    async def _attempt(self, stage: int, texts: Sequence[str]) -> Answer:
        process = self._idle.pop() if self._idle else _Process(self._hello, self._log)
        self._all.add(process)
        request = {"stage": stage, "records": list(texts)}
        try:
            reply = await asyncio.get_running_loop().run_in_executor(
                self._threads, process.ask, request
            )
        except PeerGone:
            self._all.discard(process)
            status = process.bury()
            self._on_crash(status)
            raise PeerGone(status) from None
        self._idle.append(process)
        if "stop" in reply:
            kind = getattr(errors, reply["stop"], errors.StageError)
            raise _error(kind, reply["message"])
        blobs = [(sha256, BlobLocation(*location)) for sha256, location in reply["blobs"]]
        return Answer([from_wire(value) for value in reply["outcomes"]], blobs, reply["seconds"])


def _error(kind: type[errors.EditloopError], message: str) -> errors.EditloopError:
    return errors.StageError(message) if kind is errors.BadInputError else kind(message)
