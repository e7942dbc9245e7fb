"""Asks an OpenAI-compatible endpoint, patiently: kept replies, pace, retries, budgets. Lives in one event loop."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from editloop.core.errors import BadInputError, ModelCallError
from editloop.models.vlms.breaker import Breaker
from editloop.models.vlms.chat import (
    estimated_input_tokens,
    read_reply,
    request_body,
    request_key,
)
from editloop.models.vlms.limiter import Limiter
from editloop.models.vlms.messages import ImageEncoding, VlmReply, VlmRequest
from editloop.models.vlms.redaction import redact
from editloop.models.vlms.responses import TryAgainError, UselessKeyError, judge_response
from editloop.models.vlms.settings import CallSettings, Endpoint, is_loopback, key_for
from editloop.store.calls import CallCache, Reply, Spending

if TYPE_CHECKING:
    import aiohttp

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

LONGEST_PAUSE: Final = 30.0
CLOSING_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 15.0


@dataclass(slots=True)
class CallCounts:
    """What a client did. `tries` are requests sent; `throttled` and `troubled` those that were refused for now or broke."""

    tries: int = 0
    throttled: int = 0
    troubled: int = 0


class EndpointClient:
    """Asks one model of one endpoint. Make it, use it and close it in the same event loop.

    Args:
        endpoint: Where the model answers.
        settings: How it is called.

    Raises:
        PrerequisiteError: when the endpoint needs a key and there is none.
        StoreError: when the file of kept replies cannot be opened.
    """

    def __init__(self, endpoint: Endpoint, settings: CallSettings) -> None:
        self.endpoint = endpoint
        self.settings = settings
        self.counts = CallCounts()
        self.limiter = Limiter(
            settings.concurrency, settings.requests_per_minute, settings.tokens_per_minute
        )
        self._key = key_for(endpoint)
        self._url = f"{endpoint.url}/chat/completions"
        self._breaker = Breaker()
        self._closing = False
        self.cache = CallCache(settings.cache_file, settings.mode, settings.budget)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, request: VlmRequest) -> VlmReply:
        """The reply to `request`: a kept one, or what the endpoint answers.

        Raises:
            ModelCallError: when there is no answer; `BudgetError` when a cap does not allow the call.
            StoreError: when kept replies cannot be read or written.
        """
        encoding = request.encoding or self.settings.encoding
        try:
            key = await _aside(request, request_key, request, encoding)
        except BadInputError as error:
            raise ModelCallError(f"the request cannot be sent: {error}") from error
        input_tokens = estimated_input_tokens(request, encoding)
        fresh: list[VlmReply] = []

        async def send() -> Reply:
            answer = await self._send(request, encoding, input_tokens)
            fresh.append(answer)
            return Reply(
                raw=answer.raw,
                input_tokens=answer.input_tokens,
                output_tokens=answer.output_tokens,
                cost_usd=answer.cost_usd or 0.0,
                seconds=answer.seconds,
                finish_reason=answer.finish.value,
            )

        kept = await self.cache.call(
            self._identity() | key, send, self._estimate(request, input_tokens)
        )
        if fresh:
            return fresh[0]
        return dataclasses.replace(
            read_reply(kept.raw),
            input_tokens=kept.input_tokens,
            output_tokens=kept.output_tokens,
            cost_usd=self.settings.cost(kept.input_tokens, kept.output_tokens),
            seconds=kept.seconds,
            cached=True,
        )

    async def close(self) -> None:
        """Let calls under way end (for a few seconds), keep their replies, and hang up."""
        self._closing = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self.cache.close(), CLOSING_SECONDS)
        if self._session is not None:
            await self._session.close()

    def _identity(self) -> dict[str, Any]:
        """What names the model in cache keys."""
        return {
            "kind": "chat.completions",
            "endpoint": self.settings.endpoint or self.endpoint.host,
            "model": self.endpoint.model,
            "revision": self.settings.revision,
            "detail": self.settings.detail,
        }

    def _estimate(self, request: VlmRequest, input_tokens: int) -> Spending:
        """The most that the call may use, as far as that can be said before."""
        cost = self.settings.cost(input_tokens, request.max_tokens) or 0.0
        return Spending(1, input_tokens + request.max_tokens, cost)

    async def _send(
        self, request: VlmRequest, encoding: ImageEncoding, input_tokens: int
    ) -> VlmReply:
        """Try until there is an answer, or no hope of one."""
        deadline = time.monotonic() + self.settings.patience
        failures, body = 0, b""
        for tried in range(1_000_000):
            try:
                async with self.limiter.slot(input_tokens + request.max_tokens):
                    self._breaker.check()
                    body = body or await self._body(request, encoding)
                    answer = await self._once(body)
            except TryAgainError as trouble:
                failures += not trouble.throttled
                pause = max(trouble.retry_after, self._pause(tried))
                hopeless = failures >= self.settings.attempts
                if hopeless or self._closing or time.monotonic() + pause > deadline:
                    self._breaker.lost(trouble.reason)
                    raise ModelCallError(
                        f"{self.endpoint.model} at {self.endpoint.url} did not answer in {tried + 1} tries, the last "
                        f"one: {trouble.reason}; run again later, kept replies cost nothing"
                    ) from None
                await asyncio.sleep(pause)
            else:
                self._breaker.served()
                return self._counted(answer, input_tokens)
        raise AssertionError("unreachable")

    def _pause(self, tried: int) -> float:
        """Exponential, drawn at random, so that calls that failed together do not come back together."""
        return random.uniform(0, min(LONGEST_PAUSE, self.settings.backoff * 2 ** min(tried, 16)))

    async def _once(self, body: bytes) -> VlmReply:
        """One try.

        Raises:
            TryAgainError: it may work later.
            ModelCallError: it never will.
        """
        import aiohttp

        self.counts.tries += 1
        started = time.perf_counter()
        try:
            async with self._opened().post(self._url, data=body, allow_redirects=False) as response:
                text = (await response.read()).decode("utf-8", "replace")
        except TimeoutError:
            self.counts.troubled += 1
            raise TryAgainError(
                f"no answer within {self.settings.timeout:g} s (option timeout)"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            # aiohttp's errors carry the request's headers, and with them the key: only their kind is passed on.
            self.counts.troubled += 1
            raise TryAgainError(f"the connection broke ({type(error).__name__})") from None
        try:
            answer = judge_response(response.status, response.headers, redact(text, self._key))
        except TryAgainError as trouble:
            self._note(throttled=trouble.throttled)
            raise
        except UselessKeyError as error:
            self._breaker.give_up(str(error))
            raise
        self.limiter.served()
        return dataclasses.replace(answer, seconds=round(time.perf_counter() - started, 4))

    def _note(self, *, throttled: bool) -> None:
        if throttled:
            self.counts.throttled += 1
            self.limiter.refused()
        else:
            self.counts.troubled += 1

    def _counted(self, answer: VlmReply, input_tokens: int) -> VlmReply:
        """With tokens and cost, estimated where the endpoint does not count, so that budgets hold."""
        read = answer.input_tokens or input_tokens
        written = answer.output_tokens or len(answer.text) // 3
        cost = self.settings.cost(read, written)
        return dataclasses.replace(answer, input_tokens=read, output_tokens=written, cost_usd=cost)

    async def _body(self, request: VlmRequest, encoding: ImageEncoding) -> bytes:
        return await _aside(
            request, request_body, request, self.endpoint.model, encoding, self.settings
        )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            headers = {"Content-Type": "application/json"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._session = aiohttp.ClientSession(
                headers=headers,
                timeout=aiohttp.ClientTimeout(
                    total=self.settings.timeout, sock_connect=CONNECT_SECONDS
                ),
                connector=aiohttp.TCPConnector(limit=self.settings.concurrency),
                trust_env=not is_loopback(self.endpoint.url),
            )
        return self._session


async def _aside(
    request: VlmRequest,
    work: Callable[Arguments, Result],
    *arguments: Arguments.args,
    **named: Arguments.kwargs,
) -> Result:
    """`work(*arguments)`, in a thread where images make it long."""
    if all(isinstance(part, str) for part in request.parts):
        return work(*arguments, **named)
    return await asyncio.to_thread(work, *arguments, **named)
