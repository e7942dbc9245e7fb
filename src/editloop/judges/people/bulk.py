"""Judges many edits from files: answers that are kept cost nothing, the rest is shared among processes.

An edit whose image is missing or damaged, or that ends a worker process, is dropped with a reason and never stops the others.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final, Protocol, runtime_checkable

from editloop.core.errors import BadInputError, EditloopError
from editloop.core.ids import content_id, sha256_hex
from editloop.engine.wire import PeerGone, receive, send
from editloop.judges.base import Judge, WaitingJudge
from editloop.judges.people.worker import answer, edit_type_of, opened
from editloop.judges.registry import load_judge
from editloop.records.formats.rated_edits import RatedEdit, Unusable, image_bytes
from editloop.records.verdict import Outcome, Verdict
from editloop.store.answers import AnswerStore

_ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
Progress = Callable[[int, int], None]
"""Called with the edits done and the edits in all."""
_Job = tuple[RatedEdit, str]
"""An edit and the key of its verdict."""


@runtime_checkable
class ReadsMeasurements(Protocol):
    """A judge that only weighs what another judge measured: the other's verdicts are what is kept."""

    @property
    def inner_spec(self) -> str:
        """Spec of the judge that measures."""

    def read(self, measured: Verdict) -> Verdict:
        """The verdict for a measured one."""


@dataclass
class Judged:
    """Verdicts by uid, and what was dropped."""

    judge_name: str
    judge_version: str
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    dropped: list[Unusable] = field(default_factory=list)
    kept: int = 0
    """Verdicts that were read from the store and cost nothing."""


class JudgeProcess:
    """One worker process with its own copy of a judge; made again when it dies."""

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply of `worker.answer`; a process that dies on it is a drop."""
        try:
            requests, replies = self._pipes()
            send(requests, request)
            return receive(replies)
        except PeerGone:
            status = self.close()
            return {"drop": "judge_died", "detail": f"the judge's process ended ({status})"}

    def close(self) -> int | None:
        """End the process."""
        if self._child is None:
            return None
        child, self._child = self._child, None
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        child.kill()
        return child.wait()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        child = self._child
        if child is None:
            path = os.pathsep.join(entry for entry in sys.path if entry)
            child = self._child = subprocess.Popen(
                [sys.executable, "-m", "editloop.judges.people.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
            )
            if child.stdin is not None:
                send(child.stdin, {"judge": self._spec})
        if child.stdin is None or child.stdout is None:
            raise PeerGone
        return child.stdin, child.stdout


class InThisProcess:
    """The same, without another process."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply of `worker.answer`."""
        return answer(self._judge, request)

    def close(self) -> None:
        """Nothing is open."""


def judge_edits(
    spec: str,
    edits: Sequence[RatedEdit],
    *,
    store: AnswerStore,
    workers: int = 1,
    progress: Progress | None = None,
) -> Judged:
    """A verdict on every edit that can be judged.

    Args:
        spec: The judge, as `load_judge` takes it.
        edits: What to judge; the scores of people are not looked at.
        store: Kept verdicts, by content; new scored ones are added.
        workers: Processes; 1 judges in this one.
        progress: Told how far it is.

    Raises:
        UnknownNameError: there is no such judge.
        EditloopError: the judge cannot work at all (a package or weights are missing).
    """
    judge = load_judge(spec)
    identity = judge.identity
    if isinstance(judge, ReadsMeasurements):
        inner = judge_edits(
            judge.inner_spec, edits, store=store, workers=workers, progress=progress
        )
        read = {uid: judge.read(verdict) for uid, verdict in inner.verdicts.items()}
        return Judged(identity.name, identity.version, read, inner.dropped, inner.kept)
    done = Judged(identity.name, identity.version)
    waiting: list[_Job] = []
    for edit in edits:
        try:
            key = _key(edit, identity.name, identity.version, waits=isinstance(judge, WaitingJudge))
        except BadInputError as error:
            done.dropped.append(Unusable(edit.uid, error.reason, error.detail))
            continue
        kept = store.get(key)
        if kept is None:
            waiting.append((edit, key))
        else:
            done.verdicts[edit.uid] = Verdict.model_validate_json(kept)
            done.kept += 1
    _work(spec, judge, waiting, done, store, min(workers, len(waiting)), progress)
    return done


def _work(
    spec: str,
    judge: Judge,
    waiting: Sequence[_Job],
    done: Judged,
    store: AnswerStore,
    workers: int,
    progress: Progress | None,
) -> None:
    run = _Run(waiting, done, store, progress)
    if isinstance(judge, WaitingJudge):
        run.serve_together(judge)
    elif workers > 1:
        helpers = [JudgeProcess(spec) for _ in range(workers)]
        threads = [threading.Thread(target=run.serve, args=(one,), daemon=True) for one in helpers]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            run.ended = True
            for helper in helpers:
                helper.close()
    elif waiting:
        run.serve(InThisProcess(judge))
    if run.stop is not None:
        raise EditloopError(run.stop)


class _Run:
    """Jobs that threads share."""

    def __init__(
        self,
        waiting: Sequence[_Job],
        done: Judged,
        store: AnswerStore,
        progress: Progress | None,
    ) -> None:
        self._todo: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        for job in waiting:
            self._todo.put(job)
        self._total, self._lock = len(waiting), threading.Lock()
        self._done, self._store, self._progress = done, store, progress
        self.stop: str | None = None
        """What ended the run."""
        self.ended = False

    def serve(self, helper: JudgeProcess | InThisProcess) -> None:
        """Give jobs to `helper` until none is left."""
        while self.stop is None and not self.ended:
            try:
                edit, key = self._todo.get_nowait()
            except queue.Empty:
                return
            reply = helper.ask(
                {
                    "source": str(edit.source),
                    "edited": str(edit.edited),
                    "instruction": edit.instruction,
                    "references": [str(path) for path in edit.references],
                    "context": list(edit.context),
                }
            )
            with self._lock:
                self._settle(edit, key, reply)
                if self._progress is not None:
                    self._progress(self._total - self._todo.qsize(), self._total)

    def serve_together(self, judge: WaitingJudge) -> None:
        """Give jobs to `judge` many at once until none is left."""
        while self.stop is None and (jobs := self._next(judge.at_once)):
            requests = []
            for job in jobs:
                try:
                    requests.append((job, opened(job[0])))
                except BadInputError as error:
                    self._settle(*job, {"drop": error.reason, "detail": error.detail})
            try:
                verdicts = judge.score_many([request for _, request in requests])
            except EditloopError as error:
                self.stop = str(error)
                return
            for (job, _), verdict in zip(requests, verdicts, strict=True):
                self._settle(*job, {"verdict": verdict})
            if self._progress is not None:
                self._progress(self._total - self._todo.qsize(), self._total)

    def _next(self, count: int) -> list[_Job]:
        jobs: list[_Job] = []
        while len(jobs) < count and not self._todo.empty():
            jobs.append(self._todo.get_nowait())
        return jobs

    def _settle(self, edit: RatedEdit, key: str, reply: dict[str, Any]) -> None:
        if "stop" in reply:
            self.stop = reply["stop"]
        elif "drop" in reply:
            self._done.dropped.append(Unusable(edit.uid, reply["drop"], reply["detail"]))
        else:
            verdict = Verdict.model_validate(reply["verdict"])
            self._done.verdicts[edit.uid] = verdict
            if verdict.outcome is Outcome.SCORED:
                self._store.put({key: verdict.model_dump_json()})


def _key(edit: RatedEdit, name: str, version: str, *, waits: bool) -> str:
    """What a verdict depends on; the edit type only where a judge's question may follow it."""
    source, edited = (sha256_hex(image_bytes(path)) for path in (edit.source, edit.edited))
    more: list[Any] = [edit_type_of(edit)] if waits else []
    if edit.context or edit.references:
        more += [edit.context, [sha256_hex(image_bytes(path)) for path in edit.references]]
    return content_id("verdict", name, version, source, edited, edit.instruction, *more)
