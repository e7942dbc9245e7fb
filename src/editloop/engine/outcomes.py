"""What travels between stages: records that are turned into JSON, or read from it, only when someone asks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ValidationError

from editloop.core.errors import StageError
from editloop.engine.stage import Dropped, Failed, Kept, output_id
from editloop.store.journal import OutcomeRow, Status

_DIGEST_BYTES: Final = 16


class Item:
    """A record on its way: as an object, as JSON, or both."""

    __slots__ = ("_digest", "_record", "_text")

    def __init__(self, record: BaseModel | None = None, text: str | None = None) -> None:
        self._record = record
        self._text = text
        self._digest: bytes | None = None

    def record(self, kind: type[BaseModel]) -> BaseModel:
        """The record as an object.

        Raises:
            StageError: when kept JSON does not fit the type, so its stage changed without a new version.
        """
        if self._record is None:
            try:
                self._record = kind.model_validate_json(self._text or "")
            except ValidationError as error:
                raise StageError(
                    f"a kept {kind.__name__} cannot be read back: {error}; give the stage that made it a new version "
                    "(numbers must be finite)"
                ) from error
        return self._record

    def is_record(self, record: BaseModel) -> bool:
        """Whether `record` is this very object."""
        return record is self._record

    def text(self) -> str:
        """The record as one line of JSON."""
        if self._text is None:
            if self._record is None:
                raise StageError("an empty item: the runner made it from nothing")
            self._text = self._record.model_dump_json()
        return self._text

    def digest(self) -> bytes:
        """Content address: the first 16 bytes of the SHA-256 of the JSON."""
        if self._digest is None:
            self._digest = hashlib.sha256(self.text().encode()).digest()[:_DIGEST_BYTES]
        return self._digest

    def id(self) -> str:
        """The record's id."""
        if self._record is not None:
            return output_id(self._record)
        return str(json.loads(self._text or "{}")["id"])


@dataclass(frozen=True, slots=True)
class SealedKept:
    """`Kept` as JSON, from a worker or the journal; `texts` is None for the incoming record unchanged."""

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


def seal(record: BaseModel, outcome: Outcome) -> Sealed:
    """`outcome` of `record` without objects."""
    if isinstance(outcome, Kept):
        if len(outcome.records) == 1 and outcome.records[0] is record:
            return SealedKept(None)
        return SealedKept(tuple(made.model_dump_json() for made in outcome.records))
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
            "dropped": sealed.reason, "detail": sealed.detail, "evidence": sealed.evidence, "record": sealed.text,
        }  # fmt: skip
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
        return SealedKept(
            None if row.outputs is None else tuple(row.outputs.split("\n")) if row.outputs else ()
        )
    if row.status == Status.DROPPED:
        evidence = json.loads(row.evidence) if row.evidence else {}
        return SealedDropped(row.reason or "", row.detail or "", evidence, row.outputs)
    return Failed(row.reason or "", row.detail or "", row.status == Status.RETRYABLE)


def failure_row(
    head: tuple[int, bytes, int, str, float], outcome: SealedDropped | Failed
) -> OutcomeRow:
    """The journal row of a record that ends here; `head` is (stage, content, generation, record id, seconds)."""
    stage, content, generation, record_id, seconds = head
    if isinstance(outcome, Failed):
        status = Status.RETRYABLE if outcome.retryable else Status.FAILED
        return OutcomeRow(
            stage, content, generation, status, record_id, seconds, outcome.error, outcome.message
        )
    evidence = json.dumps(outcome.evidence) if outcome.evidence else None
    return OutcomeRow(
        stage, content, generation, Status.DROPPED, record_id, seconds,
        outcome.reason, outcome.detail or None, evidence, outcome.text,
    )  # fmt: skip
