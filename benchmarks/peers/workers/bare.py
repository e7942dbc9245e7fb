"""No engine: loops and a pool of two processes."""

from __future__ import annotations

import multiprocessing
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

from peers.workers.protocol import Clock, serve


def rows(count: int) -> dict[str, Any]:
    """The stages on dictionaries, in a loop."""
    from peers.workers import rows as work

    made = work.make_rows(count)
    clock = Clock()
    done = [work.rate(work.count(work.tidy(row))) for row in made]
    seconds = clock.seconds()
    work.check(sum(row["score"] for row in done), count)
    return {"records": count, "seconds": seconds}


def records(count: int) -> dict[str, Any]:
    """The stages on typed, frozen records, in a loop."""
    from engine_overhead import bare, make_rows

    made = make_rows(count)
    clock = Clock()
    done = bare(made)
    return {"records": done, "seconds": clock.seconds()}


def _shrink_file(path: str, kernel: str, out: str) -> int:
    from peers.workers import kernels

    made = kernels.KERNELS[kernel](kernels.read(path))
    with Path(out, str(os.getpid())).open("ab") as file:
        file.write(made.jpeg)
    return made.hash


def images(folder: str, kernel: str, workers: int, scratch: str) -> dict[str, Any]:
    """The kernels in a pool of processes; each process appends to one file, the hashes come back."""
    from peers.workers import kernels

    names = kernels.paths(folder)
    out = Path(scratch, "out")
    out.mkdir()
    clock = Clock()
    shrink = partial(_shrink_file, kernel=kernel, out=str(out))
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        hashes = pool.map(shrink, names, chunksize=16)
    seconds = clock.seconds()
    kernels.check(len(hashes), len(names))
    return {"records": len(names), "seconds": seconds}


def one_core(folder: str, kernel: str) -> dict[str, Any]:
    """CPU seconds of each kernel alone, without reading or writing files."""
    from peers.workers import kernels

    pictures = [kernels.read(path) for path in kernels.paths(folder)]
    started = time.process_time()
    for data in pictures:
        kernels.KERNELS[kernel](data)
    return {"records": len(pictures), "seconds": time.process_time() - started}


if __name__ == "__main__":
    serve(rows=rows, records=records, images=images, one_core=one_core)
