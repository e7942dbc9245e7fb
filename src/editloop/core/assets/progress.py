"""Progress of a fetch: bytes, rate and time left, on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol, TextIO

MEGABYTE = 1_000_000


class Progress(Protocol):
    """Told now and then how far a fetch has come."""

    def __call__(self, label: str, done_bytes: int, total_bytes: int) -> None:
        """`done_bytes` of about `total_bytes` of `label` have arrived."""


class StderrProgress:
    """One line that is rewritten on a terminal; a line every `every_s` seconds elsewhere."""

    def __init__(self, stream: TextIO | None = None, every_s: float = 10.0) -> None:
        self._stream = stream or sys.stderr
        self._every_s = every_s if not self._stream.isatty() else 0.2
        self._started: dict[str, float] = {}
        self._shown = float("-inf")

    def __enter__(self) -> StderrProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._started and self._stream.isatty():
            self._stream.write("\n")

    def __call__(self, label: str, done_bytes: int, total_bytes: int) -> None:
        """Shows the line, unless one was shown a moment ago."""
        now = time.monotonic()
        started = self._started.setdefault(label, now)
        if now - self._shown < self._every_s:
            return
        self._shown = now
        rate = done_bytes / max(now - started, 0.1)
        left = f"{max(0, total_bytes - done_bytes) / rate:.0f} s left" if rate else "waiting"
        line = f"fetching {label}: {done_bytes / MEGABYTE:.0f} of {total_bytes / MEGABYTE:.0f} MB, {rate / MEGABYTE:.1f} MB/s, {left}"
        self._stream.write(f"\r{line}\x1b[K" if self._stream.isatty() else f"{line}\n")
        self._stream.flush()
