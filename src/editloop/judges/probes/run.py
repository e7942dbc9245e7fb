"""Runs the probes on some edits and counts how often the judge does what a sound judge does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

import numpy as np

from editloop.core.errors import BadInputError
from editloop.core.ids import sha256_hex
from editloop.core.images import decode_image, encode_png
from editloop.core.seeds import generator
from editloop.core.stats import Interval, wilson_interval
from editloop.judges.base import JudgeRequest
from editloop.judges.people.bulk import Judged, Progress, judge_edits
from editloop.judges.people.worker import opened
from editloop.judges.probes.variants import VARIANTS, Variant
from editloop.models.roles import RgbImage
from editloop.records.formats.rated_edits import RatedEdit
from editloop.records.verdict import Outcome, Verdict
from editloop.store.answers import AnswerStore

_SAME = 0.1
"""Points in ten by which a sham may move a score."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe over all edits; changes are in tenths of the judge's scale.

    `passed` counts edits on which the score did what was expected; `n` those that were scored with and without the probe.
    """

    variant: Variant
    n: int
    asked: int
    passed: int
    changes: tuple[float, ...] = field(repr=False)

    @property
    def share(self) -> Interval | None:
        """Share of edits on which the judge was sound, with Wilson's interval."""
        return wilson_interval(self.passed, self.n) if self.n else None

    @property
    def mean_change(self) -> float | None:
        """Mean change of the score, in tenths of the scale."""
        return fmean(self.changes) if self.changes else None

    @property
    def median_change(self) -> float | None:
        """Median change of the score, in tenths of the scale."""
        return median(self.changes) if self.changes else None


@dataclass(frozen=True, slots=True)
class ProbedPicture:
    """One spoiled triplet for show; scores are on a scale from 0 to 10."""

    variant: str
    instruction: str
    edited: RgbImage
    score: float | None


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """All probes, and some of them with pictures: (source, untouched, spoiled ones)."""

    results: tuple[ProbeResult, ...]
    shown: tuple[tuple[RgbImage, str, tuple[ProbedPicture, ...]], ...]


def run_probes(
    spec: str,
    edits: Sequence[RatedEdit],
    folder: Path,
    *,
    store: AnswerStore,
    count: int = 12,
    shown: int = 3,
    workers: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
) -> ProbeReport:
    """Probe a judge on a random draw of edits of different photographs.

    Args:
        spec: The judge.
        edits: What is drawn from.
        folder: Where the spoiled images are written; may be thrown away afterwards.
        store: Kept verdicts.
        count: Edits that are drawn.
        shown: Of these, how many come back with pictures.
        workers: Processes.
        seed: Of the draw.
        progress: Told how far it is.
    """
    drawn = _draw(edits, count, seed)
    jobs: list[RatedEdit] = []
    requests = [(edit, request) for edit in drawn if (request := _request(edit)) is not None]
    for place, (edit, own) in enumerate(requests):
        others = [request for _, request in (*requests[place + 1 :], *requests[:place])]
        jobs.append(_written(folder, edit.uid, "untouched", own))
        for name, variant in VARIANTS.items():
            other = _other(name, own, others)
            if other is not None:
                jobs.append(_written(folder, edit.uid, name, variant.make(own, other)))
    judged = judge_edits(spec, jobs, store=store, workers=workers, progress=progress)
    uids = [edit.uid for edit, _ in requests]
    results = tuple(_result(variant, uids, judged) for variant in VARIANTS.values())
    pictures = tuple(
        (request.source, request.instruction, _pictures(edit.uid, jobs, judged))
        for edit, request in requests[:shown]
    )
    return ProbeReport(results, pictures)


def tenths(verdict: Verdict | None) -> float | None:
    """The overall score on a scale from 0 to 10; None when unscored."""
    if verdict is None or verdict.outcome is not Outcome.SCORED:
        return None
    value = verdict.overall
    low, high = verdict.scale
    return None if value is None else 10 * (value - low) / (high - low)


_PASSES: Mapping[str, Callable[[float], bool]] = {
    "down": lambda change: change < -_SAME,
    "not up": lambda change: change <= _SAME,
    "same": lambda change: abs(change) <= _SAME,
}


def _draw(edits: Sequence[RatedEdit], count: int, seed: int) -> list[RatedEdit]:
    """Edits of different photographs."""
    order = generator(seed, "probes").permutation(len(edits))
    by_image: dict[str, RatedEdit] = {}
    for place in order:
        by_image.setdefault(edits[place].image, edits[place])
    return list(by_image.values())[:count]


def _request(edit: RatedEdit) -> JudgeRequest | None:
    try:
        return opened(edit)
    except BadInputError:
        return None


def _other(name: str, own: JudgeRequest, others: Sequence[JudgeRequest]) -> JudgeRequest | None:
    """The triplet that a probe takes a part of; None where no other differs in that part, which would be no probe."""
    if name == "other_instruction":
        return next((one for one in others if one.instruction != own.instruction), None)
    if name == "other_image":
        return others[0] if others else None
    return own


def _written(folder: Path, uid: str, name: str, request: JudgeRequest) -> RatedEdit:
    paths = []
    for image in (request.source, request.edited, *request.references):
        data = encode_png(np.ascontiguousarray(image))
        path = folder / f"{sha256_hex(data)[:24]}.png"
        if not path.exists():
            path.write_bytes(data)
        paths.append(path)
    kind = request.edit_type
    return RatedEdit(
        f"{uid}:{name}",
        uid,
        request.instruction,
        paths[0],
        paths[1],
        {},
        labels={} if kind is None else {"edit_type": kind.value},
        context=request.context,
        references=tuple(paths[2:]),
    )


def _result(variant: Variant, uids: Sequence[str], judged: Judged) -> ProbeResult:
    changes = []
    for uid in uids:
        before = tenths(judged.verdicts.get(f"{uid}:untouched"))
        after = tenths(judged.verdicts.get(f"{uid}:{variant.name}"))
        if before is not None and after is not None:
            changes.append(after - before)
    passed = sum(_PASSES[variant.expected](change) for change in changes)
    return ProbeResult(variant, len(changes), len(uids), passed, tuple(changes))


def _pictures(uid: str, jobs: Sequence[RatedEdit], judged: Judged) -> tuple[ProbedPicture, ...]:
    return tuple(
        ProbedPicture(
            job.uid.rpartition(":")[2],
            job.instruction,
            decode_image(job.edited.read_bytes()).pixels,
            tenths(judged.verdicts.get(job.uid)),
        )
        for job in jobs
        if job.image == uid
    )
