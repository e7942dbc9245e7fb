"""Kept replies of model endpoints: asked once, paid once, the raw reply read again as often as you like.

The key of a call is the SHA-256 of its canonical request, in which every image is replaced by the hash of its bytes,
so an equal question finds its answer in any run. Only answers are kept: an endpoint that failed raises, and never
leaves an empty string behind. Equal calls that are under way at the same time become one. Budgets are reserved before
a call is sent.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from editloop.core.errors import BudgetError, ModelCallError, StoreError
from editloop.core.ids import canonical_json, sha256_hex
from editloop.store.journal import GROUP_SECONDS
from editloop.store.packs import storage_error
from editloop.store.sqlite import clear_errors, connect, transaction

GROUP_CALLS: Final = 64
"""Replies that wait for one commit."""

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


@dataclass(frozen=True, slots=True)
class Spending:
    """Calls, tokens (in and out), US dollars."""

    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Spending) -> Spending:
        return Spending(
            self.calls + other.calls, self.tokens + other.tokens, self.cost_usd + other.cost_usd
        )

    def __sub__(self, other: Spending) -> Spending:
        return Spending(
            self.calls - other.calls, self.tokens - other.tokens, self.cost_usd - other.cost_usd
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """Hard caps; None is no cap. `seconds` counts from the first use of the cache object."""

    calls: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    seconds: float | None = None


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
        self._budget = budget or Budget()
        self._spent = Spending()
        self._reserved = Spending()
        self._started = time.monotonic()
        self._in_flight: dict[bytes, asyncio.Task[Reply]] = {}
        self._waiting: dict[bytes, tuple[str, Reply]] = {}
        self._settling: list[asyncio.Future[None]] = []
        self._flusher: asyncio.Task[None] | None = None
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

    @property
    def spent(self) -> Spending:
        """What the calls that this object sent have used."""
        return self._spent

    async def call(
        self,
        request: dict[str, Any],
        send: Callable[[], Awaitable[Reply]],
        estimate: Spending | None = None,
    ) -> Reply:
        """The reply to a request: a kept one, or the one that `send` brings.

        Args:
            request: Everything that can change the reply: endpoint kind, model and revision, messages, decoding
                parameters, sample index, template version. Bytes in it (images) count by their hash.
            send: Sends the request. It raises when there is no answer.
            estimate: What the call is expected to use, reserved until it is done; one call by default.

        Raises:
            BudgetError: a cap does not allow the call; nothing was sent.
            ModelCallError: the endpoint did not answer, or nothing is kept in replay-only mode.
            StoreError: the cache cannot be read or written.
        """
        text = canonical_json(without_bytes(request)).decode()
        key = bytes.fromhex(sha256_hex(text.encode()))
        running = self._in_flight.get(key)
        if running is not None:
            self.merged += 1
            return await asyncio.shield(running)
        if self._mode is not CacheMode.REFRESH and (kept := self._find(key)) is not None:
            self.hits += 1
            return kept
        if self._mode is CacheMode.REPLAY_ONLY:
            raise ModelCallError(
                f"no reply is kept for this request ({key.hex()[:12]}, model {request.get('model')!r}) and the mode "
                "is replay-only: run once with mode `use`"
            )
        task = asyncio.create_task(self._send(key, text, send, estimate or Spending(calls=1)))
        self._in_flight[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    def commit(self) -> None:
        """Write the replies that wait.

        Raises:
            StoreError: when the file cannot be written.
        """
        if not self._waiting:
            return
        now = time.time()
        rows = [
            (key, request, reply.model_dump_json(), now)
            for key, (request, reply) in self._waiting.items()
        ]
        with transaction(self._connection, self._path):
            self._connection.executemany("INSERT OR REPLACE INTO reply VALUES (?, ?, ?, ?)", rows)
        self._waiting.clear()

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

    def _find(self, key: bytes) -> Reply | None:
        if key in self._waiting:
            return self._waiting[key][1]
        with clear_errors(self._path):
            row = self._connection.execute(
                "SELECT reply FROM reply WHERE key = ?", (key,)
            ).fetchone()
        return Reply.model_validate_json(row[0]) if row else None

    def _forget(self, key: bytes, done: asyncio.Task[Reply]) -> None:
        del self._in_flight[key]
        if not done.cancelled():
            done.exception()

    async def _send(
        self, key: bytes, text: str, send: Callable[[], Awaitable[Reply]], estimate: Spending
    ) -> Reply:
        await self._reserve(estimate)
        started = time.perf_counter()
        try:
            reply = await send()
        except BaseException:
            self._settle(estimate, Spending(calls=1))
            raise
        self._settle(
            estimate, Spending(1, reply.input_tokens + reply.output_tokens, reply.cost_usd)
        )
        if not reply.seconds:
            reply = reply.model_copy(update={"seconds": round(time.perf_counter() - started, 4)})
        self._keep(key, text, reply)
        return reply

    async def _reserve(self, estimate: Spending) -> None:
        """Set the estimate aside; where only calls under way stand in the way, wait for what they really use.

        Raises:
            BudgetError: when a cap would be passed.
        """
        while (refusal := self._refusal(self._reserved + estimate)) is not None:
            if self._refusal(estimate) is not None:
                raise refusal
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._settling.append(settled)
            await settled
        self._reserved += estimate

    def _settle(self, estimate: Spending, used: Spending) -> None:
        """Put what a call used in place of what was set aside for it."""
        self._reserved -= estimate
        self._spent += used
        waiting, self._settling = self._settling, []
        for settled in waiting:
            if not settled.done():
                settled.set_result(None)

    def _refusal(self, more: Spending) -> BudgetError | None:
        """Why the budget does not allow `more`; None where it does."""
        total = self._spent + more
        budget = self._budget
        for name, cap, value in (
            ("calls", budget.calls, float(total.calls)),
            ("tokens", budget.tokens, float(total.tokens)),
            ("cost_usd", budget.cost_usd, total.cost_usd),
            ("seconds", budget.seconds, time.monotonic() - self._started),
        ):
            if cap is not None and value > cap:
                return BudgetError(
                    f"the budget of {cap:g} {name} does not allow another call (it would make {value:g}): nothing was "
                    "sent; raise the budget and run again, kept replies cost nothing"
                )
        return None

    def _keep(self, key: bytes, text: str, reply: Reply) -> None:
        self._waiting[key] = (text, reply)
        if len(self._waiting) >= GROUP_CALLS:
            self.commit()
        elif self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        await asyncio.sleep(GROUP_SECONDS)
        with suppress(StoreError):  # the replies stay queued, and the next commit reports it
            self.commit()


def without_bytes(value: Any) -> Any:
    """`value` with every `bytes` replaced by its hash, so that it is JSON."""
    if isinstance(value, bytes):
        return {"sha256": sha256_hex(value)}
    if isinstance(value, dict):
        return {key: without_bytes(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_bytes(inner) for inner in value]
    return value
