"""The editor role over ``images/edits``: GPT Image models, and any server that speaks as they do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from editloop.core.errors import BadInputError
from editloop.core.ids import content_id
from editloop.models.diffusers.sizes import back_to
from editloop.models.editors.served.client import EditClient
from editloop.models.editors.served.replies import EditReply
from editloop.models.editors.served.settings import ServedEditSettings
from editloop.models.roles import EditRequest, EditResult, ModelIdentity
from editloop.models.vlms.client_thread import ClientThread
from editloop.models.vlms.settings import parse_endpoint

CODE_VERSION: Final = "1"
"""Changes when the same request would be put to the model in another way."""
REFUSED: Final = "refused"
"""Reason of the `BadInputError` for an edit that the provider's moderation does not allow."""


class ServedEditor:
    """An image editor behind an OpenAI-compatible endpoint, asked from any thread or event loop.

    Replies are kept (`EndpointSettings.cache`), refusals too: an equal edit is never paid for twice. The seed names a reply, so
    another seed is asked anew, though only some servers take it (`send_seed`). References are sent as further images, a
    mask as the API wants it, earlier instructions of a dialogue before the new one. Close it, or use it as it is: the end of
    the program closes it too, and waits up to a minute for pictures under way.

    Args:
        spec: ``MODEL[@URL][?option=value&...]``, the options being fields of `ServedEditSettings`, for example
            ``gpt-image-1?picture_quality=low&edit_usd=0.02&max_usd=5`` or ``qwen-image-edit@http://127.0.0.1:8000/v1``.

    Raises:
        UsageError: when the spec names no model or no usable address.
        ConfigError: when an option is unknown or of the wrong type.
    """

    def __init__(self, spec: str = "") -> None:
        self.endpoint, self.settings = parse_endpoint(spec, ServedEditSettings)
        self._thread = ClientThread(
            f"edits by {self.endpoint.model}", lambda: EditClient(self.endpoint, self.settings)
        )

    def __repr__(self) -> str:
        return f"ServedEditor({self.identity.name!r})"

    @property
    def identity(self) -> ModelIdentity:
        """Model and address; the version covers revision and what shapes a picture."""
        settings = self.settings
        made_by = content_id(
            settings.endpoint or self.endpoint.host,
            self.endpoint.model,
            settings.revision,
            settings.asked_for,
            settings.result_size,
        )
        name = f"openai:{self.endpoint.model}@{self.endpoint.url}"
        return ModelIdentity(name, f"{CODE_VERSION}-{made_by[:16]}")

    @property
    def client(self) -> EditClient:
        """The client in its event loop, opened on first use: its counts, its cache, its pace.

        Raises:
            PrerequisiteError: when the endpoint needs a key and there is none.
            StoreError: when the file of kept replies cannot be opened.
        """
        return self._thread.client

    async def edit_async(self, request: EditRequest) -> EditResult:
        """The edited picture, at the size of the source unless `result_size` says otherwise.

        `EditResult.facts` holds the size that came (``returned_width``, ``returned_height``, pixels), ``seconds`` and, where they
        are known, ``input_tokens``, ``output_tokens`` and ``cost_usd``.

        Raises:
            BadInputError: `refused`, with the provider's words; `not_an_image`, when a picture of the request is none.
            ModelCallError: when there is no answer; `BudgetError` when a cap does not allow the call.
            PrerequisiteError: when the endpoint needs a key and there is none.
            StoreError: when kept replies cannot be read or written.
        """
        client = self.client
        reply = await asyncio.wrap_future(self._thread.submit(client.edit(request)))
        return self._result(reply, request)

    def edit(self, request: EditRequest) -> EditResult:
        """As `edit_async`, for callers without an event loop."""
        return self.edit_many([request])[0]

    def edit_many(self, requests: Sequence[EditRequest]) -> list[EditResult]:
        """One result a request, in order; a call that fails never costs the others, whose replies are kept.

        Raises:
            EditloopError: the first error of `edit_async`, once all calls have ended.
        """
        client = self.client

        async def together() -> list[EditReply | BaseException]:
            edits = (client.edit(request) for request in requests)
            return await asyncio.gather(*edits, return_exceptions=True)

        results = []
        for request, reply in zip(requests, self._thread.submit(together()).result(), strict=True):
            if isinstance(reply, BaseException):
                raise reply
            results.append(self._result(reply, request))
        return results

    def close(self) -> None:
        """Keep what was answered and hang up; the next request opens it again."""
        self._thread.close()

    def _result(self, reply: EditReply, request: EditRequest) -> EditResult:
        if reply.pixels is None:
            raise BadInputError(REFUSED, reply.refusal or "the endpoint gave no reason")
        height, width = reply.pixels.shape[:2]
        facts = {
            "returned_width": float(width),
            "returned_height": float(height),
            "seconds": reply.seconds,
        }
        if reply.input_tokens or reply.output_tokens:
            facts |= {
                "input_tokens": float(reply.input_tokens),
                "output_tokens": float(reply.output_tokens),
            }
        cost = self.settings.price(1, reply.input_tokens, reply.output_tokens)
        if cost is not None:
            facts["cost_usd"] = cost
        keep = self.settings.result_size == "as_returned"
        return EditResult(
            reply.pixels if keep else back_to(reply.pixels, request.image), facts=facts
        )
