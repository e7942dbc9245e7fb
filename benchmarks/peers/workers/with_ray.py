"""Ray Data on one machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import ray
import ray.data

from peers.workers import rows as work
from peers.workers.protocol import Clock, serve


def _start() -> None:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False


def _map_columns(batch: dict[str, Any], name: str, values: list[Any]) -> dict[str, Any]:
    return {**batch, name: np.array(values)}


def tidy_batch(batch: dict[str, Any]) -> dict[str, Any]:
    """`tidy` on columns."""
    return _map_columns(batch, "text", [work.tidy_text(text) for text in batch["text"]])


def count_batch(batch: dict[str, Any]) -> dict[str, Any]:
    """`count` on columns."""
    return _map_columns(batch, "words", [work.count_words(text) for text in batch["text"]])


def rate_batch(batch: dict[str, Any]) -> dict[str, Any]:
    """`rate` on columns."""
    pairs = zip(batch["text"], batch["words"].tolist(), strict=True)
    return _map_columns(batch, "score", [work.rate_text(*pair) for pair in pairs])


def _three_stages(count: int, *, batch: bool) -> dict[str, Any]:
    import pyarrow as pa

    columns = pa.table(work.make_columns(count))
    _start()
    clock = Clock()
    data = ray.data.from_arrow(columns)
    if batch:
        for stage in (tidy_batch, count_batch, rate_batch):
            data = data.map_batches(stage)
    else:
        for row_stage in (work.tidy, work.count, work.rate):
            data = data.map(row_stage)
    total = sum(sum(table["score"].tolist()) for table in data.iter_batches())
    seconds = clock.seconds()
    work.check(total, count)
    return {"records": count, "seconds": seconds, "version": ray.__version__}


def rows(count: int, *, batch: bool) -> dict[str, Any]:
    """The three stages as maps of batches or of rows."""
    return _three_stages(count, batch=batch)


def first(count: int) -> dict[str, Any]:
    """A few rows from a cold start."""
    return _three_stages(count, batch=True)


def shrink(row: dict[str, Any], kernel: str) -> dict[str, Any]:
    """The kernels on one row."""
    from peers.workers import kernels

    made = kernels.KERNELS[kernel](kernels.read(row["path"]))
    return {"path": row["path"], "hash": made.hash, "jpeg": made.jpeg}


def decode(row: dict[str, Any]) -> dict[str, Any]:
    """Small pixels of one row."""
    from peers.workers import kernels

    pixels = kernels.resize(kernels.decode(kernels.read(row["path"])))
    return {"path": row["path"], "pixels": pixels}


class Hash:
    """A stage with state, as a model on a GPU needs it."""

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with its hash."""
        from peers.workers import kernels

        return {**row, "hash": kernels.perceptual_hash(row["pixels"])}


def encode(row: dict[str, Any]) -> dict[str, Any]:
    """The encoded picture of one row."""
    from peers.workers import kernels

    return {"path": row["path"], "hash": row["hash"], "jpeg": kernels.encode(row["pixels"])}


def images(folder: str, kernel: str, scratch: str, *, actor: bool) -> dict[str, Any]:
    """The kernels in one map, or with an actor in the middle; the result goes to Parquet."""
    from peers.workers import kernels

    names = kernels.paths(folder)
    _start()
    clock = Clock()
    data = ray.data.from_items([{"path": name} for name in names])
    if actor:
        data = data.map(decode).map(Hash, concurrency=1).map(encode)
    else:
        data = data.map(shrink, fn_kwargs={"kernel": kernel})
    out = str(Path(scratch, "out"))
    data.write_parquet(out)
    seconds = clock.seconds()
    kernels.check(ray.data.read_parquet(out).count(), len(names))
    return {"records": len(names), "seconds": seconds, "version": ray.__version__}


def call(row: dict[str, Any]) -> dict[str, Any]:
    """A slow call that leaves a line in the log."""
    work.slow_call(int(row["number"]))
    return row


def calls(count: int, scratch: str) -> dict[str, Any]:
    """Rows with a slow call each, with Ray Data's checkpoints."""
    from ray.data.checkpoint import CheckpointConfig

    source, out = Path(scratch, "in"), Path(scratch, "out")
    if not source.exists():
        _write_parts(source, count)
    _start()
    context = ray.data.DataContext.get_current()
    context.checkpoint_config = CheckpointConfig(
        id_column="id", checkpoint_path=str(Path(scratch, "checkpoint"))
    )
    data = ray.data.read_parquet(str(source))
    data.map(call).write_parquet(str(out))
    context.checkpoint_config = None
    rows_out = ray.data.read_parquet(str(out)).take_all()
    return {"numbers": [int(row["number"]) for row in rows_out], "digest": ""}


def _write_parts(folder: Path, count: int, files: int = 8) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    for part in range(files):
        numbers = list(range(part, count, files))
        table = pa.table({"id": [work.identity(number) for number in numbers], "number": numbers})
        pq.write_table(table, folder / f"{part}.parquet")


def swallow(row: dict[str, Any]) -> dict[str, Any]:
    """Raises on a poisoned row."""
    work.swallow(row["number"])
    return row


def poison(count: int, *, tolerate: bool) -> dict[str, Any]:
    """Rows of which every hundredth raises, in ten blocks; `tolerate` any number of failed blocks."""
    _start()
    if tolerate:
        ray.data.DataContext.get_current().max_errored_blocks = -1
    data = ray.data.from_items(
        [{"number": number} for number in range(count)], override_num_blocks=10
    )
    try:
        good = len(data.map(swallow).take_all())
    except (ray.exceptions.RayError, ValueError) as error:
        print(error, file=sys.stderr)
        return {"good": 0, "explained": 0, "aborted": True}
    return {"good": good, "explained": 0}


if __name__ == "__main__":
    serve(rows=rows, first=first, images=images, calls=calls, poison=poison)
