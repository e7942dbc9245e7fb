"""What a person sees on standard error: log lines, and progress with rate and time left."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

QUIET_LINE_SECONDS: Final = 5.0
"""Where nobody watches (a file, a CI log), progress is one line at most this often."""


def set_up_logging(*, verbose: bool = False) -> None:
    """Send the package's log to standard error; entry points call this once."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("editloop")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a progress display; `total` is None while it is unknown."""

    name: str
    done: int
    total: int | None = None
    note: str = ""


class ProgressDisplay:
    """Bars on a terminal, a line now and then elsewhere; use it as a context manager.

    Args:
        title: What is going on.
        stream: Where to write; standard error by default.
    """

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._live: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._bars: list[Bar] = []
        self._started = time.monotonic()
        self._last_line = self._started

    def __enter__(self) -> ProgressDisplay:
        if self._stream.isatty():
            self._live = _live_progress(self._stream)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
        elif self._bars:
            self._write_line()

    def update(self, bars: Iterable[Bar]) -> None:
        """Show the present state."""
        self._bars = list(bars)
        if self._live is not None:
            self._update_live(self._live)
        elif time.monotonic() - self._last_line >= QUIET_LINE_SECONDS:
            self._write_line()

    def _update_live(self, live: Progress) -> None:
        for bar in self._bars:
            if bar.name not in self._tasks:
                self._tasks[bar.name] = live.add_task(bar.name, total=bar.total, note="")
            live.update(self._tasks[bar.name], completed=bar.done, total=bar.total, note=bar.note)

    def _write_line(self) -> None:
        self._last_line = time.monotonic()
        elapsed = self._last_line - self._started
        parts = [f"{bar.name} {_share(bar)}" for bar in self._bars if bar.done or bar.note]
        print(
            f"{self._title} {elapsed:.0f} s: {', '.join(parts) or 'starting'}{_time_left(self._bars, elapsed)}",
            file=self._stream,
            flush=True,
        )


def _share(bar: Bar) -> str:
    share = f"{bar.done:,}" if bar.total is None else f"{bar.done:,}/{bar.total:,}"
    return f"{share} ({bar.note})" if bar.note else share


def _time_left(bars: list[Bar], elapsed_s: float) -> str:
    """Time left of the bar that is furthest behind."""
    open_bars = [bar for bar in bars if bar.total and 0 < bar.done < bar.total]
    if not open_bars:
        return ""
    seconds = max(elapsed_s * (bar.total or 0) / bar.done - elapsed_s for bar in open_bars)
    return f"; about {seconds:.0f} s left"


def _live_progress(stream: TextIO) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        _rate_column(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(file=stream),
    )


def _rate_column() -> ProgressColumn:
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class RateColumn(ProgressColumn):
        """Items a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.1f}/s")

    return RateColumn()
