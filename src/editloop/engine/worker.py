"""A worker process: its own copy of the stages, its own pack, one batch at a time.

Started by the runner as ``python -m editloop.engine.worker``; messages arrive on standard input and leave on what was
standard output. Whatever a stage prints goes to standard error. The process ends with its parent, even in the middle
of a batch.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from editloop.core.errors import EditloopError, StageError
from editloop.engine.context import StoreContext
from editloop.engine.execute import execute, open_stage
from editloop.engine.outcomes import seal, to_wire
from editloop.engine.stage import Stage
from editloop.engine.wire import Hello, PeerGone, make_stage, receive, send
from editloop.store.blobs import BlobStore
from editloop.store.journal import BlobIndex


class Worker:
    """Answers batches until the parent goes."""

    def __init__(self, hello: Hello) -> None:
        self._addresses = hello.stages
        self._index = BlobIndex(Path(hello.index))
        self._store = BlobStore(
            Path(hello.blobs), self._index.find, survive_power_loss=hello.survive_power_loss
        )
        self._context = StoreContext(self._store, hello.run_seed)
        self._stages: dict[int, Stage[Any, Any, Any]] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Outcomes of one batch, or the error that must stop the run."""
        try:
            stage = self._stage(request["stage"])
            records = [stage.input.model_validate_json(text) for text in request["records"]]
            outcomes, seconds = execute(stage, records)
            sealed = [
                to_wire(seal(record, outcome))
                for record, outcome in zip(records, outcomes, strict=True)
            ]
        except EditloopError as error:
            return {"stop": type(error).__name__, "message": str(error)}
        except ValidationError as error:
            return {
                "stop": StageError.__name__,
                "message": f"a record cannot be read by a worker: {error}",
            }
        return {"outcomes": sealed, "blobs": self._store.drain(), "seconds": seconds}

    def close(self) -> None:
        """Close the stages and the store."""
        for stage in self._stages.values():
            stage.close()
        self._store.close()
        self._index.close()

    def _stage(self, number: int) -> Stage[Any, Any, Any]:
        if number not in self._stages:
            stage = make_stage(self._addresses[number])
            open_stage(stage, self._context)
            self._stages[number] = stage
        return self._stages[number]


def _listen(stream: IO[bytes], inbox: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Pass messages on; when the parent is gone, end a running batch too."""
    while True:
        try:
            message = receive(stream)
        except PeerGone:
            os._exit(0)
        inbox.put(message.get("request"))


def main() -> None:
    """Serve the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    worker = Worker(Hello.model_validate(receive(requests)))
    inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, inbox), daemon=True).start()
    while (request := inbox.get()) is not None:
        send(replies, worker.answer(request))
    worker.close()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
