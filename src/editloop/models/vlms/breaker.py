"""Stops asking an endpoint that is gone."""

from __future__ import annotations

import time
from typing import Final

from editloop.core.errors import ModelCallError

FAILURES: Final = 16
"""Calls lost in a row, after all their tries, that mean the endpoint is gone."""
REST_SECONDS: Final = 30.0
"""After which one call is let through again."""


class Breaker:
    """Counts calls lost in a row; once there are too many, further calls fail at once instead of waiting each in turn."""

    def __init__(self) -> None:
        self._lost = 0
        self._open_until = 0.0
        self._last = ""
        self._hopeless = ""

    def check(self) -> None:
        """Let a call through.

        Raises:
            ModelCallError: while the endpoint counts as gone; nothing was sent.
        """
        if self._hopeless:
            raise ModelCallError(f"{self._hopeless} (nothing more was sent)")
        if self._lost >= FAILURES:
            now = time.monotonic()
            if now < self._open_until:
                raise ModelCallError(
                    f"nothing was sent: the last {self._lost} calls all failed ({self._last}); is the endpoint up? "
                    "run again when it is, kept replies cost nothing"
                )
            self._open_until = now + REST_SECONDS

    def served(self) -> None:
        """A call came through."""
        self._lost = 0

    def lost(self, reason: str) -> None:
        """A call failed for good."""
        self._lost += 1
        self._last = reason
        if self._lost == FAILURES:
            self._open_until = time.monotonic() + REST_SECONDS

    def give_up(self, reason: str) -> None:
        """No call can succeed until the user does something, for example about a wrong key."""
        self._hopeless = reason
