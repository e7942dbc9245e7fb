"""Progress of a pipeline on stderr, with the time left."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from editloop.core.log import Bar, ProgressDisplay

if TYPE_CHECKING:
    from editloop.engine.counts import RunProgress, StageCounts


def say(message: str) -> None:
    """One line for people, on stderr."""
    print(message, file=sys.stderr, flush=True)


class PipelineProgress:
    """Feeds a display from the scheduler's counts.

    One photograph becomes a dozen edits, so no count tells how much is left. The stages' usual shares of the time do.

    Args:
        display: Where to show it.
        time_shares: Stage name -> its usual share of the whole time.
    """

    def __init__(self, display: ProgressDisplay, time_shares: Mapping[str, float]) -> None:
        self._display = display
        self._shares = time_shares

    def __call__(self, progress: RunProgress) -> None:
        """Called by the scheduler a few times a second."""
        stages = [Bar(c.name, c.taken, None, f"-> {c.out}") for c in progress.stages if c.taken]
        whole = Bar("whole run, per mille", round(1000 * self._done(progress)), 1000)
        self._display.update([*stages, whole])

    def _done(self, progress: RunProgress) -> float:
        """Share of the whole work that is done, in [0, 1]."""
        done, upstream, expected = 0.0, 1.0, progress.total
        for count in progress.stages:
            upstream = _part(count, expected) * upstream
            done += self._shares.get(count.name, 0.0) * upstream
            expected = count.out
        return min(1.0, done)


def _part(count: StageCounts, expected: int | None) -> float:
    return min(1.0, count.taken / expected) if expected else 0.0
