"""The numbers behind the small plots: computed here, drawn by the template as inline SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from editloop.records.record import EditRecord
from editloop.report.data import RejectedRecord, ReportInput, StageCounts

HISTOGRAM_BINS = 8
"""Half a point a bin on ImgEdit's scale of 1 to 5."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One of the large figures at the top of the page."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar chart: segments in percent of the longest row, and the counts they stand for."""

    label: str
    counts: tuple[int, ...]
    segments: tuple[tuple[float, float], ...]
    """Where each count's segment begins, and how wide it is."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Scores on one axis of one judge, accepted and rejected apart; heights in percent of the tallest bin."""

    axis: str
    judge: str
    scale: tuple[float, float]
    scored: int
    judged: int
    mean: float
    columns: tuple[tuple[float, float], ...]
    """Accepted and rejected height of each bin, low scores first."""


def headlines(data: ReportInput) -> list[Headline]:
    """The large figures; those that make no sense for `data` are left out."""
    types = {record.kind for record in data.records}
    dropped = sum(s.dropped_total for s in data.stages) if data.stages else len(data.rejected)
    failed = sum(s.failed for s in data.stages) if data.stages else len(data.failures)
    mined = bool(data.stages or data.rejected)
    figures = [
        Headline(f"{len(data.records):,}", "accepted" if mined else "triplets"),
        Headline(f"{len(types):,}", "edit types" if len(types) != 1 else "edit type"),
    ]
    if mined:
        figures += [Headline(f"{dropped:,}", "dropped"), Headline(f"{failed:,}", "failed")]
    if data.seconds is not None:
        figures.append(Headline(duration(data.seconds), "wall time"))
    return figures


def duration(seconds: float) -> str:
    """``48 s``, ``6 min 12 s`` or ``3 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def stage_bars(stages: Sequence[StageCounts]) -> list[Bar]:
    """Kept, dropped and failed of what each stage received."""
    return _bars([(s.name, (s.kept, s.dropped_total, s.failed)) for s in stages])


def type_bars(records: Sequence[EditRecord], rejected: Sequence[RejectedRecord]) -> list[Bar]:
    """Accepted and rejected triplets of each type, most accepted first."""
    accepted = Counter(str(record.kind) for record in records)
    refused = Counter(str(r.record.kind) for r in rejected if r.record)
    names = sorted(accepted | refused, key=lambda name: (-accepted[name], name))
    return _bars([(name, (accepted[name], refused[name])) for name in names])


def _bars(rows: list[tuple[str, tuple[int, ...]]]) -> list[Bar]:
    longest = max((sum(counts) for _, counts in rows), default=0) or 1
    return [Bar(label, counts, _segments(counts, longest)) for label, counts in rows]


def _segments(counts: tuple[int, ...], longest: int) -> tuple[tuple[float, float], ...]:
    ends = [round(100 * sum(counts[: i + 1]) / longest, 2) for i in range(len(counts))]
    return tuple((start, round(end - start, 2)) for start, end in pairwise([0.0, *ends]))


def score_histograms(
    records: Sequence[EditRecord], rejected: Sequence[RejectedRecord]
) -> list[Histogram]:
    """One histogram for each judge and axis, from the latest verdict of that judge on each triplet."""
    scores: dict[tuple[str, str, tuple[float, float]], tuple[list[float], list[float]]] = {}
    judged: Counter[str] = Counter()
    refused = [r.record for r in rejected if r.record]
    for side, group in enumerate((records, refused)):
        for record in group:
            for judge, verdict in {v.judge: v for v in record.verdicts}.items():
                judged[judge] += 1
                for axis, value in verdict.axes.items():
                    scores.setdefault((judge, axis, verdict.scale), ([], []))[side].append(value)
    return [
        _histogram(key, accepted, refused_scores, judged[key[0]])
        for key, (accepted, refused_scores) in scores.items()
    ]


def _histogram(
    key: tuple[str, str, tuple[float, float]],
    accepted: list[float],
    rejected: list[float],
    judged: int,
) -> Histogram:
    judge, axis, scale = key
    counts = [_binned(values, scale) for values in (accepted, rejected)]
    tallest = max(a + r for a, r in zip(*counts, strict=True))
    columns = tuple(
        (round(100 * a / tallest, 2), round(100 * r / tallest, 2))
        for a, r in zip(*counts, strict=True)
    )
    everything = accepted + rejected
    mean = sum(everything) / len(everything)
    return Histogram(axis, judge, scale, len(everything), judged, mean, columns)


def _binned(values: list[float], scale: tuple[float, float]) -> list[int]:
    """Counts per bin; the last bin includes the top of the scale."""
    low, high = scale
    counts = [0] * HISTOGRAM_BINS
    for value in values:
        place = (value - low) / (high - low) if high > low else 0.0
        counts[min(HISTOGRAM_BINS - 1, int(place * HISTOGRAM_BINS))] += 1
    return counts
