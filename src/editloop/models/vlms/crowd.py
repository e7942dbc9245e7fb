"""Many questions at once: kept replies first, then workers that refill the places in flight."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from editloop.core.errors import ModelCallError
from editloop.models.vlms.client import EndpointClient
from editloop.models.vlms.messages import VlmAnswer, VlmReply, VlmRequest
from editloop.store.calls import CallKey

LOOKED_UP_AT_ONCE: Final = 250
"""Requests whose kept replies are looked for together."""
WORKERS_PER_PLACE: Final = 4
"""Most workers for each place in flight: one more starts when a call pauses between tries."""

Tell: TypeAlias = Callable[[tuple[int, VlmAnswer]], None]


class Crowd:
    """Answers a list of requests once.

    Args:
        client: Whom to ask.
        requests: The questions.
        tell: Told every place and answer, in the client's event loop.
    """

    def __init__(
        self, client: EndpointClient, requests: Sequence[VlmRequest], tell: Tell | None = None
    ) -> None:
        self._client = client
        self._requests = requests
        self._tell = tell
        self._answers: list[VlmAnswer | None] = [None] * len(requests)
        self._looked_up = 0
        self._looking = asyncio.Lock()
        self._unanswered: deque[CallKey] = deque()
        self._places: dict[CallKey, list[int]] = {}
        self._group = asyncio.TaskGroup()
        self._workers = 0
        self._stopping = False

    async def answers(self) -> list[VlmAnswer]:
        """One answer a request, in order.

        Raises:
            StoreError: when kept replies cannot be read or written.
        """
        self._client.on_pause.add(self._start_one)
        try:
            async with self._group:
                for _ in range(min(self._client.settings.concurrency, len(self._requests))):
                    self._start_one()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            self._client.on_pause.discard(self._start_one)
            self._client.cache.commit()
        return [answer for answer in self._answers if answer is not None]

    def stop(self) -> None:
        """Begin nothing more; what is under way ends and is kept."""
        self._stopping = True

    def _start_one(self) -> bool:
        """Begin another worker, if there is something to do; whether there was."""
        most = WORKERS_PER_PLACE * self._client.settings.concurrency
        if self._workers >= most or not self._more() or self._stopping:
            return False
        self._workers += 1
        self._group.create_task(self._work())
        return True

    def _more(self) -> bool:
        return bool(self._unanswered) or self._looked_up < len(self._requests)

    async def _work(self) -> None:
        """Take the next question as soon as there is an answer: one slow answer holds up nobody.

        Where an answer has arrived and is yet to be written, another worker takes over.
        """
        replaced = False

        def arrived() -> None:
            nonlocal replaced
            self._workers -= 1
            replaced = self._start_one()
            self._workers += not replaced

        while not self._stopping and not replaced:
            if not self._unanswered:
                await self._look_up()
            if not self._unanswered:
                return
            key = self._unanswered.popleft()
            answer: VlmAnswer
            try:
                request = self._requests[self._places[key][0]]
                answer = await self._client.send(request, key, arrived=arrived)
            except ModelCallError as error:
                answer = error
            except BaseException:
                self._stopping = True
                raise
            for place in self._places.pop(key):  # equal questions were asked once
                self._say(place, answer)
                if isinstance(answer, VlmReply):
                    answer = dataclasses.replace(answer, cached=True)

    async def _look_up(self) -> None:
        """Answer the next requests from kept replies, until one is left to be sent."""
        async with self._looking:
            while not self._unanswered and self._looked_up < len(self._requests):
                start = self._looked_up
                requests = self._requests[start : start + LOOKED_UP_AT_ONCE]
                keys = await self._client.keys(requests)
                good: list[tuple[int, CallKey]] = []
                for place, key in enumerate(keys, start):
                    if isinstance(key, ModelCallError):
                        self._say(place, key)
                    else:
                        good.append((place, key))
                kept = self._client.kept([key for _, key in good])
                for (place, key), reply in zip(good, kept, strict=True):
                    if reply is not None:
                        self._say(place, reply)
                    elif key in self._places:
                        self._places[key].append(place)
                    else:
                        self._places[key] = [place]
                        self._unanswered.append(key)
                self._looked_up = start + len(requests)

    def _say(self, place: int, answer: VlmAnswer) -> None:
        self._answers[place] = answer
        if self._tell is not None:
            self._tell((place, answer))
