"""The stage contract: typed functions on records, with an explicit version and a lane.

A stage returns one outcome per record it was given: `Kept` (with 0, 1 or N outgoing records) or `Dropped` with a named
reason. An exception concerns one record only: the runner retries the batch record by record and turns what still
raises into `Failed`. Records carry references, never pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from editloop.core.errors import StageError
from editloop.records.image_ref import ImageRef

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out", bound=BaseModel)


class Lane(StrEnum):
    """Where a stage runs."""

    INLINE = "inline"
    """Cheap Python, in the scheduler's thread."""
    THREAD = "thread"
    """Native code that releases the GIL."""
    PROCESS = "process"
    """CPU models and native code with global state: one copy of the stage per worker process."""
    REMOTE = "remote"
    """An awaitable call to a service: refilled continuously, never in batches with a barrier."""


class Scope(StrEnum):
    """How much a stage must see before it can answer."""

    RECORD = "record"
    ALL = "all"
    """A reduction: gets every record of the run at once, sorted by id (near-duplicates, balancing, pairing)."""


@dataclass(frozen=True, slots=True, init=False)
class Kept(Generic[Out]):
    """The record goes on, as these records (an empty tuple ends it without a complaint)."""

    records: tuple[Out, ...]

    def __init__(self, records: tuple[Out, ...]) -> None:
        _set_records(self, records)


_set_records: Callable[[Kept[Any], tuple[Any, ...]], None] = Kept.__dict__["records"].__set__
"""Half the cost of a frozen dataclass's own `__init__`, which counts: there is one `Kept` per record and stage."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The record ends here, for a named reason; `evidence` keeps the numbers behind the decision."""

    reason: str
    detail: str = ""
    evidence: dict[str, float] = field(default_factory=dict)
    record: BaseModel | None = None
    """The rejected outgoing record where one was made (a scored triplet): rejects are preference data."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The stage raised on this record."""

    error: str
    message: str
    retryable: bool = False


class StageContext(Protocol):
    """What the runner hands a stage."""

    @property
    def run_seed(self) -> int:
        """The run's seed; derive with `core.seeds`."""

    def load(self, ref: ImageRef) -> NDArray[np.uint8]:
        """Pixels: RGB (h, w, 3), EXIF orientation applied. Masks: `load_mask`."""

    def load_mask(self, ref: ImageRef) -> NDArray[np.uint8]:
        """An 8-bit single-channel image (h, w)."""

    def load_bytes(self, ref: ImageRef) -> bytes:
        """The encoded bytes as stored."""

    def save(self, pixels: NDArray[np.uint8], *, quality: int = 95) -> ImageRef:
        """Store an RGB image as JPEG (`quality`, 4:4:4)."""

    def save_mask(self, pixels: NDArray[np.uint8]) -> ImageRef:
        """Store an 8-bit single-channel image as PNG."""

    def save_bytes(self, data: bytes, width: int, height: int, media_type: str) -> ImageRef:
        """Store bytes that are already encoded, unchanged."""


class StageConfig(BaseModel):
    """Base of stage parameters: everything here is part of the stage key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Config = TypeVar("Config", bound=StageConfig)


class Stage(ABC, Generic[In, Out, Config]):
    """Base of all stages.

    Class attributes say what the runner needs before anything runs. A subclass is made from its config alone, so a
    worker process can make its own copy; models are loaded in `open`, lazily, once per worker.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    lane: ClassVar[Lane] = Lane.INLINE
    scope: ClassVar[Scope] = Scope.RECORD
    batch_size: ClassVar[int] = 64
    input: ClassVar[type[BaseModel]]
    output: ClassVar[type[BaseModel]]
    reasons: tuple[str, ...] = ()
    """Every drop reason the stage may give; another one is a `StageError`."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def model_versions(self) -> dict[str, str]:
        """Name -> version of every model whose change must redo this stage (part of the stage key)."""
        return {}

    def open(self, context: StageContext) -> None:
        """Called once per worker before the first batch."""
        self.context = context

    @abstractmethod
    def run(self, records: Sequence[In]) -> Sequence[Kept[Out] | Dropped]:
        """One outcome per record, in order."""

    def close(self) -> None:
        """Called once per worker after the last batch."""


class RemoteStage(Stage[In, Out, Config]):
    """Base of stages that wait for a service, one record at a time, `concurrency` of them in flight."""

    lane: ClassVar[Lane] = Lane.REMOTE
    concurrency: ClassVar[int] = 32

    @abstractmethod
    async def call(self, record: In) -> Kept[Out] | Dropped:
        """The outcome of one record."""

    def run(self, records: Sequence[In]) -> Sequence[Kept[Out] | Dropped]:
        """Not for remote stages: the runner awaits `call`.

        Raises:
            StageError: always.
        """
        raise StageError(
            f"stage {self.name!r} is remote: await `call` instead of {len(records)} records at once"
        )


def output_id(record: BaseModel) -> str:
    """The id that every record flowing through a stage carries."""
    value: Any = getattr(record, "id", None)
    if not isinstance(value, str) or not value:
        raise TypeError(
            f"{type(record).__name__} has no string id; records in a pipeline are identified by content"
        )
    return value
