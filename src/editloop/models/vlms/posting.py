"""Posts requests to one address of an endpoint, patiently: pace, retries, a breaker. Lives in one event loop."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, NamedTuple

from editloop.core.errors import ModelCallError
from editloop.models.vlms.breaker import Breaker
from editloop.models.vlms.limiter import Limiter
from editloop.models.vlms.responses import Answer, TryAgainError, UselessKeyError, judge_response
from editloop.models.vlms.settings import Endpoint, EndpointSettings, is_loopback, key_for

if TYPE_CHECKING:
    import aiohttp

LONGEST_PAUSE: Final = 30.0
LENDING_SECONDS: Final = 0.01
CONNECT_SECONDS: Final = 15.0


@dataclass(slots=True)
class CallCounts:
    """What a client did. `tries` are requests sent; `throttled` and `troubled` those that were refused for now or broke."""

    tries: int = 0
    throttled: int = 0
    troubled: int = 0


class Body(NamedTuple):
    """What is posted."""

    data: bytes
    content_type: str = "application/json"


class Posted(NamedTuple, Generic[Answer]):
    """An answer, and the seconds that the try which brought it took."""

    answer: Answer
    seconds: float


class Poster(Generic[Answer]):
    """Posts to one address of one endpoint. Make it, use it and close it in the same event loop.

    Args:
        endpoint: Where the model answers.
        settings: How it is called.
        path: Of the address, below the endpoint's.
        read: Reads the body of an answer; raises `MalformedReplyError` for one that is none.
        read_in_thread: Whether reading takes so long that others would wait for it.

    Raises:
        PrerequisiteError: when the endpoint needs a key and there is none.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: EndpointSettings,
        path: str,
        read: Callable[[str], Answer],
        *,
        read_in_thread: bool = False,
    ) -> None:
        self.counts = CallCounts()
        self.on_pause: set[Callable[[], object]] = set()
        """Called when a call pauses between tries: others may use its place meanwhile."""
        self.limiter = Limiter(
            settings.concurrency, settings.requests_per_minute, settings.tokens_per_minute
        )
        self._endpoint, self._settings = endpoint, settings
        self._key = key_for(endpoint)
        self._url = f"{endpoint.url}/{path}"
        self._read = read
        self._read_in_thread = read_in_thread
        self._breaker = Breaker()
        self._closing = False
        self._lent_at = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def post(self, make: Callable[[], Awaitable[Body]], tokens: float) -> Posted[Answer]:
        """Try until there is an answer, or no hope of one.

        Args:
            make: Makes what is posted, once its turn has come.
            tokens: That the call may use, for the pace.

        Raises:
            ModelCallError: when there is no answer.
        """
        deadline = time.monotonic() + self._settings.patience
        failures, body, trouble = 0, None, TryAgainError("")
        for tried in itertools.count(1):
            await self.limiter.enter(tokens)
            try:
                self._breaker.check()
                body = body or await make()
                answer = await self._once(body)
            except TryAgainError as error:
                trouble = error
            else:
                self._breaker.served()
                return answer
            finally:
                self.limiter.leave()
            failures += not trouble.throttled
            pause = max(trouble.retry_after, self._pause(tried))
            hopeless = failures >= self._settings.attempts
            if hopeless or self._closing or time.monotonic() + pause > deadline:
                break
            self._lend_place()
            await asyncio.sleep(pause)
        self._breaker.lost(trouble.reason)
        raise ModelCallError(
            f"{self._endpoint.model} at {self._endpoint.url} did not answer in {tried} tries, the last one: "
            f"{trouble.reason}; run again later, kept replies cost nothing"
        )

    def stop_retrying(self) -> None:
        """Let tries under way end, and begin no further ones."""
        self._closing = True

    async def close(self) -> None:
        """Hang up."""
        if self._session is not None:
            await self._session.close()

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
            0, min(LONGEST_PAUSE, self._settings.backoff * 2 ** min(tried - 1, 16))
        )

    async def _once(self, body: Body) -> Posted[Answer]:
        """One try.

        Raises:
            TryAgainError: it may work later.
            ModelCallError: it never will.
        """
        import aiohttp

        self.counts.tries += 1
        started = time.perf_counter()
        try:
            data = aiohttp.BytesPayload(body.data, content_type=body.content_type)
            async with self._opened().post(self._url, data=data, allow_redirects=False) as response:
                text = (await response.read()).decode("utf-8", "replace")
        except TimeoutError:
            self.counts.troubled += 1
            raise TryAgainError(
                f"no answer within {self._settings.timeout:g} s (option timeout)"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            # aiohttp's errors carry the request's headers, and with them the key: only their kind is passed on.
            self.counts.troubled += 1
            raise TryAgainError(f"the connection broke ({type(error).__name__})") from None
        seconds = time.perf_counter() - started
        try:
            answer = await self._judged(response.status, response.headers, text)
        except TryAgainError as trouble:
            self._note(throttled=trouble.throttled)
            raise
        except UselessKeyError as error:
            self._breaker.give_up(str(error))
            raise
        self.limiter.served()
        return Posted(answer, seconds)

    async def _judged(self, status: int, headers: Mapping[str, str], text: str) -> Answer:
        if self._read_in_thread:
            return await asyncio.to_thread(
                judge_response, status, headers, text, self._key, self._read
            )
        return judge_response(status, headers, text, self._key, self._read)

    def _note(self, *, throttled: bool) -> None:
        if throttled:
            self.counts.throttled += 1
            self.limiter.refused()
        else:
            self.counts.troubled += 1

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            settings = self._settings
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else None
            self._session = aiohttp.ClientSession(
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=settings.timeout, sock_connect=CONNECT_SECONDS),
                connector=aiohttp.TCPConnector(limit=settings.concurrency),
                trust_env=not is_loopback(self._endpoint.url),
            )
        return self._session
