"""One stage at work: batches in, through its lane, and on to the next queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pydantic import BaseModel

from editloop.core.ids import content_id
from editloop.engine.batch import Batch, join
from editloop.engine.context import StoreContext
from editloop.engine.execute import (
    STOPS_THE_RUN,
    check_outcomes,
    execute,
    open_stage,
    outcome_of_error,
)
from editloop.engine.outcomes import Outcome, Sealed
from editloop.engine.settle import Settler
from editloop.engine.stage import Lane, RemoteStage, Scope, Stage
from editloop.engine.workers import WorkerPool
from editloop.store.blobs import BlobStore
from editloop.store.journal import Journal
from editloop.store.packs import BlobLocation

QUEUE_BATCHES: Final = 4
"""Batches that may wait in front of a stage."""

SOURCE_BATCH: Final = 64
"""Inputs that are taken at a time."""


@dataclass(slots=True)
class Workshop:
    """What the stages of one run share.

    `ledger` is the journal when outcomes are kept; `journal` always is there, for the blob index.
    """

    journal: Journal
    ledger: Journal | None
    store: BlobStore
    context: StoreContext
    threads: ThreadPoolExecutor
    pool: WorkerPool
    workers: int

    def publish_blobs(self) -> None:
        """Commit what other processes must be able to find."""
        self.journal.append([], self.store.drain())
        if self.journal.has_waiting_blobs:
            self.journal.commit()


_LONG_SECONDS: Final = 0.02
"""After a batch that took longer the scheduler gets a turn: for a commit, for progress, for Ctrl-C."""


class Sink(Protocol):
    """Where batches go."""

    async def accept(self, batch: Batch) -> None:
        """Take a batch; waits while there is no room."""

    async def end(self) -> None:
        """No more batches come."""


class Node:
    """One stage at its place in the pipeline.

    A stage of the inline lane works in the task that brings the batch; every other has a queue and a task of its own.

    Args:
        index: Place in the pipeline.
        stage: The stage.
        settler: Books the outcomes.
        workshop: What the stages share.
        downstream: Where its records go.
    """

    def __init__(
        self,
        index: int,
        stage: Stage[Any, Any, Any],
        settler: Settler,
        workshop: Workshop,
        downstream: Sink,
    ) -> None:
        self.stage = stage
        self.has_queue = stage.lane is not Lane.INLINE or stage.scope is Scope.ALL
        self._index = index
        self._settler = settler
        self._workshop = workshop
        self._downstream = downstream
        self._queue: asyncio.Queue[Batch | None] = asyncio.Queue(QUEUE_BATCHES)
        self._opened = False
        self._opening = asyncio.Lock()

    async def accept(self, batch: Batch) -> None:
        """Work on a batch, or queue it."""
        if self.has_queue:
            await self._queue.put(batch)
        else:
            for piece in batch.split(self.stage.batch_size):
                await self._process(piece)

    async def end(self) -> None:
        """Pass the end on, or queue it."""
        await (self._queue.put(None) if self.has_queue else self._downstream.end())

    async def run(self) -> None:
        """Work until the queue ends."""
        if self.stage.scope is Scope.ALL:
            await self._run_reduction()
        else:
            await self._run_batches()
        await self._downstream.end()

    def close(self) -> None:
        """Close the stage, if it was opened here."""
        if self._opened:
            self.stage.close()

    async def _run_batches(self) -> None:
        width = self._workshop.workers
        size = self.stage.batch_size
        if isinstance(self.stage, RemoteStage):
            width, size = self.stage.concurrency, 1
        room = asyncio.Semaphore(width)

        async def one(batch: Batch) -> None:
            try:
                await self._process(batch)
            finally:
                room.release()

        async with asyncio.TaskGroup() as group:
            async for batch in self._batches(size):
                await room.acquire()
                group.create_task(one(batch))

    async def _batches(self, size: int) -> AsyncIterator[Batch]:
        """Batches of up to `size`: full where the queue has enough, never waiting to fill one."""
        ended = False
        while not ended:
            waiting: list[Batch] = []
            batch = await self._queue.get()
            while batch is not None:
                waiting.append(batch)
                if self._queue.empty() or sum(map(len, waiting)) >= size:
                    break
                batch = self._queue.get_nowait()
            ended = batch is None
            if waiting:
                for piece in join(waiting).split(size):
                    yield piece

    async def _process(self, batch: Batch) -> None:
        if self._workshop.ledger is None:
            made = await self._compute(batch, [])
        else:
            made = await self._replay_or_compute(batch)
        if len(made):
            await self._downstream.accept(made)

    async def _replay_or_compute(self, batch: Batch) -> Batch:
        keys = batch.digests()
        found = self._settler.recall(keys)
        if not found:
            return await self._compute(batch, keys)
        known = [place for place, key in enumerate(keys) if key in found]
        made = self._settler.replayed(
            batch.pick(known),
            [found[keys[place]] for place in known],
            [keys[place] for place in known],
        )
        fresh = batch.pick([place for place, key in enumerate(keys) if key not in found])
        if len(fresh):
            made = join([made, await self._compute(fresh, fresh.digests())])
        return made

    async def _compute(self, batch: Batch, keys: list[bytes]) -> Batch:
        shop = self._workshop
        outcomes: Sequence[Outcome | Sealed]
        blobs: list[tuple[str, BlobLocation]]
        if self.stage.lane is Lane.PROCESS:
            shop.publish_blobs()
            answer = await shop.pool.run(self._index, batch.texts())
            outcomes, blobs, seconds = answer.outcomes, answer.blobs, answer.seconds
        else:
            await self._open()
            outcomes, seconds = await self._execute(batch.records(self.stage.input))
            blobs = shop.store.drain()
        if shop.ledger is None and blobs:
            shop.journal.append([], blobs)
        made = self._settler.computed(batch, outcomes, seconds, keys=keys, blobs=blobs)
        if seconds > _LONG_SECONDS:
            await asyncio.sleep(0)
        return made

    async def _execute(self, records: list[BaseModel]) -> tuple[list[Outcome], float]:
        if isinstance(self.stage, RemoteStage):
            return await _call(self.stage, records[0])
        if self.stage.lane is Lane.THREAD:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._workshop.threads, execute, self.stage, records)
        return execute(self.stage, records)

    async def _open(self) -> None:
        if self._opened:
            return
        async with self._opening:
            if not self._opened:
                if self.stage.lane is Lane.THREAD:
                    shop, loop = self._workshop, asyncio.get_running_loop()
                    await loop.run_in_executor(shop.threads, open_stage, self.stage, shop.context)
                else:
                    open_stage(self.stage, self._workshop.context)
                self._opened = True

    async def _run_reduction(self) -> None:
        """Gather everything, in the order of ids; its rows are known by all contents together."""
        pieces = [piece async for piece in self._batches(SOURCE_BATCH)]
        if not pieces:
            return
        batch = _in_order(join(pieces))
        whole = content_id("all", [digest.hex() for digest in batch.digests()])
        keys = [
            bytes.fromhex(content_id("member", whole, digest.hex())) for digest in batch.digests()
        ]
        found = self._settler.recall(keys)
        if len(found) == len(batch):
            made = self._settler.replayed(batch, [found[key] for key in keys], keys)
        else:
            made = await self._compute(batch, keys)
        for piece in made.split(SOURCE_BATCH):
            await self._downstream.accept(piece)


def _in_order(batch: Batch) -> Batch:
    """The records sorted by id, each once."""
    ids, digests = batch.ids(), batch.digests()
    places: dict[tuple[str, bytes], int] = {}
    for place, name in enumerate(zip(ids, digests, strict=True)):
        places.setdefault(name, place)
    return batch.pick([places[name] for name in sorted(places)])


async def _call(
    stage: RemoteStage[Any, Any, Any], record: BaseModel
) -> tuple[list[Outcome], float]:
    started = time.perf_counter()
    try:
        outcomes: list[Outcome] = [await stage.call(record)]
    except STOPS_THE_RUN:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a call raises concerns its record alone
        outcomes = [outcome_of_error(stage, error)]
    check_outcomes(stage, 1, outcomes)
    return outcomes, time.perf_counter() - started
