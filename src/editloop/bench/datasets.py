"""The data-set comparator (NHR-Edit, arXiv 2507.14119, its table of data sets): one judge, as many samples of each, one table."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from editloop.core.errors import BadInputError, StoreError, UsageError
from editloop.core.ids import content_id
from editloop.core.images import decode_image
from editloop.core.seeds import derive_seed
from editloop.core.stats import Interval, bootstrap_interval
from editloop.judges.base import Judge, JudgeRequest
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.records.verdict import Outcome, Verdict
from editloop.store.answers import AnswerStore

METRICS: Final = ("adherence", "aesthetics", "geometric")
RESAMPLES: Final = 2000
_BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class Sampled:
    """Triplets drawn from one data set, and how many it has."""

    name: str
    records: Sequence[EditRecord]
    total: int
    load: Callable[[ImageRef], bytes]


@dataclass(frozen=True, slots=True)
class DatasetScore:
    """One row.

    Args:
        name: Of the data set.
        metrics: `adherence`, `aesthetics`, and `geometric`: the mean of the samples' square roots of their product.
        values: Metric -> every sample's value, for pairs of data sets.
        clusters: Source image of every value.
        scored: Samples with a score.
        sampled: Samples drawn.
        total: Triplets in the data set.
        unscored: Outcome -> count.
    """

    name: str
    metrics: Mapping[str, Interval]
    values: Mapping[str, Sequence[float]]
    clusters: Sequence[str]
    scored: int
    sampled: int
    total: int
    unscored: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ranked:
    """All rows, the best geometric mean first, and the differences between neighbours.

    `gaps[i]` is row i minus row i + 1 with its interval: one that holds zero says that these samples do not tell the two apart.
    """

    rows: Sequence[DatasetScore]
    gaps: Sequence[Interval]
    judge: str
    judge_version: str
    scale: tuple[float, float]
    seed: int


def draw(
    name: str,
    records: Iterable[EditRecord],
    load: Callable[[ImageRef], bytes],
    samples: int,
    seed: int = 0,
) -> Sampled:
    """`samples` triplets with a target, drawn by the hash of seed and id: the same ones in whatever order records come.

    Raises:
        UsageError: there is no triplet with a target.
    """
    total = 0

    def keyed() -> Iterable[tuple[int, str, EditRecord]]:
        nonlocal total
        for record in records:
            if record.target is not None:
                total += 1
                yield derive_seed(seed, "compare data sets", record.id), record.id, record

    chosen = heapq.nsmallest(samples, keyed(), key=lambda row: row[:2])
    if not chosen:
        raise UsageError(f"{name} holds no triplet with an edited image: nothing to compare")
    return Sampled(name, [record for _, _, record in chosen], total, load)


def compare_datasets(
    datasets: Sequence[Sampled],
    judge: Judge,
    *,
    store: AnswerStore | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Ranked:
    """Judge the samples and rank the data sets.

    Args:
        datasets: As `draw` gives them.
        judge: The same for all; verdicts with `adherence` and `aesthetic`, or `instruction`, `preservation` and `quality`.
        store: Kept verdicts, by content.
        seed: Of the intervals.
        progress: Told how many samples are judged.

    Raises:
        UsageError: two data sets share a name, or the judge has no such axes.
    """
    names = Counter(one.name for one in datasets)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise UsageError(f"two data sets are called {twice[0]!r}: rename one of the folders")
    total, done = sum(len(one.records) for one in datasets), 0
    rows, scale = [], (1.0, 5.0)
    for one in datasets:
        verdicts: list[Verdict | None] = []
        for start in range(0, len(one.records), _BATCH):
            batch = one.records[start : start + _BATCH]
            verdicts += _verdicts(batch, one.load, judge, store or AnswerStore())
            done += len(batch)
            if progress is not None:
                progress(done, total)
        scale = next((v.scale for v in verdicts if v is not None), scale)
        rows.append(_score(one, verdicts, seed))
    rows.sort(key=lambda row: -row.metrics["geometric"].value)
    gaps = [_gap(better, worse, seed) for better, worse in pairwise(rows)]
    identity = judge.identity
    return Ranked(rows, gaps, identity.name, identity.version, scale, seed)


def _verdicts(
    records: Sequence[EditRecord],
    load: Callable[[ImageRef], bytes],
    judge: Judge,
    store: AnswerStore,
) -> list[Verdict | None]:
    """One verdict a record; None where an image cannot be read."""
    identity = judge.identity
    keys = [_key(record, identity.name, identity.version) for record in records]
    found: dict[int, Verdict] = {}
    waiting: list[tuple[int, JudgeRequest]] = []
    for place, (record, key) in enumerate(zip(records, keys, strict=True)):
        kept = store.get(key)
        if kept is not None:
            found[place] = Verdict.model_validate_json(kept)
            continue
        try:
            waiting.append((place, _request(record, load)))
        except (BadInputError, StoreError):
            continue
    many = getattr(judge, "score_many", None)
    requests = [request for _, request in waiting]
    fresh: list[Verdict] = (
        many(requests) if many else [judge.judge(request) for request in requests]
    )
    for (place, _), verdict in zip(waiting, fresh, strict=True):
        found[place] = verdict
    store.put(
        {
            keys[place]: found[place].model_dump_json()
            for place, _ in waiting
            if found[place].outcome is Outcome.SCORED
        }
    )
    return [found.get(place) for place in range(len(records))]


def _request(record: EditRecord, load: Callable[[ImageRef], bytes]) -> JudgeRequest:
    if record.target is None:
        raise BadInputError("unreadable", "the triplet has no target")
    return JudgeRequest(
        source=decode_image(load(record.source)).pixels,
        instruction=record.instruction,
        edited=decode_image(load(record.target)).pixels,
        references=tuple(decode_image(load(ref)).pixels for ref in record.references),
        context=record.turn.history if record.turn else (),
        edit_type=record.edit_type,
    )


def _key(record: EditRecord, name: str, version: str) -> str:
    target = record.target.sha256 if record.target else ""
    references = [ref.sha256 for ref in record.references]
    history = list(record.turn.history) if record.turn else []
    return content_id(
        "data set verdict", name, version, record.source.sha256, target, record.instruction, record.edit_type, references, history
    )  # fmt: skip


def _score(one: Sampled, verdicts: Sequence[Verdict | None], seed: int) -> DatasetScore:
    values: dict[str, list[float]] = {metric: [] for metric in METRICS}
    clusters: list[str] = []
    lost: Counter[str] = Counter()
    for record, verdict in zip(one.records, verdicts, strict=True):
        if verdict is None or verdict.outcome is not Outcome.SCORED:
            lost["unreadable" if verdict is None else str(verdict.outcome)] += 1
            continue
        adherence, aesthetics = two_scores(verdict)
        values["adherence"].append(adherence)
        values["aesthetics"].append(aesthetics)
        values["geometric"].append(math.sqrt(adherence * aesthetics))
        clusters.append(record.source.sha256)
    if not clusters:
        raise UsageError(
            f"the judge scored none of {len(one.records)} samples of {one.name}: {dict(lost)}"
        )
    return DatasetScore(
        name=one.name,
        metrics={
            metric: bootstrap_interval(sample, clusters, resamples=RESAMPLES, seed=seed)
            for metric, sample in values.items()
        },
        values=values,
        clusters=clusters,
        scored=len(clusters),
        sampled=len(one.records),
        total=one.total,
        unscored=lost,
    )


def two_scores(verdict: Verdict) -> tuple[float, float]:
    """Adherence (done as asked and nothing else changed: the worse of the two where a judge tells them apart) and aesthetics.

    Raises:
        UsageError: the judge has no such axes.
    """
    axes = verdict.axes
    done = [axes[name] for name in ("adherence", "instruction", "preservation") if name in axes]
    looks = [axes[name] for name in ("aesthetic", "aesthetics", "quality") if name in axes]
    if not done or not looks:
        raise UsageError(
            f"{verdict.judge} scores {', '.join(axes)}: the comparator needs adherence and aesthetics, or instruction, "
            "preservation and quality; take rubric:nhr@VLM or a judge with these axes"
        )
    return min(done), looks[0]


def _gap(better: DatasetScore, worse: DatasetScore, seed: int) -> Interval:
    """Difference of two geometric means, each resampled on its own."""
    draws = []
    for place, row in enumerate((better, worse)):
        groups: dict[str, list[float]] = {}
        for value, cluster in zip(row.values["geometric"], row.clusters, strict=True):
            groups.setdefault(cluster, []).append(value)
        sums = np.array([sum(group) for group in groups.values()])
        sizes = np.array([len(group) for group in groups.values()])
        rng = np.random.default_rng([seed, place])
        picks = rng.integers(0, len(sums), (RESAMPLES, len(sums)))
        draws.append(sums[picks].sum(axis=1) / sizes[picks].sum(axis=1))
    low, high = np.quantile(draws[0] - draws[1], [0.025, 0.975])
    value = better.metrics["geometric"].value - worse.metrics["geometric"].value
    return Interval(value, float(low), float(high))


def as_json(ranked: Ranked) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "judge": ranked.judge,
        "judge_version": ranked.judge_version,
        "scale": list(ranked.scale),
        "seed": ranked.seed,
        "unit": "source image, 95 %, percentile bootstrap",
        "datasets": [
            {
                "name": row.name,
                **{metric: list(interval) for metric, interval in row.metrics.items()},
                "n_scored": row.scored,
                "n": row.sampled,
                "triplets": row.total,
                "unscored": dict(row.unscored),
            }
            for row in ranked.rows
        ],
        "gaps": [list(gap) for gap in ranked.gaps],
    }
