"""Hugging Face datasets."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset

from peers.workers import rows as work
from peers.workers.protocol import Clock, serve


def _three_stages(count: int, scratch: str) -> dict[str, Any]:
    columns = work.make_columns(count)
    clock = Clock()
    data = Dataset.from_dict(columns)
    for place, stage in enumerate((work.tidy, work.count, work.rate)):
        data = data.map(stage, cache_file_name=str(Path(scratch, f"stage-{place}.arrow")))
    seconds = clock.seconds()
    work.check(sum(data["score"]), count)
    return {"records": count, "seconds": seconds, "version": datasets.__version__}


def rows(count: int, scratch: str) -> dict[str, Any]:
    """The three stages as maps, row by row, each cached on disk as is the default."""
    return _three_stages(count, scratch)


def first(count: int, scratch: str) -> dict[str, Any]:
    """A few rows from a cold start."""
    return _three_stages(count, scratch)


def shrink(row: dict[str, Any], kernel: str) -> dict[str, Any]:
    """The kernels on one row."""
    from peers.workers import kernels

    return kernels.KERNELS[kernel](kernels.read(row["path"]))._asdict()


def images(folder: str, kernel: str, workers: int, scratch: str) -> dict[str, Any]:
    """The kernels in a map with several processes; the result goes to Parquet."""
    from peers.workers import kernels

    names = kernels.paths(folder)
    clock = Clock()
    data = Dataset.from_dict({"path": names})
    cache = str(Path(scratch, "small.arrow"))
    data = data.map(partial(shrink, kernel=kernel), num_proc=workers, cache_file_name=cache)
    data.to_parquet(str(Path(scratch, "out.parquet")))
    seconds = clock.seconds()
    kernels.check(len(data), len(names))
    return {"records": len(names), "seconds": seconds, "version": datasets.__version__}


def call(row: dict[str, Any]) -> dict[str, Any]:
    """A slow call that leaves a line in the log."""
    work.slow_call(row["number"])
    return row


def calls(count: int, scratch: str) -> dict[str, Any]:
    """Rows with a slow call each, two processes, on a cache that an earlier run may have begun."""
    data = Dataset.from_dict({"number": list(range(count))})
    cache = str(Path(scratch, "calls.arrow"))
    data = data.map(call, num_proc=2, cache_file_name=cache)
    return {"numbers": [int(number) for number in data["number"]], "digest": ""}


def swallow(row: dict[str, Any]) -> dict[str, Any]:
    """Raises on a poisoned row."""
    work.swallow(row["number"])
    return row


def poison(count: int) -> dict[str, Any]:
    """Rows of which every hundredth raises: there is no setting for that."""
    try:
        data = Dataset.from_dict({"number": list(range(count))}).map(swallow)
    except ValueError as error:
        print(error, file=sys.stderr)
        return {"good": 0, "explained": 0, "aborted": True}
    return {"good": len(data), "explained": 0}


if __name__ == "__main__":
    serve(rows=rows, first=first, images=images, calls=calls, poison=poison)
