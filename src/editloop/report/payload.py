"""The records as the page's script reads them: plain JSON with file names in place of image references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from editloop.core.ids import canonical_json
from editloop.records.provenance import Step
from editloop.records.record import EditRecord, Subject
from editloop.records.verdict import Verdict
from editloop.report.data import RejectedRecord, ReportInput
from editloop.report.pictures import PictureFolder

Json: TypeAlias = dict[str, Any]


def page_payload(data: ReportInput, pictures: PictureFolder) -> Json:
    """Everything the script needs, pictures written on the way.

    Returns:
        ``entries`` (one a card, accepted first) and ``steps``, the table that the entries' provenance points into:
        most records share most steps.
    """
    builder = _Builder(pictures)
    for record in data.records:
        builder.add_accepted(record)
    for rejected in data.rejected:
        builder.add_rejected(rejected)
    return {"entries": builder.entries, "steps": builder.steps}


class _Builder:
    def __init__(self, pictures: PictureFolder) -> None:
        self.pictures = pictures
        self.entries: list[Json] = []
        self.steps: list[Json] = []
        self._step_index: dict[bytes, int] = {}
        self._keys: set[str] = set()

    def add_accepted(self, record: EditRecord) -> None:
        self._add(record.id, self._record(record) | {"outcome": "accepted"})

    def add_rejected(self, rejected: RejectedRecord) -> None:
        record = rejected.record
        entry = self._record(record) if record else {"type": "", "instruction": ""}
        entry |= {
            "outcome": "rejected",
            "label": rejected.label,
            "stage": rejected.stage,
            "reason": rejected.reason,
            "detail": rejected.detail,
            "evidence": _numbers(rejected.evidence),
        }
        self._add(record.id if record else f"input-{len(self.entries)}", entry)

    def _add(self, key: str, entry: Json) -> None:
        unique, copy = key, 1
        while unique in self._keys:
            copy += 1
            unique = f"{key}-{copy}"
        self._keys.add(unique)
        self.entries.append(
            {"key": unique} | {k: v for k, v in entry.items() if v not in (None, [], {})}
        )

    def _record(self, record: EditRecord) -> Json:
        turn = record.turn
        references = [self.pictures.photograph(ref) for ref in record.references]
        return {
            "id": record.id,
            "type": str(record.kind),
            "action": str(record.edit_type),
            "instruction": record.instruction,
            "phrasings": [[p.style, p.text] for p in record.phrasings],
            "source": self.pictures.photograph(record.source),
            "target": self.pictures.photograph(record.target) if record.target else None,
            "mask": self.pictures.mask(record.mask) if record.mask else None,
            "size": [record.source.width, record.source.height],
            "references": [name for name in references if name],
            "subjects": [_subject(subject) for subject in record.subjects],
            "turn": turn.model_dump(mode="json") if turn else None,
            "operation": str(record.operation),
            "parents": list(record.parents),
            "verdicts": [_verdict(verdict) for verdict in record.verdicts],
            "origin": {k: v for k, v in record.provenance.origin.model_dump().items() if v},
            "recipe": f"{record.provenance.recipe} {record.provenance.recipe_version}",
            "seed": record.provenance.run_seed,
            "history": [[self._step(step), _seed_text(step)] for step in record.provenance.steps],
        }

    def _step(self, step: Step) -> int:
        entry = step.model_dump(mode="json", exclude={"seed"}, exclude_defaults=True)
        index = self._step_index.setdefault(canonical_json(entry), len(self.steps))
        if index == len(self.steps):
            self.steps.append(entry)
        return index


def _seed_text(step: Step) -> str | None:
    """The seed as text: scripts read whole numbers exactly up to 53 bits only."""
    return None if step.seed is None else str(step.seed)


def _subject(subject: Subject) -> Json:
    numbers = {"score": subject.score, "similarity": subject.similarity, "area": subject.area_frac}
    return {"label": subject.label} | _numbers({k: v for k, v in numbers.items() if v is not None})


def _verdict(verdict: Verdict) -> Json:
    entry = verdict.model_dump(mode="json", exclude_defaults=True, exclude={"raw_reply"})
    return entry | {
        "outcome": str(verdict.outcome),
        "axes": _numbers(verdict.axes),
        "evidence": _numbers(verdict.evidence),
    }


def _numbers(values: Mapping[str, float]) -> dict[str, float | str]:
    """Four significant digits; JSON has no words for infinities, so those become text."""
    return {k: _short(v) for k, v in values.items()}


def _short(value: float) -> float | str:
    short = float(f"{value:.4g}")
    return short if abs(short) < float("inf") else str(value)
