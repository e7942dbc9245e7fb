"""Asks an image editor behind an endpoint: kept replies, pace, retries, budgets. Lives in one event loop."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress
from typing import Final

from editloop.core.images import decode_image
from editloop.models.editors.served.pictures import KeptPictures
from editloop.models.editors.served.replies import EditReply, read_edit, read_kept
from editloop.models.editors.served.settings import ServedEditSettings
from editloop.models.editors.served.wire import (
    MOST_OUTPUT_TOKENS,
    edit_body,
    edit_key,
    estimated_input_tokens,
)
from editloop.models.roles import EditRequest
from editloop.models.vlms.posting import Body, Poster
from editloop.models.vlms.settings import Endpoint
from editloop.store.calls import CallCache, CallKey, Reply
from editloop.store.spending import Spending

KIND: Final = "images.edits"
CLOSING_SECONDS: Final = 60.0
"""How long pictures under way are waited for when a program ends: they are paid for."""


class EditClient:
    """Asks one editor of one endpoint. Make it, use it and close it in the same event loop.

    Args:
        endpoint: Where the model answers.
        settings: How it is called.

    Raises:
        PrerequisiteError: when the endpoint needs a key and there is none.
        StoreError: when the file of kept replies cannot be opened.
    """

    def __init__(self, endpoint: Endpoint, settings: ServedEditSettings) -> None:
        self.endpoint = endpoint
        self.settings = settings
        self.poster = Poster[EditReply](
            endpoint, settings, "images/edits", read_edit, read_in_thread=True
        )
        self._identity = {
            "kind": KIND,
            "endpoint": settings.endpoint or endpoint.host,
            "model": endpoint.model,
            "revision": settings.revision,
            **settings.asked_for,
        }
        file = settings.cache_file
        self.cache = CallCache(file, settings.mode, settings.budget)
        self.pictures = KeptPictures(file.with_name(f"{file.name}.pictures"))

    async def edit(self, request: EditRequest) -> EditReply:
        """The reply to `request`: a kept one, or what the endpoint answers. Cancelling the caller does not waste the call.

        Raises:
            BadInputError: `not_an_image`, when a picture of the request is none.
            ModelCallError: when there is no answer; `BudgetError` when a cap does not allow the call.
            StoreError: when kept replies cannot be read or written.
        """
        key = await asyncio.to_thread(self._key, request)
        (kept,) = self.cache.find_many([key])
        if kept is not None:
            found = await asyncio.to_thread(self._replayed, kept)
            if found is not None:
                return found
        fresh: list[EditReply] = []
        given_up = asyncio.Event()

        async def send() -> Reply:
            answer = await self._send(request, given_up)
            fresh.append(answer)
            return self._kept(answer)

        try:
            reply = await self.cache.call(key, send, self._estimate(request), looked_up=True)
        except asyncio.CancelledError:
            given_up.set()
            raise
        if fresh:
            return fresh[0]
        found = await asyncio.to_thread(self._replayed, reply)
        return found or await self.edit(request)

    async def close(self) -> None:
        """Let calls under way end, keep their replies, and hang up."""
        self.poster.stop_retrying()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.cache.close(), CLOSING_SECONDS)
        await self.poster.close()

    def _key(self, request: EditRequest) -> CallKey:
        return CallKey.of(self._identity | edit_key(request, self.settings))

    async def _send(self, request: EditRequest, given_up: asyncio.Event) -> EditReply:
        async def make() -> Body:
            if (
                given_up.is_set()
            ):  # what was sent is paid and waited for, what was not is not sent any more
                raise asyncio.CancelledError
            return await asyncio.to_thread(edit_body, request, self.endpoint.model, self.settings)

        read = estimated_input_tokens(request, self.settings)
        posted = await self.poster.post(make, read + MOST_OUTPUT_TOKENS)
        if posted.answer.picture:  # before the reply that names it
            await asyncio.to_thread(self.pictures.put, posted.answer.picture)
        return dataclasses.replace(posted.answer, seconds=round(posted.seconds, 4))

    def _kept(self, answer: EditReply) -> Reply:
        pictures = int(bool(answer.picture))
        cost = self.settings.price(pictures, answer.input_tokens, answer.output_tokens)
        return Reply(
            raw=answer.raw,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            cost_usd=cost or 0.0,
            seconds=answer.seconds,
            finish_reason="stop" if pictures else "refusal",
        )

    def _replayed(self, kept: Reply) -> EditReply | None:
        """A kept reply; None where its picture is gone, so that it has to be asked for again."""
        sha256, refusal = read_kept(kept.raw)
        picture = self.pictures.get(sha256) if sha256 else b""
        if picture is None:
            return None
        return EditReply(
            kept.raw,
            picture,
            decode_image(picture).pixels if picture else None,
            refusal,
            kept.input_tokens,
            kept.output_tokens,
            kept.seconds,
            cached=True,
        )

    def _estimate(self, request: EditRequest) -> Spending:
        """The most that the call may use, as far as that can be said before."""
        read = estimated_input_tokens(request, self.settings)
        cost = self.settings.price(1, read, MOST_OUTPUT_TOKENS) or 0.0
        return Spending(1, read + MOST_OUTPUT_TOKENS, cost)
