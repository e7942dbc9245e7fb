"""What a page is made from: plain values, so that any run, data set or list of records can fill them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """One input or triplet that was dropped, and why.

    `record` is the triplet where one was made; an input that never became one has `label` alone.
    """

    record: EditRecord | None
    label: str
    stage: str
    reason: str
    detail: str = ""
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageCounts:
    """What one stage did.

    `received` records went in; `kept` of them went on, as `produced` records; `dropped` counts the others by reason.
    `replayed` of the received came from an earlier run's journal. `seconds` is busy time summed over workers.
    """

    name: str
    lane: str = ""
    received: int = 0
    kept: int = 0
    produced: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    failed: int = 0
    replayed: int = 0
    seconds: float = 0.0

    @property
    def dropped_total(self) -> int:
        """Records dropped, all reasons together."""
        return sum(self.dropped.values())


@dataclass(frozen=True, slots=True)
class Failure:
    """One record on which a stage raised."""

    label: str
    stage: str
    error: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInput:
    """Everything a page shows; parts that are empty leave no trace on it."""

    title: str
    records: Sequence[EditRecord]
    """The accepted triplets, in the order in which to show them."""
    load: Callable[[ImageRef], bytes]
    """The encoded bytes of an image."""
    rejected: Sequence[RejectedRecord] = ()
    stages: Sequence[StageCounts] = ()
    failures: Sequence[Failure] = ()
    seconds: float | None = None
    """Wall time of the run."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Versions, seeds, configuration, hardware."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """Edit types that could not be made, with the reason."""
    notes: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    """Label -> relative address of pages that belong to this one."""
