"""Runs a pipeline: one asyncio scheduler, stages joined by bounded queues that carry micro-batches of references."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, JsonValue

from editloop.core.errors import EditloopError, RunInterruptedError, StageError, StoreError
from editloop.core.ids import canonical_json
from editloop.engine.batch import Batch
from editloop.engine.context import StoreContext
from editloop.engine.counts import ProgressCallback, RunProgress, StageCounts
from editloop.engine.node import SOURCE_BATCH, Node, Sink, Workshop
from editloop.engine.plan import check_inputs, check_pipeline, labels, stage_facts, stage_key
from editloop.engine.result import Rejected, RunResult
from editloop.engine.settle import Settler
from editloop.engine.stage import Lane, Stage
from editloop.engine.wire import Hello
from editloop.engine.workers import WorkerPool, address
from editloop.store.blobs import BlobStore
from editloop.store.journal import GROUP_SECONDS, BlobIndex, Journal
from editloop.store.runs import Manifest, RunFolder, RunStatus, append_event, usable_cpus

_PROGRESS_SECONDS: Final = 0.2


def run_pipeline(
    stages: Sequence[Stage[Any, Any, Any]],
    inputs: Iterable[BaseModel],
    *,
    run_dir: Path | None = None,
    run_seed: int = 0,
    workers: int | None = None,
    config: dict[str, JsonValue] | None = None,
    progress: ProgressCallback | None = None,
    retry_failed: bool = False,
    survive_power_loss: bool = False,
) -> RunResult:
    """Run `inputs` through `stages`.

    With a `run_dir`, every outcome is kept: the same call again computes only what is missing, whatever stopped the
    run before. Without one, nothing is kept beyond the result.

    Args:
        stages: The pipeline, in order.
        inputs: What the first stage takes; of several with the same id the first counts.
        run_dir: Folder of the run; made when missing.
        run_seed: Seed from which stages derive theirs.
        workers: Threads, and processes, that run stages of those lanes; by default one for each CPU.
        config: What the run was asked for, kept in the manifest.
        progress: Called a few times a second from the scheduler.
        retry_failed: Try records again that failed in an earlier run.
        survive_power_loss: Wait for the disk at every commit.

    Returns:
        The result; close it, or use it as a context manager.

    Raises:
        StageError: the stages do not fit together, one broke its contract, or one fails on most records.
        StoreError: the run folder cannot be written; what was committed stays.
        PrerequisiteError: a stage lacks something.
        RunInterruptedError: Ctrl-C; what was done is committed.
    """
    check_pipeline(stages)
    options = _Options(
        run_seed, workers or usable_cpus(), progress, retry_failed, survive_power_loss
    )
    return _Run(stages, run_dir, options).execute(inputs, config or {})


@dataclass(frozen=True, slots=True)
class _Options:
    """How to run; the fields are explained at `run_pipeline`."""

    run_seed: int
    workers: int
    progress: ProgressCallback | None
    retry_failed: bool
    survive_power_loss: bool


class _Run:
    """One call of `run_pipeline`."""

    def __init__(
        self, stages: Sequence[Stage[Any, Any, Any]], run_dir: Path | None, options: _Options
    ) -> None:
        self._stages = list(stages)
        self._is_kept = run_dir is not None
        self._path = run_dir or Path(tempfile.mkdtemp(prefix="editloop-"))
        self._options = options
        self._counts = tuple(StageCounts(label) for label in labels(stages))
        self._inputs = 0
        self._duplicates = 0
        self._total: int | None = None
        self._started = time.perf_counter()
        self._last_progress = 0.0

    def execute(self, inputs: Iterable[BaseModel], config: dict[str, JsonValue]) -> RunResult:
        self._total = len(inputs) if isinstance(inputs, Sized) else None
        try:
            finals, rejects = self._in_folder(inputs, config)
        except BaseException:
            if not self._is_kept:
                shutil.rmtree(self._path, ignore_errors=True)
            raise
        return RunResult(
            self._path,
            self._counts,
            tuple(stage.output for stage in self._stages),
            inputs=self._inputs,
            duplicates=self._duplicates,
            seconds=time.perf_counter() - self._started,
            in_memory=None if self._is_kept else (finals, rejects),
        )

    def _in_folder(
        self, inputs: Iterable[BaseModel], config: dict[str, JsonValue]
    ) -> tuple[list[BaseModel], list[Rejected]]:
        """Hold the folder, write the manifest, run, and close both whatever happens."""
        facts = [stage_facts(stage, self._options.run_seed) for stage in self._stages]
        folder = RunFolder(self._path)
        try:
            manifest = folder.begin(self._options.run_seed, config, list(facts))
            names: list[JsonValue] = [count.name for count in self._counts]
            append_event(folder.events, "started", attempt=len(manifest.attempts), stages=names)
            with self._closing(folder, manifest):
                journal = Journal(
                    folder.journal, survive_power_loss=self._options.survive_power_loss
                )
                with _settled(journal):
                    if self._options.retry_failed:
                        journal.make_failures_retryable()
                    return self._schedule(inputs, folder, journal, self._register(journal, facts))
        finally:
            folder.release()

    def _register(self, journal: Journal, facts: Sequence[dict[str, JsonValue]]) -> list[int]:
        """Numbers of the stages in the journal."""
        return [
            journal.register(
                position, stage_key(fact), stage.name, stage.version, canonical_json(fact).decode()
            )
            for position, (stage, fact) in enumerate(zip(self._stages, facts, strict=True))
        ]

    @contextmanager
    def _closing(self, folder: RunFolder, manifest: Manifest) -> Iterator[None]:
        """Close the manifest whatever happens; a disk that is full must not hide the error."""
        status: RunStatus = "failed"
        message = ""
        try:
            yield
            status = "done"
        except RunInterruptedError as error:
            status, message = "interrupted", str(error)
            raise
        except EditloopError as error:
            message = f"{type(error).__name__}: {error}"
            raise
        finally:
            counts: dict[str, JsonValue] = {
                "inputs": self._inputs,
                "duplicates": self._duplicates,
                "stages": [count.as_json() for count in self._counts],
            }
            with suppress(StoreError):
                folder.finish(
                    manifest, status, time.perf_counter() - self._started, counts, message
                )
                append_event(folder.events, status, **counts)

    def _schedule(
        self, inputs: Iterable[BaseModel], folder: RunFolder, journal: Journal, numbers: list[int]
    ) -> tuple[list[BaseModel], list[Rejected]]:
        """Run the event loop: in this thread, or in one of its own where this thread runs a loop already."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._main(inputs, folder, journal, numbers))
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._main(inputs, folder, journal, numbers)).result()

    async def _main(
        self, inputs: Iterable[BaseModel], folder: RunFolder, journal: Journal, numbers: list[int]
    ) -> tuple[list[BaseModel], list[Rejected]]:
        with _interruptible(self._path if self._is_kept else None):
            index = BlobIndex(folder.journal)
            store = BlobStore(
                folder.blobs, index.find, survive_power_loss=self._options.survive_power_loss
            )
            workshop = self._workshop(folder, journal, store)
            try:
                outcome = await self._flow(inputs, workshop, numbers)
            except BaseExceptionGroup as group:
                await workshop.pool.close(now=True)
                raise _first(group) from group
            except BaseException:
                await workshop.pool.close(now=True)
                raise
            else:
                await workshop.pool.close(now=False)
            finally:
                workshop.threads.shutdown()
                store.close()
                index.close()
        return outcome

    def _workshop(self, folder: RunFolder, journal: Journal, store: BlobStore) -> Workshop:
        hello = Hello(
            blobs=str(folder.blobs.absolute()),
            index=str(folder.journal.absolute()),
            run_seed=self._options.run_seed,
            survive_power_loss=self._options.survive_power_loss,
            stages={
                place: address(stage)
                for place, stage in enumerate(self._stages)
                if stage.lane is Lane.PROCESS
            },
        )

        def on_crash(status: int) -> None:
            append_event(folder.events, "worker_crashed", exit_status=status)

        return Workshop(
            journal=journal,
            ledger=journal if self._is_kept else None,
            store=store,
            context=StoreContext(store, self._options.run_seed),
            threads=ThreadPoolExecutor(self._options.workers, thread_name_prefix="stage"),
            pool=WorkerPool(hello, self._options.workers, folder.logs / "workers.log", on_crash),
            workers=self._options.workers,
        )

    async def _flow(
        self, inputs: Iterable[BaseModel], workshop: Workshop, numbers: list[int]
    ) -> tuple[list[BaseModel], list[Rejected]]:
        settlers = [
            Settler(stage, counts, workshop.ledger, number, is_last=counts is self._counts[-1])
            for stage, counts, number in zip(self._stages, self._counts, numbers, strict=True)
        ]
        finals = _Collector(self._stages[-1].output, keeps=not self._is_kept)
        nodes: list[Node] = []
        for index in reversed(range(len(self._stages))):
            downstream: Sink = nodes[0] if nodes else finals
            nodes.insert(0, Node(index, self._stages[index], settlers[index], workshop, downstream))
        ticker = asyncio.create_task(self._tick(workshop.journal))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed(inputs, nodes[0]))
                for node in nodes:
                    if node.has_queue:
                        group.create_task(node.run())
        finally:
            ticker.cancel()
            for node in nodes:
                node.close()
            self._report()
        return finals.records, [reject for settler in settlers for reject in settler.rejects]

    async def _feed(self, inputs: Iterable[BaseModel], first: Node) -> None:
        seen: set[int] = set()
        source = iter(inputs)
        while records := list(islice(source, SOURCE_BATCH)):
            check_inputs(first.stage, records)
            marks = list(map(hash, Batch(records).ids()))
            fresh = records
            if len(set(marks)) < len(marks) or not seen.isdisjoint(marks):
                first_seen = dict(zip(reversed(marks), reversed(records), strict=True))
                fresh = [first_seen[mark] for mark in dict.fromkeys(marks) if mark not in seen]
            seen.update(marks)
            self._inputs += len(fresh)
            self._duplicates += len(records) - len(fresh)
            await first.accept(Batch(fresh))
            await asyncio.sleep(0)  # a pipeline of inline stages alone never waits: let Ctrl-C in
        self._total = self._inputs
        await first.end()

    async def _tick(self, journal: Journal) -> None:
        while True:
            await asyncio.sleep(GROUP_SECONDS / 2)
            with suppress(StoreError):  # the rows stay queued, and the next append reports it
                if journal.overdue:
                    journal.commit()
            if time.perf_counter() - self._last_progress >= _PROGRESS_SECONDS:
                self._report()

    def _report(self) -> None:
        self._last_progress = time.perf_counter()
        if self._options.progress is not None:
            elapsed = self._last_progress - self._started
            self._options.progress(RunProgress(self._counts, self._inputs, self._total, elapsed))


class _Collector:
    """The end of the pipeline."""

    def __init__(self, kind: type[BaseModel], *, keeps: bool) -> None:
        self.records: list[BaseModel] = []
        self._kind = kind
        self._keeps = keeps

    async def accept(self, batch: Batch) -> None:
        """Keep the records of a run that has no folder."""
        if self._keeps:
            self.records += batch.records(self._kind)

    async def end(self) -> None:
        """Nothing to pass on."""


@contextmanager
def _settled(journal: Journal) -> Iterator[None]:
    """Commit and close, whatever ended the run, unless writing is what failed."""
    try:
        yield
    except StoreError:
        journal.abandon()
        raise
    except BaseException:
        with suppress(StoreError):
            journal.close()
        raise
    journal.close()


@contextmanager
def _interruptible(run_dir: Path | None) -> Iterator[None]:
    """Turn Ctrl-C into an error that says how to go on."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    interrupted = threading.Event()

    def stop() -> None:
        interrupted.set()
        if task is not None:
            task.cancel()

    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread:
        loop.add_signal_handler(signal.SIGINT, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not interrupted.is_set():
            raise
        resume = (
            f"run the same command again to go on from {run_dir}" if run_dir else "nothing was kept"
        )
        raise RunInterruptedError(f"stopped by Ctrl-C; {resume}") from None
    finally:
        if in_main_thread:
            loop.remove_signal_handler(signal.SIGINT)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that explains a failed task group: one of ours before anything else."""
    errors = [
        _first(error) if isinstance(error, BaseExceptionGroup) else error
        for error in group.exceptions
    ]
    ours = [error for error in errors if isinstance(error, EditloopError)]
    stores = [error for error in ours if isinstance(error, StoreError)]
    return (stores or ours or errors or [StageError(str(group))])[0]
