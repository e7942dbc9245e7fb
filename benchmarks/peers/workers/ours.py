"""The engine of this project."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from peers.workers.protocol import Clock, serve


def rows(count: int, scratch: str, *, journal: bool) -> dict[str, Any]:
    """The three stages on typed records, with a row of the journal for each record and stage or without."""
    from engine_overhead import engine, make_rows

    made = make_rows(count)
    clock = Clock()
    done = engine(made, Path(scratch, "run") if journal else None)
    return {"records": done, "seconds": clock.seconds()}


def images(folder: str, kernel: str, lane: str, scratch: str) -> dict[str, Any]:
    """The kernels in threads or processes; small pictures go to packs, outcomes to the journal."""
    from editloop.engine import Stage, StageConfig, run_pipeline
    from peers.workers import kernels, our_stages

    clock = Clock()
    stages: list[Stage[Any, Any, Any]] = [
        our_stages.LANES[lane](our_stages.ShrinkConfig(kernel=kernel)),
        our_stages.Inspect(StageConfig()),
    ]
    inputs = our_stages.pictures(folder)
    with run_pipeline(stages, inputs, run_dir=Path(scratch, "run")) as result:
        seconds = clock.seconds()
        kernels.check(result.counts[-1].out, result.inputs)
        return {"records": result.inputs, "seconds": seconds}


def first(count: int, scratch: str) -> dict[str, Any]:
    """A few rows, journal on, from a cold start."""
    from engine_overhead import engine, make_rows

    return {"records": engine(make_rows(count), Path(scratch, "run"))}


def calls(count: int, scratch: str) -> dict[str, Any]:
    """Rows with a slow call each, in a run folder that an earlier run may have begun."""
    from editloop.engine import StageConfig, run_pipeline
    from peers.workers import our_stages

    stages = [our_stages.Call(StageConfig())]
    with run_pipeline(stages, our_stages.items(count), run_dir=Path(scratch, "run")) as result:
        records = list(result.records())
    lines = [record.model_dump_json() for record in records]
    return {
        "numbers": [record.number for record in records if isinstance(record, our_stages.Item)],
        "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }


def poison(count: int, scratch: str) -> dict[str, Any]:
    """Rows of which every hundredth raises."""
    from editloop.engine import StageConfig, run_pipeline
    from peers.workers import our_stages

    stages = [our_stages.Swallow(StageConfig())]
    with run_pipeline(stages, our_stages.items(count), run_dir=Path(scratch, "run")) as result:
        good = sum(1 for _ in result.records())
        reasons = [rejected for rejected in result.rejected() if rejected.detail]
    return {"good": good, "explained": len(reasons), "example": reasons[0].detail}


def sketches(count: int, scratch: str, *, whole: bool) -> dict[str, Any]:
    """Five stages with small pictures over all local lanes."""
    from editloop.engine import run_pipeline
    from peers.workers import our_stages

    clock = Clock()
    stages = our_stages.sketching(whole=whole)
    with run_pipeline(stages, our_stages.items(count), run_dir=Path(scratch, "run")) as result:
        stored = sum(
            file.stat().st_size for file in Path(scratch, "run").rglob("*") if file.is_file()
        )
        return {"records": result.inputs, "seconds": clock.seconds(), "stored_bytes": stored}


if __name__ == "__main__":
    serve(rows=rows, images=images, first=first, calls=calls, poison=poison, sketches=sketches)
