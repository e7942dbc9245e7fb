"""What a run hands back: its records, its rejects, its counts and its images."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import BaseModel

from editloop.core.errors import StoreError
from editloop.engine.context import StoreContext
from editloop.engine.counts import StageCounts
from editloop.engine.plan import labels
from editloop.engine.stage import Stage
from editloop.store.blobs import BlobStore
from editloop.store.journal import BlobIndex, Status
from editloop.store.ledger import LedgerReader
from editloop.store.runs import read_manifest


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that ended early: dropped for `reason`, or failed with the error class `reason`."""

    stage: str
    record_id: str
    status: Status
    reason: str
    detail: str
    evidence: dict[str, float]
    record: BaseModel | None

    @property
    def failed(self) -> bool:
        """Whether the stage raised, rather than decided."""
        return self.status is not Status.DROPPED


class RunImages:
    """The images of a run folder, read-only."""

    def __init__(self, run: Path) -> None:
        self._index = BlobIndex(run / "journal.sqlite")
        self._store = BlobStore(run / "blobs", self._index.find)

    def has(self, sha256: str) -> bool:
        """Whether there is an image with this hash."""
        return self._index.find(sha256) is not None

    def get(self, sha256: str) -> bytes:
        """The encoded bytes."""
        return self._store.get(sha256)

    def context(self) -> StoreContext:
        """Loads images by reference."""
        return StoreContext(self._store, run_seed=0)

    def close(self) -> None:
        """Close the index."""
        self._index.close()
        self._store.close()


class RunResult:
    """The outcome of `run_pipeline`; use it as a context manager, or `close` it.

    Attributes:
        counts: One entry a stage, in pipeline order.
        inputs: Records that entered.
        duplicates: Inputs that were left out because one with the same id had entered.
        seconds: Wall clock of this run.
        images: `StoreContext` that loads the run's images.
    """

    def __init__(
        self,
        run_dir: Path,
        counts: tuple[StageCounts, ...],
        outputs: tuple[type[BaseModel], ...],
        *,
        inputs: int,
        duplicates: int,
        seconds: float,
        in_memory: tuple[list[BaseModel], list[Rejected]] | None = None,
    ) -> None:
        self.run_dir = run_dir
        self.counts = counts
        self.inputs = inputs
        self.duplicates = duplicates
        self.seconds = seconds
        self._outputs = outputs
        self._in_memory = in_memory
        self._run_images = RunImages(run_dir)
        self.images = self._run_images.context()
        self._remove = weakref.finalize(self, shutil.rmtree, run_dir, ignore_errors=True)
        if in_memory is None:
            self._remove.detach()

    def records(self) -> Iterator[BaseModel]:
        """Every record that the last stage let through; with a run folder in the order of ids."""
        if self._in_memory is not None:
            yield from self._in_memory[0]
            return
        reader = LedgerReader(self.run_dir / "journal.sqlite")
        try:
            for text in reader.records():
                yield self._outputs[-1].model_validate_json(text)
        finally:
            reader.close()

    def rejected(self) -> Iterator[Rejected]:
        """Every record that was dropped or failed, with the rejected record where the stage gave one."""
        if self._in_memory is not None:
            yield from self._in_memory[1]
            return
        reader = LedgerReader(self.run_dir / "journal.sqlite")
        try:
            for row in reader.rejects():
                kind = self._outputs[row.position]
                record = kind.model_validate_json(row.record) if row.record else None
                yield Rejected(self.counts[row.position].name, *row[2:7], record)
        finally:
            reader.close()

    def has_image(self, sha256: str) -> bool:
        """Whether this run stored an image."""
        return self._run_images.has(sha256)

    def image_bytes(self, sha256: str) -> bytes:
        """The encoded bytes of an image.

        Raises:
            StoreError: when the run has none with this hash.
        """
        return self._run_images.get(sha256)

    @property
    def computed(self) -> int:
        """Stage outcomes that this run worked out, rather than found in the journal."""
        return sum(count.computed for count in self.counts)

    @classmethod
    def open(cls, run_dir: Path, stages: Sequence[Stage[Any, Any, Any]]) -> RunResult:
        """The result of a run that has ended, for reading.

        Args:
            run_dir: Its folder.
            stages: The stages that it ran, for the types of their records.

        Raises:
            StoreError: when the run is not done, or ran other stages.
        """
        manifest = read_manifest(run_dir)
        found: Any = manifest.counts
        names = [count["name"] for count in found.get("stages", [])]
        if manifest.status != "done" or names != labels(stages):
            raise StoreError(
                f"{run_dir} is {manifest.status} with stages {names}, expected done with {labels(stages)}: run it first"
            )
        return cls(
            run_dir,
            tuple(StageCounts.from_json(count) for count in found["stages"]),
            tuple(stage.output for stage in stages),
            inputs=found["inputs"],
            duplicates=found["duplicates"],
            seconds=manifest.attempts[-1].seconds,
        )

    def close(self) -> None:
        """Close files; remove the temporary folder of a run without one."""
        self._run_images.close()
        if self._in_memory is not None:
            self._remove()

    def __enter__(self) -> RunResult:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
