"""Asks a vision-language model behind an OpenAI-compatible endpoint: kept replies, pace, retries, budgets. Lives in one event loop."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from editloop.core.errors import BadInputError, ModelCallError
from editloop.models.vlms.chat import (
    estimated_input_tokens,
    read_reply,
    request_body,
    request_key,
)
from editloop.models.vlms.messages import ImageEncoding, VlmReply, VlmRequest
from editloop.models.vlms.posting import Body, Poster
from editloop.models.vlms.settings import CallSettings, Endpoint
from editloop.store.calls import CallCache, CallKey, Reply
from editloop.store.spending import Spending

KIND: Final = "chat.completions"
CLOSING_SECONDS: Final = 5.0


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
        self._poster = Poster[VlmReply](endpoint, settings, "chat/completions", read_reply)
        self.counts, self.limiter = self._poster.counts, self._poster.limiter
        self.on_pause = self._poster.on_pause
        self._encoding = settings.encoding
        self._identity = {
            "kind": KIND,
            "endpoint": settings.endpoint or endpoint.host,
            "model": endpoint.model,
            "revision": settings.revision,
            "detail": settings.detail,
        }
        self.cache = CallCache(settings.cache_file, settings.mode, settings.budget)

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
        self,
        request: VlmRequest,
        key: CallKey,
        *,
        looked_up: bool = True,
        shielded: bool = False,
        arrived: Callable[[], None] | None = None,
    ) -> VlmReply:
        """As `ask`, with the key at hand.

        Args:
            request: The question.
            key: What `keys` made of it.
            looked_up: `kept` has just found nothing.
            shielded: Whether the caller may be cancelled.
            arrived: Called when the endpoint has answered and the reply is yet to be written: another call may begin.

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
            if arrived is not None:
                arrived()
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
        self._poster.stop_retrying()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.cache.close(), CLOSING_SECONDS)
        await self._poster.close()

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
        posted = await self._poster.post(
            lambda: self._body(request, encoding), input_tokens + request.max_tokens
        )
        return self._counted(posted.answer, input_tokens, posted.seconds)

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

    async def _body(self, request: VlmRequest, encoding: ImageEncoding) -> Body:
        """What is sent; images are encoded in a thread."""
        model, settings = self.endpoint.model, self.settings
        if _only_words(request):
            return Body(request_body(request, model, encoding, settings))
        return Body(await asyncio.to_thread(request_body, request, model, encoding, settings))


def _only_words(request: VlmRequest) -> bool:
    return all(type(part) is str for part in request.parts)
