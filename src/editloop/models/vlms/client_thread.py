"""A client in an event loop of its own: opened on first use, closed with the program at the latest."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from editloop.core.errors import ModelCallError
from editloop.models.vlms.loop_thread import LoopThread, Result


class Closable(Protocol):
    """What is closed in the loop that it was made in."""

    async def close(self) -> None:
        """End it."""


Client = TypeVar("Client", bound=Closable)


class ClientThread(Generic[Client]):
    """Owns a client and the loop it lives in; asked from any thread or loop.

    Args:
        name: Of the thread, for people.
        make: Makes the client; called in its loop.
    """

    def __init__(self, name: str, make: Callable[[], Client]) -> None:
        self._name, self._make = name, make
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The client, opened on first use and after every `close`.

        Raises:
            EditloopError: whatever making it raises.
        """
        with self._lock:
            if self._client is None:
                loop = LoopThread(self._name)
                try:
                    self._client = loop.submit(self._open()).result()
                except BaseException:
                    loop.close()
                    raise
                self._loop = loop
                atexit.register(self.close)
            return self._client

    def submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Start `work`, which uses the client, in its loop.

        Raises:
            ModelCallError: the client was closed meanwhile.
        """
        loop = self._loop
        if loop is None:
            work.close()
            raise ModelCallError(f"{self._name}: closed while it was asked")
        return loop.submit(work)

    def close(self) -> None:
        """Close the client and end its loop."""
        with self._lock:
            client, loop = self._client, self._loop
            self._client = self._loop = None
        if client is not None and loop is not None:
            atexit.unregister(self.close)
            with suppress(RuntimeError):  # the interpreter is going down
                loop.submit(client.close()).result()
                loop.close()

    async def _open(self) -> Client:
        return self._make()
