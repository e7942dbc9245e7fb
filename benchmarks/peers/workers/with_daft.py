"""Daft on its native runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import daft
from daft import DataType, Series, col

from peers.workers import rows as work
from peers.workers.protocol import Clock, serve

_BATCH = 64
"""Rows at a time, so that both cores have some."""


@daft.func.batch(return_dtype=DataType.string())
def tidy_batch(texts: Series) -> list[str]:
    return [work.tidy_text(text) for text in texts.to_pylist()]


@daft.func.batch(return_dtype=DataType.int64())
def count_batch(texts: Series) -> list[int]:
    return [work.count_words(text) for text in texts.to_pylist()]


@daft.func.batch(return_dtype=DataType.int64())
def rate_batch(texts: Series, words: Series) -> list[int]:
    return [
        work.rate_text(text, number)
        for text, number in zip(texts.to_pylist(), words.to_pylist(), strict=True)
    ]


@daft.func
def tidy_row(text: str) -> str:
    return work.tidy_text(text)


@daft.func
def count_row(text: str) -> int:
    return work.count_words(text)


@daft.func
def rate_row(text: str, words: int) -> int:
    return work.rate_text(text, words)


def _three_stages(count: int, tidy: Any, words: Any, rate: Any) -> dict[str, Any]:
    columns = work.make_columns(count)
    clock = Clock()
    frame = daft.from_pydict(columns)
    frame = frame.with_column("text", tidy(col("text")))
    frame = frame.with_column("words", words(col("text")))
    frame = frame.with_column("score", rate(col("text"), col("words"))).collect()
    seconds = clock.seconds()
    work.check(sum(frame.to_pydict()["score"]), count)
    return {"records": count, "seconds": seconds, "version": daft.__version__}


def rows(count: int, *, batch: bool) -> dict[str, Any]:
    """The three stages as batch functions or row functions."""
    if batch:
        return _three_stages(count, tidy_batch, count_batch, rate_batch)
    return _three_stages(count, tidy_row, count_row, rate_row)


@daft.func(return_dtype=DataType.struct({"hash": DataType.int64(), "jpeg": DataType.binary()}))
def shrink(path: str, kernel: str) -> dict[str, Any]:
    from peers.workers import kernels

    return kernels.KERNELS[kernel](kernels.read(path))._asdict()


def images(folder: str, kernel: str, scratch: str) -> dict[str, Any]:
    """The kernels in a row function; the result goes to Parquet."""
    from peers.workers import kernels

    names = kernels.paths(folder)
    clock = Clock()
    frame = daft.from_pydict({"path": names}).into_batches(_BATCH)
    frame = frame.with_column("small", shrink(col("path"), daft.lit(kernel)))
    frame = frame.select("path", col("small")["hash"].alias("hash"), col("small")["jpeg"])
    return _to_parquet(frame, len(names), clock, scratch)


def native_images(folder: str, scratch: str) -> dict[str, Any]:
    """Daft's own decode, resize, hash and encode."""
    from peers.workers import kernels

    names = kernels.paths(folder)
    clock = Clock()
    frame = daft.from_pydict({"path": names}).into_batches(_BATCH)
    frame = frame.with_column("image", col("path").download().decode_image())
    frame = frame.with_column("small", col("image").resize(kernels.SIDE, kernels.SIDE))
    frame = frame.select(
        "path",
        col("small").image_hash(method="phash").alias("hash"),
        col("small").encode_image("jpeg").alias("jpeg"),
    )
    return _to_parquet(frame, len(names), clock, scratch)


def _to_parquet(frame: Any, expected: int, clock: Clock, scratch: str) -> dict[str, Any]:
    from peers.workers import kernels

    frame.write_parquet(str(Path(scratch, "out")))
    seconds = clock.seconds()
    kernels.check(daft.read_parquet(str(Path(scratch, "out/*.parquet"))).count_rows(), expected)
    return {"records": expected, "seconds": seconds, "version": daft.__version__}


def first(count: int) -> dict[str, Any]:
    """A few rows through the three batch functions, from a cold start."""
    return _three_stages(count, tidy_batch, count_batch, rate_batch)


@daft.func(on_error="ignore")
def swallow(number: int) -> int:
    return work.swallow(number)


def poison(count: int) -> dict[str, Any]:
    """Rows of which every hundredth raises, with errors ignored."""
    frame = daft.from_pydict({"number": list(range(count))})
    made = frame.with_column("out", swallow(col("number"))).to_pydict()["out"]
    return {"good": sum(value is not None for value in made), "explained": 0}


if __name__ == "__main__":
    serve(rows=rows, images=images, native_images=native_images, first=first, poison=poison)
