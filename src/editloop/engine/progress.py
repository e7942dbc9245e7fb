"""A pipeline's progress on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from editloop.core.log import Bar, ProgressDisplay
from editloop.engine.counts import ProgressCallback, RunProgress, StageCounts


@contextmanager
def show_progress(title: str) -> Iterator[ProgressCallback]:
    """A callback for `run_pipeline` that draws one bar a stage.

    Example:
        with show_progress("mine") as progress:
            result = run_pipeline(stages, photos, run_dir=folder, progress=progress)
    """
    with ProgressDisplay(title) as display:

        def update(state: RunProgress) -> None:
            display.update(_bars(state))

        yield update


def _bars(state: RunProgress) -> Iterator[Bar]:
    """A stage's total is what the stage before it has let through so far."""
    total = state.total
    for stage in state.stages:
        yield Bar(stage.name, stage.taken, total, _note(stage))
        total = max(stage.out, 1)


def _note(stage: StageCounts) -> str:
    facts = {
        "dropped": stage.dropped.total(),
        "failed": stage.failed,
        "from before": stage.replayed,
    }
    return ", ".join(f"{count:,} {name}" for name, count in facts.items() if count)
