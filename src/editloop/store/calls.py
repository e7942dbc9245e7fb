"""Kept replies of model endpoints: asked once, paid once, the raw reply read again as often as you like.

The key of a call is the SHA-256 of its canonical request, in which every image is replaced by the hash of its bytes,
so an equal question finds its answer in any run. Only answers are kept: an endpoint that failed raises, and never
leaves an empty string behind. Equal calls that are under way at the same time become one. Budgets are reserved before
a call is sent. A reply is in the file before its caller gets it: what anybody was told survives kill -9.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from editloop.core.errors import ModelCallError, StoreError
from editloop.core.ids import sha256_hex
from editloop.store.packs import storage_error
from editloop.store.spending import Budget, Ledger, Spending
from editloop.store.sqlite import clear_errors, connect, transaction

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS reply (
    key BLOB PRIMARY KEY, request TEXT NOT NULL, reply TEXT NOT NULL, made REAL NOT NULL
) WITHOUT ROWID;
"""


class CacheMode(StrEnum):
    """What is done with kept replies."""

    USE = "use"
    """Kept replies answer; the rest is sent."""
    REFRESH = "refresh"
    """Everything is sent, and replaces what was kept."""
    REPLAY_ONLY = "replay-only"
    """Nothing is sent: a call without a kept reply is an error."""


class Reply(BaseModel):
    """What an endpoint answered.

    `raw` is the body as received. Tokens, cost (US dollars) and `seconds` are those of the call that was paid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    raw: str = Field(min_length=1)
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0
    finish_reason: str = ""


GATHER_SECONDS: Final = 0.002
"""How long the first reply waits for others that share its commit; those that come during a commit share the next one."""
_KEYS_AT_ONCE: Final = 500
"""Keys in one look-up; SQLite takes 999 variables anywhere."""


class CallKey(NamedTuple):
    """What names a call: the canonical request and its SHA-256."""

    text: str
    digest: bytes

    @classmethod
    def of(cls, request: dict[str, Any]) -> CallKey:
        """The key of a request; bytes in it (images) count by their hash."""
        text = canonical_request(request)
        return cls(text, hashlib.sha256(text.encode()).digest())


class CallCache:
    """A cache of model calls in one SQLite file, which several processes may share.

    Use it as an asynchronous context manager inside one event loop.

    Args:
        path: SQLite file; made when missing.
        mode: What is done with kept replies.
        budget: Hard caps on what is sent.

    Raises:
        StoreError: when the file cannot be opened.
    """

    def __init__(
        self, path: Path, mode: CacheMode = CacheMode.USE, budget: Budget | None = None
    ) -> None:
        self._path = path
        self._mode = mode
        self._ledger = Ledger(budget or Budget())
        self._in_flight: dict[bytes, asyncio.Future[Reply]] = {}
        self._waiting: dict[bytes, tuple[str, Reply]] = {}
        self._flusher: asyncio.Task[None] | None = None
        self._group: asyncio.Future[None] | None = None
        """Done when the replies that wait now are in the file."""
        self.hits = 0
        """Calls that a kept reply answered."""
        self.merged = 0
        """Calls that waited for an equal one."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, path, "make") from error
        with clear_errors(path):
            self._connection: sqlite3.Connection = connect(path)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_SCHEMA)
            self._writer = connect(path)
            self._writer.execute("PRAGMA synchronous = NORMAL")
        self._writing = threading.Lock()

    @property
    def spent(self) -> Spending:
        """What the calls that this object sent have used."""
        return self._ledger.spent

    async def call(
        self,
        request: dict[str, Any] | CallKey,
        send: Callable[[], Awaitable[Reply]],
        estimate: Spending | None = None,
        *,
        looked_up: bool = False,
        shielded: bool = True,
    ) -> Reply:
        """The reply to a request: a kept one, or the one that `send` brings.

        Args:
            request: Everything that can change the reply: endpoint kind, model and revision, messages, decoding
                parameters, sample index, template version. Bytes in it (images) count by their hash.
            send: Sends the request. It raises when there is no answer.
            estimate: What the call is expected to use, reserved until it is done; one call by default.
            looked_up: `find_many` has just found nothing.
            shielded: A cancelled caller leaves the call running, and its reply is kept. Callers that are never cancelled
                while they wait save a task.

        Raises:
            BudgetError: a cap does not allow the call; nothing was sent.
            ModelCallError: the endpoint did not answer, or nothing is kept in replay-only mode.
            StoreError: the cache cannot be read or written.
        """
        key = request if isinstance(request, CallKey) else CallKey.of(request)
        running = self._in_flight.get(key.digest)
        if running is not None:
            self.merged += 1
            return await asyncio.shield(running)
        if self._mode is not CacheMode.REFRESH:
            kept = self._just_kept(key.digest) if looked_up else self._find(key.digest)
            if kept is not None:
                self.hits += 1
                return kept
        if self._mode is CacheMode.REPLAY_ONLY:
            raise ModelCallError(
                f"no reply is kept for this request ({key.digest.hex()[:12]}, model "
                f"{json.loads(key.text).get('model')!r}) and the mode is replay-only: run once with mode `use`"
            )
        shared: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._in_flight[key.digest] = shared
        work = self._share(shared, key, send, estimate or Spending(calls=1))
        return await (asyncio.shield(asyncio.create_task(work)) if shielded else work)

    def find_many(self, keys: Sequence[CallKey]) -> list[Reply | None]:
        """The kept reply of each key, or None; nothing in refresh mode.

        Raises:
            StoreError: the cache cannot be read.
        """
        if self._mode is CacheMode.REFRESH:
            return [None] * len(keys)
        # Those that wait for their commit first: a thread may commit them meanwhile, and then the file has them.
        waiting = {key.digest: self._just_kept(key.digest) for key in keys}
        found = {digest: reply for digest, reply in waiting.items() if reply is not None}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            wanted = [key.digest for key in keys[start : start + _KEYS_AT_ONCE]]
            places = ",".join("?" * len(wanted))
            with clear_errors(self._path):
                rows = self._connection.execute(
                    f"SELECT key, reply FROM reply WHERE key IN ({places})", wanted
                ).fetchall()
            for digest, reply in rows:
                found.setdefault(digest, Reply.model_validate_json(reply))
        self.hits += len(found)
        return [found.get(key.digest) for key in keys]

    def commit(self) -> None:
        """Write the replies that wait.

        Raises:
            StoreError: when the file cannot be written.
        """
        with self._writing:
            waiting = dict(self._waiting)
            if not waiting:
                return
            now = time.time()
            rows = [
                (key, request, reply.model_dump_json(), now)
                for key, (request, reply) in waiting.items()
            ]
            with transaction(self._writer, self._path):
                self._writer.executemany("INSERT OR REPLACE INTO reply VALUES (?, ?, ?, ?)", rows)
            for key, kept in waiting.items():
                if self._waiting.get(key) is kept:
                    del self._waiting[key]

    async def close(self) -> None:
        """Wait for calls under way, keep their replies, and close the file."""
        try:
            await asyncio.gather(*self._in_flight.values(), return_exceptions=True)
        finally:  # also when the caller's patience ends first
            if self._flusher is not None:
                self._flusher.cancel()
            try:
                self.commit()
            finally:
                self._writer.close()
                self._connection.close()

    async def __aenter__(self) -> CallCache:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _just_kept(self, key: bytes) -> Reply | None:
        kept = self._waiting.get(key)
        return kept[1] if kept is not None else None

    def _find(self, key: bytes) -> Reply | None:
        if (reply := self._just_kept(key)) is not None:
            return reply
        with clear_errors(self._path):
            row = self._connection.execute(
                "SELECT reply FROM reply WHERE key = ?", (key,)
            ).fetchone()
        return Reply.model_validate_json(row[0]) if row else None

    async def _share(
        self,
        shared: asyncio.Future[Reply],
        key: CallKey,
        send: Callable[[], Awaitable[Reply]],
        estimate: Spending,
    ) -> Reply:
        """Send, and tell everybody who waits for an equal call."""
        try:
            reply = await self._send(key, send, estimate)
        except BaseException as error:
            told = ModelCallError("an equal call, whose reply was awaited, was cancelled")
            if not shared.done():
                shared.set_exception(error if isinstance(error, Exception) else told)
                shared.exception()  # nobody has to wait for it
            raise
        else:
            if not shared.done():
                shared.set_result(reply)
            return reply
        finally:
            del self._in_flight[key.digest]

    async def _send(
        self, key: CallKey, send: Callable[[], Awaitable[Reply]], estimate: Spending
    ) -> Reply:
        await self._ledger.reserve(estimate)
        started = time.perf_counter()
        try:
            reply = await send()
        except BaseException:
            self._ledger.settle(estimate, Spending(calls=1))
            raise
        self._ledger.settle(
            estimate, Spending(1, reply.input_tokens + reply.output_tokens, reply.cost_usd)
        )
        if not reply.seconds:
            reply = reply.model_copy(update={"seconds": round(time.perf_counter() - started, 4)})
        await self._keep(key, reply)
        return reply

    async def _keep(self, key: CallKey, reply: Reply) -> None:
        """Wait until `reply` is in the file.

        Raises:
            StoreError: it cannot be written; it stays queued, and the next commit tries again.
        """
        self._waiting[key.digest] = (key.text, reply)
        if self._group is None:
            self._group = asyncio.get_running_loop().create_future()
            if self._flusher is None or self._flusher.done():
                self._flusher = asyncio.create_task(self._flush())
        await asyncio.shield(self._group)

    async def _flush(self) -> None:
        """Commit in a thread, group after group: a disk that takes its time holds up no call that is sent."""
        while self._group is not None:
            await asyncio.sleep(GATHER_SECONDS)
            group, self._group = self._group, None
            try:
                await asyncio.to_thread(self.commit)
            except StoreError as error:
                group.set_exception(error)
                group.exception()  # where every caller was cancelled, nobody asks
            else:
                group.set_result(None)


def canonical_request(request: dict[str, Any]) -> str:
    """`request` as JSON with sorted keys, in which every `bytes` (an image) is replaced by its hash."""
    return _CANONICAL.encode(request)


def _hashed(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"sha256": sha256_hex(value)}
    raise TypeError(f"a {type(value).__name__} cannot be part of a request: {value!r}")


_CANONICAL: Final = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,
    default=_hashed,
)
