"""How fast an endpoint is asked: as fast as the user allows, and no faster than it stands.

A bound on calls in flight; budgets of requests and tokens a minute; and, once the endpoint surely refuses more than a tenth of
the calls ("too many requests"), a pace: cut to a little less than it served, raised again faster and faster while nothing is
refused, and held while little is. A small share is left alone: gateways refuse some calls at any pace, and slowing down would
not help.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import Final

TOLERATED_SHARE: Final = 0.10
"""Share of refused calls that does not slow us down."""
DOUBT: Final = 0.9
"""Three standard deviations of that share, over the root of the number of answers: chance alone cuts no pace."""
BELOW_SERVED: Final = 0.97
"""A pace is cut to this part of what was served."""
SMALL_SHARE: Final = 0.05
"""Up to this share of refused calls the pace is still raised, slowly."""
INCREASE_PER_SECOND: Final = 0.01
"""Share of the pace gained in such a second."""
CALM_INCREASE_PER_SECOND: Final = 0.05
"""The same when none was refused for a while; as much again for every second since."""
CALM_SECONDS: Final = 0.5
"""Without a refusal for this long, the endpoint is taken to stand more."""
FIRST_SECONDS: Final = 0.25
"""How long an endpoint is watched before the first cut."""
STEP_BACK: Final = 0.9
"""Factor of the pace at the first refusal after such a time: it was raised beyond what the endpoint stands."""
REACTION_SECONDS: Final = 1.0
"""Later cuts are at least this far apart: endpoints count over a second or more."""
DEEPEST_CUT: Final = 0.5
MOST_ABOVE: Final = 1.5
"""A pace that calls do not use up is not raised beyond this many times their number a second."""
FEWEST_SERVED: Final = 8
"""Calls that were served before their number a second means anything."""
FEWEST_ANSWERS: Final = 32
"""Answers since the last cut before there is another."""
MOST_ANSWERS: Final = 400
"""Answers that are looked back upon."""
LOWEST_RATE: Final = 0.5
BURST_SECONDS: Final = 0.05
"""Calls that may go at once, as seconds of the pace."""
MINUTE_BURST_SECONDS: Final = 5.0
"""The same for budgets a minute, which providers count over longer times."""


class Pace:
    """A token bucket: `rate` units a second, `burst` seconds of them at once; waiters go first come, first served."""

    def __init__(self, rate: float, burst_seconds: float) -> None:
        self._rate = rate
        self._burst = burst_seconds
        self._level = max(1.0, rate * burst_seconds)
        self._seen = time.monotonic()

    @property
    def rate(self) -> float:
        """Units a second."""
        return self._rate

    @rate.setter
    def rate(self, value: float) -> None:
        self._refill()
        self._rate = value

    def take(self, amount: float = 1.0) -> float:
        """Take `amount`, on credit if need be; how many seconds to wait before it is paid back."""
        self._refill()
        self._level -= amount
        return max(0.0, -self._level / self._rate)

    def _refill(self) -> None:
        now = time.monotonic()
        most = max(1.0, self._rate * self._burst)
        self._level = min(most, self._level + (now - self._seen) * self._rate)
        self._seen = now


class Limiter:
    """Lets calls through: `enter` before every try and `leave` after it.

    Args:
        concurrency: Most calls in flight.
        requests_per_minute: Most tries a minute; None is no limit.
        tokens_per_minute: Most tokens a minute, in and out, as estimated before the call; None is no limit.
    """

    def __init__(
        self,
        concurrency: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._requests = _per_minute(requests_per_minute)
        self._tokens = _per_minute(tokens_per_minute)
        self._learned: Pace | None = None
        self._answers: deque[tuple[float, bool]] = deque()
        self._refusals = 0
        self._refused_at = float("-inf")
        self._cut_at = 0.0
        self._served_since = 0
        self.in_flight = 0
        self.peak = 0
        """Most calls that were in flight at once."""

    @property
    def learned_rate(self) -> float | None:
        """Calls a second that the endpoint is believed to stand; None while it has never refused."""
        return self._learned.rate if self._learned else None

    def served(self) -> None:
        """The endpoint served a call."""
        now = time.monotonic()
        since = min(now - self._answers[-1][0], CALM_SECONDS) if self._answers else 0.0
        self._count(now, refused=False)
        self._served_since += 1
        if self._learned is not None:
            self._raise(self._learned, now, since)

    def refused(self) -> None:
        """The endpoint said that it was asked too much."""
        now = time.monotonic()
        if self._learned is not None and now - self._refused_at > CALM_SECONDS:
            self._learned.rate = max(LOWEST_RATE, self._learned.rate * STEP_BACK)
        self._refused_at = now
        self._count(now, refused=True)
        answers = len(self._answers)
        pause = FIRST_SECONDS if self._learned is None else REACTION_SECONDS
        if answers < FEWEST_ANSWERS or now - self._cut_at < pause:
            return
        share = self._refusals / answers
        if share > TOLERATED_SHARE + DOUBT / math.sqrt(answers):
            self._cut(now, share)

    def _raise(self, pace: Pace, now: float, since: float) -> None:
        calm = now - self._refused_at
        if calm > CALM_SECONDS:
            gain = CALM_INCREASE_PER_SECOND * (1 + calm) * since
        elif self._refusals <= SMALL_SHARE * len(self._answers):
            gain = INCREASE_PER_SECOND * since
        else:
            return
        asked = len(self._answers) / max(now - self._answers[0][0], FIRST_SECONDS)
        pace.rate = max(pace.rate, min(pace.rate * (1 + gain), MOST_ABOVE * asked))

    def _cut(self, now: float, share: float) -> None:
        seconds = now - self._cut_at
        served = BELOW_SERVED * self._served_since / seconds
        if self._learned is None:
            asked = len(self._answers) / seconds * (1 - share / 2)
            first = served if self._served_since >= FEWEST_SERVED else asked
            self._learned = Pace(max(LOWEST_RATE, first), BURST_SECONDS)
        else:
            rate = self._learned.rate
            cut = rate * max(DEEPEST_CUT, 1 - share)
            self._learned.rate = max(LOWEST_RATE, cut, min(served, rate))
        self._cut_at, self._served_since = now, 0
        self._answers.clear()
        self._refusals = 0

    def _count(self, now: float, *, refused: bool) -> None:
        self._answers.append((now, refused))
        self._refusals += refused
        if len(self._answers) > MOST_ANSWERS:
            self._refusals -= self._answers.popleft()[1]

    async def enter(self, tokens: float) -> None:
        """Wait for a place for one try that is expected to use so many `tokens`."""
        await self._slots.acquire()
        self._cut_at = self._cut_at or time.monotonic()
        try:
            wait = max(
                self._requests.take() if self._requests else 0.0,
                self._tokens.take(tokens) if self._tokens else 0.0,
                self._learned.take() if self._learned else 0.0,
            )
            if wait:
                await asyncio.sleep(wait)
        except BaseException:
            self._slots.release()
            raise
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
        self._slots.release()


def _per_minute(limit: float | None) -> Pace | None:
    return Pace(limit / 60, MINUTE_BURST_SECONDS) if limit else None
