"""Asks an OpenAI-compatible endpoint, patiently: kept replies, pace, retries, budgets. Lives in one event loop."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
from editloop.models.vlms.responses import TryAgainError, UselessKeyError, judge_response
from editloop.models.vlms.settings import CallSettings, Endpoint, is_loopback, key_for
from editloop.store.calls import CallCache, CallKey, Reply
from editloop.store.spending import Spending

if TYPE_CHECKING:
    import aiohttp

LONGEST_PAUSE: Final = 30.0
LENDING_SECONDS: Final = 0.01
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
        self.on_pause: set[Callable[[], None]] = set()
        """Called when a call pauses between tries: others may use its place meanwhile."""
        self.limiter = Limiter(
            settings.concurrency, settings.requests_per_minute, settings.tokens_per_minute
        )
        self._encoding = settings.encoding
        self._identity = {
            "kind": "chat.completions",
            "endpoint": settings.endpoint or endpoint.host,
            "model": endpoint.model,
            "revision": settings.revision,
            "detail": settings.detail,
        }
        self._key = key_for(endpoint)
        self._url = f"{endpoint.url}/chat/completions"
        self._breaker = Breaker()
        self._closing = False
        self._lent_at = 0.0
        self.cache = CallCache(settings.cache_file, settings.mode, settings.budget)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, request: VlmRequest) -> VlmReply:
        """The reply to `request`: a kept one, or what the endpoint answers. Cancelling the caller does not waste the call.

        Raises:
            ModelCallError: when there is no answer; `BudgetError` when a cap does not allow the call.
            StoreError: when kept replies cannot be read or written.
        """
        (key,) = await self.keys([request])
        if isinstance(key, ModelCallError):
            raise key
        return await self.send(request, key, looked_up=False, shielded=True)

    async def keys(self, requests: Sequence[VlmRequest]) -> list[CallKey | ModelCallError]:
        """What names each request; images are hashed in a thread. An error where a request cannot be sent."""
        if all(map(_only_words, requests)):
            return [self._key_of(request) for request in requests]
        return await asyncio.to_thread(lambda: [self._key_of(request) for request in requests])

    def kept(self, keys: Sequence[CallKey]) -> list[VlmReply | None]:
        """The kept reply of each key, or None.

        Raises:
            StoreError: when kept replies cannot be read.
        """
        found = self.cache.find_many(keys)
        return [None if reply is None else self._replayed(reply) for reply in found]

    async def send(
        self, request: VlmRequest, key: CallKey, *, looked_up: bool = True, shielded: bool = False
    ) -> VlmReply:
        """As `ask`, with the key at hand.

        Args:
            request: The question.
            key: What `keys` made of it.
            looked_up: `kept` has just found nothing.
            shielded: Whether the caller may be cancelled.

        Raises:
            ModelCallError: as `ask`.
            StoreError: as `ask`.
        """
        encoding = request.encoding or self._encoding
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

        estimate = self._estimate(request, input_tokens)
        reply = await self.cache.call(key, send, estimate, looked_up=looked_up, shielded=shielded)
        return fresh[0] if fresh else self._replayed(reply)

    async def close(self) -> None:
        """Let calls under way end (for a few seconds), keep their replies, and hang up."""
        self._closing = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self.cache.close(), CLOSING_SECONDS)
        if self._session is not None:
            await self._session.close()

    def _key_of(self, request: VlmRequest) -> CallKey | ModelCallError:
        try:
            asked = request_key(request, request.encoding or self._encoding)
        except BadInputError as error:
            return ModelCallError(f"the request cannot be sent: {error}")
        return CallKey.of(self._identity | asked)

    def _replayed(self, kept: Reply) -> VlmReply:
        cost = self.settings.cost(kept.input_tokens, kept.output_tokens)
        return read_reply(
            kept.raw,
            input_tokens=kept.input_tokens,
            output_tokens=kept.output_tokens,
            cost_usd=cost,
            seconds=kept.seconds,
            cached=True,
        )

    def _estimate(self, request: VlmRequest, input_tokens: int) -> Spending:
        """The most that the call may use, as far as that can be said before."""
        cost = self.settings.cost(input_tokens, request.max_tokens) or 0.0
        return Spending(1, input_tokens + request.max_tokens, cost)

    async def _send(
        self, request: VlmRequest, encoding: ImageEncoding, input_tokens: int
    ) -> VlmReply:
        """Try until there is an answer, or no hope of one."""
        deadline = time.monotonic() + self.settings.patience
        failures, body, trouble = 0, b"", TryAgainError("")
        for tried in itertools.count(1):
            await self.limiter.enter(input_tokens + request.max_tokens)
            try:
                self._breaker.check()
                body = body or await self._body(request, encoding)
                answer = await self._once(body, input_tokens)
            except TryAgainError as error:
                trouble = error
            else:
                self._breaker.served()
                return answer
            finally:
                self.limiter.leave()
            failures += not trouble.throttled
            pause = max(trouble.retry_after, self._pause(tried))
            hopeless = failures >= self.settings.attempts
            if hopeless or self._closing or time.monotonic() + pause > deadline:
                break
            self._lend_place()
            await asyncio.sleep(pause)
        self._breaker.lost(trouble.reason)
        raise ModelCallError(
            f"{self.endpoint.model} at {self.endpoint.url} did not answer in {tried} tries, the last one: "
            f"{trouble.reason}; run again later, kept replies cost nothing"
        )

    def _lend_place(self) -> None:
        """Let others begin calls while this one pauses; but not all at once, for they may be refused like it."""
        now = time.monotonic()
        if now - self._lent_at >= LENDING_SECONDS:
            self._lent_at = now
            for begin in tuple(self.on_pause):
                begin()

    def _pause(self, tried: int) -> float:
        """Exponential, drawn at random, so that calls that failed together do not come back together."""
        return random.uniform(
            0, min(LONGEST_PAUSE, self.settings.backoff * 2 ** min(tried - 1, 16))
        )

    async def _once(self, body: bytes, input_tokens: int) -> VlmReply:
        """One try.

        Raises:
            TryAgainError: it may work later.
            ModelCallError: it never will.
        """
        import aiohttp

        self.counts.tries += 1
        started = time.perf_counter()
        try:
            data = aiohttp.BytesPayload(body, content_type="application/json")
            async with self._opened().post(self._url, data=data, allow_redirects=False) as response:
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
            answer = judge_response(response.status, response.headers, text, self._key)
        except TryAgainError as trouble:
            self._note(throttled=trouble.throttled)
            raise
        except UselessKeyError as error:
            self._breaker.give_up(str(error))
            raise
        self.limiter.served()
        return self._counted(answer, input_tokens, time.perf_counter() - started)

    def _note(self, *, throttled: bool) -> None:
        if throttled:
            self.counts.throttled += 1
            self.limiter.refused()
        else:
            self.counts.troubled += 1

    def _counted(self, answer: VlmReply, input_tokens: int, seconds: float) -> VlmReply:
        """With time, tokens and cost; tokens are estimated where the endpoint does not count, so that budgets hold."""
        read = answer.input_tokens or input_tokens
        written = answer.output_tokens or len(answer.text) // 3
        return dataclasses.replace(
            answer,
            input_tokens=read,
            output_tokens=written,
            cost_usd=self.settings.cost(read, written),
            seconds=round(seconds, 4),
        )

    async def _body(self, request: VlmRequest, encoding: ImageEncoding) -> bytes:
        """What is sent; images are encoded in a thread."""
        model, settings = self.endpoint.model, self.settings
        if _only_words(request):
            return request_body(request, model, encoding, settings)
        return await asyncio.to_thread(request_body, request, model, encoding, settings)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            headers = {"Authorization": f"Bearer {self._key}"} if self._key else None
            self._session = aiohttp.ClientSession(
                headers=headers,
                timeout=aiohttp.ClientTimeout(
                    total=self.settings.timeout, sock_connect=CONNECT_SECONDS
                ),
                connector=aiohttp.TCPConnector(limit=self.settings.concurrency),
                trust_env=not is_loopback(self.endpoint.url),
            )
        return self._session


def _only_words(request: VlmRequest) -> bool:
    return all(type(part) is str for part in request.parts)
