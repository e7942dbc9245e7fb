"""Many machines: the same engine on shards, each with a run folder of its own, joined by union.

A record's shard follows from its id, so neither the order of the inputs nor the machine matters. A Slurm array runs
one shard a task::

    shard = shard_from_environment() or Shard(0, 1)
    run_shard(stages, inputs, shard, run_dir=folder)

and, when all have ended, `join_shards` reads them as one result.
"""

from __future__ import annotations

import functools
import hashlib
import heapq
import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import BaseModel

from editloop.core.errors import StageError, StoreError, UsageError
from editloop.engine.counts import StageCounts
from editloop.engine.result import Rejected, RunResult
from editloop.engine.runner import run_pipeline
from editloop.engine.stage import Scope, Stage, output_id


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shards; `index` counts from 0."""

    index: int
    count: int

    def holds(self, record: BaseModel) -> bool:
        """Whether a record belongs to this shard."""
        return shard_of(output_id(record), self.count) == self.index

    def folder(self, run_dir: Path) -> Path:
        """Its run folder."""
        return run_dir / "shards" / f"{self.index:05d}-of-{self.count:05d}"


def shard_of(record_id: str, count: int) -> int:
    """The shard, of `count`, of the record with this id."""
    return int.from_bytes(hashlib.sha256(record_id.encode()).digest()[:8]) % count


def shard_from_environment(environment: Mapping[str, str] = os.environ) -> Shard | None:
    """The shard of this Slurm array task; None outside an array.

    Raises:
        UsageError: for an array whose task numbers have gaps.
    """
    if "SLURM_ARRAY_TASK_ID" not in environment:
        return None
    task, count, first, last = (
        int(environment[f"SLURM_ARRAY_TASK_{name}"]) for name in ("ID", "COUNT", "MIN", "MAX")
    )
    if last - first + 1 != count:
        raise UsageError(
            f"the array has {count} tasks numbered {first} to {last}: number them without gaps, as in --array=0-{count - 1}"
        )
    return Shard(task - first, count)


def run_shard(
    stages: Sequence[Stage[Any, Any, Any]],
    inputs: Iterable[BaseModel],
    shard: Shard,
    *,
    run_dir: Path,
    **options: Any,
) -> RunResult:
    """Run the shard's part of `inputs`; `options` are those of `run_pipeline`.

    Raises:
        StageError: for a stage that must see all records, which no shard has; and as `run_pipeline`.
    """
    check_shardable(stages)
    mine = (record for record in inputs if shard.holds(record))
    return run_pipeline(stages, mine, run_dir=shard.folder(run_dir), **options)


def check_shardable(stages: Sequence[Stage[Any, Any, Any]]) -> None:
    """Check that every stage can work on a part of the records.

    Raises:
        StageError: naming the first stage that cannot.
    """
    for stage in stages:
        if stage.scope is Scope.ALL:
            raise StageError(
                f"stage {stage.name!r} must see all records: run the stages before it in shards, "
                "and the rest with `run_pipeline` on the joined records"
            )


class JoinedResult:
    """The results of all shards as one; use it as a context manager, or `close` it.

    Attributes:
        counts: Summed over shards.
    """

    def __init__(self, parts: Sequence[RunResult]) -> None:
        self._parts = tuple(parts)
        columns = zip(*(part.counts for part in parts), strict=True)
        self.counts: tuple[StageCounts, ...] = tuple(
            functools.reduce(operator.add, column) for column in columns
        )

    def records(self) -> Iterator[BaseModel]:
        """Every accepted record of every shard, in the order of ids where the last stage keeps them."""
        return heapq.merge(*(part.records() for part in self._parts), key=output_id)

    def rejected(self) -> Iterator[Rejected]:
        """Every dropped or failed record, shard by shard."""
        for part in self._parts:
            yield from part.rejected()

    def load_bytes(self, sha256: str) -> bytes:
        """The encoded bytes of an image, from whichever shard has it.

        Raises:
            StoreError: when none has.
        """
        for part in self._parts:
            if part.has_image(sha256):
                return part.image_bytes(sha256)
        raise StoreError(f"no shard has image {sha256[:12]}")

    def close(self) -> None:
        """Close files."""
        for part in self._parts:
            part.close()

    def __enter__(self) -> JoinedResult:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def join_shards(stages: Sequence[Stage[Any, Any, Any]], run_dir: Path, count: int) -> JoinedResult:
    """Read all shards of a run as one result.

    Raises:
        StoreError: when a shard is missing or not done.
    """
    folders = [Shard(index, count).folder(run_dir) for index in range(count)]
    missing = [folder.name for folder in folders if not (folder / "manifest.json").exists()]
    if missing:
        raise StoreError(
            f"{run_dir} lacks {len(missing)} of {count} shards, the first is {missing[0]}"
        )
    return JoinedResult([RunResult.open(folder, stages) for folder in folders])
