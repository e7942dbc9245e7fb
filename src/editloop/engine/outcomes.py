"""Outcomes without objects: how they cross a pipe and lie in the journal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel

from editloop.engine.batch import as_json
from editloop.engine.stage import Dropped, Failed, Kept
from editloop.store.journal import OutcomeRow, Status


@dataclass(frozen=True, slots=True)
class SealedKept:
    """`Kept` as JSON; `texts` is None for the incoming record unchanged."""

    texts: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class SealedDropped:
    """`Dropped` with the rejected record as JSON."""

    reason: str
    detail: str
    evidence: dict[str, float]
    text: str | None


Outcome: TypeAlias = Kept[Any] | Dropped | Failed
Sealed: TypeAlias = SealedKept | SealedDropped | Failed
Ended: TypeAlias = Dropped | SealedDropped | Failed


def seal(record: BaseModel, outcome: Outcome) -> Sealed:
    """`outcome` of `record` without objects."""
    if isinstance(outcome, Kept):
        if len(outcome.records) == 1 and outcome.records[0] is record:
            return SealedKept(None)
        return SealedKept(tuple(as_json(outcome.records)))
    return seal_dropped(outcome) if isinstance(outcome, Dropped) else outcome


def seal_dropped(outcome: Dropped) -> SealedDropped:
    """`outcome` without objects."""
    text = outcome.record.model_dump_json() if outcome.record is not None else None
    return SealedDropped(outcome.reason, outcome.detail, outcome.evidence, text)


def to_wire(sealed: Sealed) -> dict[str, Any]:
    """JSON form of a sealed outcome."""
    if isinstance(sealed, SealedKept):
        return {"kept": sealed.texts}
    if isinstance(sealed, SealedDropped):
        return {
            "dropped": sealed.reason,
            "detail": sealed.detail,
            "evidence": sealed.evidence,
            "record": sealed.text,
        }
    return {"failed": sealed.error, "message": sealed.message, "retryable": sealed.retryable}


def from_wire(value: dict[str, Any]) -> Sealed:
    """A sealed outcome from its JSON form."""
    if "kept" in value:
        return SealedKept(None if value["kept"] is None else tuple(value["kept"]))
    if "dropped" in value:
        return SealedDropped(value["dropped"], value["detail"], value["evidence"], value["record"])
    return Failed(value["failed"], value["message"], value["retryable"])


def from_row(row: OutcomeRow) -> Sealed:
    """A sealed outcome from the journal."""
    if row.status == Status.KEPT:
        if not row.outputs:
            return SealedKept(None if row.outputs is None else ())
        return SealedKept(tuple(row.outputs.split("\n")))
    if row.status == Status.DROPPED:
        evidence = json.loads(row.evidence) if row.evidence else {}
        return SealedDropped(row.reason or "", row.detail or "", evidence, row.outputs)
    return Failed(row.reason or "", row.detail or "", row.status == Status.RETRYABLE)


def end_columns(
    outcome: Ended,
) -> tuple[Status, str, str | None, str | None, str | None]:
    """Status, reason, detail, evidence and rejected record of an outcome that ends a record."""
    if isinstance(outcome, Failed):
        status = Status.RETRYABLE if outcome.retryable else Status.FAILED
        return status, outcome.error, outcome.message, None, None
    sealed = seal_dropped(outcome) if isinstance(outcome, Dropped) else outcome
    evidence = json.dumps(sealed.evidence) if sealed.evidence else None
    return Status.DROPPED, sealed.reason, sealed.detail or None, evidence, sealed.text
