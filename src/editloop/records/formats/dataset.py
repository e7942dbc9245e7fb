"""What every reader returns and every layout provides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeAlias

from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord

Load: TypeAlias = Callable[[ImageRef], bytes]
"""Gives the encoded bytes of an image."""


@dataclass(frozen=True, slots=True)
class Skip:
    """One sample of a foreign data set that could not be read, and why (`reason` is machine-readable)."""

    key: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Records with a way to their images.

    `records` may be iterated again and again and never holds more than a few at once. `load` is quick for the images
    of a record that was just read; for any other it scans the layout's keys once, without pixels. `skipped` holds what
    the latest iteration had to leave out: always empty for editloop's own layouts, which raise instead.
    """

    layout: str
    records: Iterable[EditRecord]
    load: Load
    skipped: list[Skip] = field(default_factory=list)

    def __iter__(self) -> Iterator[EditRecord]:
        return iter(self.records)


class Layout(ABC):
    """One way to lay a data set out on disk."""

    name: ClassVar[str]
    lossless: ClassVar[bool]
    """Whether reading back gives equal records; the layouts of other projects keep only what their fields hold."""

    def holds(self, record: EditRecord) -> bool:
        """Whether the layout has a place for `record`; others are left out and counted."""
        del record
        return True

    def order(self, record: EditRecord) -> str:
        """The sort key that `write` wants its records in; equal keys are ordered by id."""
        return record.id

    @abstractmethod
    def write(self, records: Iterable[EditRecord], load: Load, folder: Path) -> None:
        """Write `records`, which come sorted by `order`, into the empty `folder`."""

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether `path` looks like this layout; must be quick and must not raise on strange files."""

    @abstractmethod
    def read(self, path: Path) -> Dataset:
        """Open the data set at `path` without reading it."""

    def index_files(self, folder: Path) -> list[Path]:
        """The files whose checksums the manifest lists; images stored as single files are vouched for by their records."""
        return sorted(path for path in folder.rglob("*") if path.is_file())


def images_of(record: EditRecord) -> Iterator[tuple[str, ImageRef]]:
    """The images of a record with the part each plays: `source`, `target`, `mask`, `reference_0` and so on."""
    yield "source", record.source
    if record.target:
        yield "target", record.target
    if record.mask:
        yield "mask", record.mask
    for number, reference in enumerate(record.references):
        yield f"reference_{number}", reference
