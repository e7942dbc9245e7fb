"""Vision-language models behind an OpenAI-compatible endpoint: OpenAI, Gemini, vLLM, SGLang, llama.cpp and others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Final

from editloop.core.ids import content_id
from editloop.models.roles import ModelIdentity
from editloop.models.vlms.client import EndpointClient
from editloop.models.vlms.client_thread import ClientThread
from editloop.models.vlms.crowd import Crowd
from editloop.models.vlms.images import encoding_key
from editloop.models.vlms.messages import VlmAnswer, VlmReply, VlmRequest
from editloop.models.vlms.settings import parse_spec

CODE_VERSION: Final = "1"
"""Changes when the same request would be put to the model in another way."""


class OpenAiVlm:
    """A model behind an OpenAI-compatible endpoint, asked from any thread or event loop.

    Replies are kept (`CallSettings.cache`): an equal question is never paid for twice. All calls share one pool of
    connections, one pace and one budget. Close it, or use it as a context manager; the end of the program closes it too.

    Args:
        spec: ``MODEL[@URL][?option=value&...]``, the options being fields of `CallSettings`, for example
            ``gpt-4o-2024-08-06?image=jpeg&max_side=1024`` or ``Qwen/Qwen2.5-VL-7B-Instruct@http://127.0.0.1:8000/v1``.

    Raises:
        UsageError: when the spec names no model or no usable address.
        ConfigError: when an option is unknown or of the wrong type.
    """

    def __init__(self, spec: str = "") -> None:
        self.endpoint, self.settings = parse_spec(spec)
        self._thread = ClientThread(
            f"calls to {self.endpoint.model}", lambda: EndpointClient(self.endpoint, self.settings)
        )

    def __repr__(self) -> str:
        return f"OpenAiVlm({self.identity.name!r})"

    @property
    def identity(self) -> ModelIdentity:
        """Model and address; the version covers revision, encoding of images and what else shapes a question."""
        settings = self.settings
        made_by = content_id(
            settings.endpoint or self.endpoint.host,
            self.endpoint.model,
            settings.revision,
            settings.detail,
            encoding_key(settings.encoding),
        )
        name = f"openai:{self.endpoint.model}@{self.endpoint.url}"
        return ModelIdentity(name, f"{CODE_VERSION}-{made_by[:16]}")

    @property
    def client(self) -> EndpointClient:
        """The client in its event loop, opened on first use: its counts, its cache, its pace.

        Raises:
            PrerequisiteError: when the endpoint needs a key and there is none.
            StoreError: when the file of kept replies cannot be opened.
        """
        return self._thread.client

    async def ask(self, request: VlmRequest) -> VlmReply:
        """The reply to one request.

        Raises:
            ModelCallError: when there is no answer; `BudgetError` when a cap does not allow the call.
            PrerequisiteError: when the endpoint needs a key and there is none.
            StoreError: when kept replies cannot be read or written.
        """
        client = self.client
        return await asyncio.wrap_future(self._thread.submit(client.ask(request)))

    def ask_many(
        self,
        requests: Sequence[VlmRequest],
        on_reply: Callable[[int, VlmAnswer], None] | None = None,
    ) -> list[VlmAnswer]:
        """One reply or error a request, in order; a call that fails never costs the others.

        Args:
            requests: The questions.
            on_reply: Called in the caller's thread with the place and the answer, as answers come.

        Raises:
            PrerequisiteError: when the endpoint needs a key and there is none.
            StoreError: when kept replies cannot be read or written.
        """
        client = self.client
        if not requests:
            return []
        told: SimpleQueue[tuple[int, VlmAnswer] | None] = SimpleQueue()
        tell = told.put if on_reply is not None else None
        crowd = Crowd(client, requests, tell)
        work = self._thread.submit(crowd.answers())
        if on_reply is None:
            return _waited(work.result, crowd.stop)
        work.add_done_callback(lambda _: told.put(None))

        def listen() -> list[VlmAnswer]:
            while (answer := told.get()) is not None:
                on_reply(*answer)
            return work.result()

        return _waited(listen, crowd.stop)

    def close(self) -> None:
        """Keep what was answered and hang up; the next question opens it again."""
        self._thread.close()

    def __enter__(self) -> OpenAiVlm:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _waited(wait: Callable[[], list[VlmAnswer]], stop: Callable[[], None]) -> list[VlmAnswer]:
    try:
        return wait()
    except BaseException:
        stop()  # Ctrl-C, or `on_reply` raised: what is under way still ends and is kept
        raise
