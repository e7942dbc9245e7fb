"""What every benchmark is to the scorer: official files, two readings of replies, and the way figures are averaged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Final, Literal

from editloop.bench.cases import BenchCase, CaseSet
from editloop.bench.replies import Replies, texts_of
from editloop.bench.results import Figures, ItemScore, Run
from editloop.bench.tasks.people import is_rated, rated_item
from editloop.bench.tasks.unscored import plain_mean as plain_mean
from editloop.bench.tasks.unscored import unscored as unscored
from editloop.core.errors import UsageError
from editloop.judges.parsing.reading import Reading
from editloop.records.verdict import Outcome

Protocol = Literal["official", "robust"]
Cap = Literal["prompt", "enforced"]
Mean = Callable[[Sequence[float]], float]

MOST_REASONS: Final = 3
"""Reasons of one outcome that a note names."""
IMAGE_ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be scored, and how.

    Args:
        replies: Of one run.
        cases: Of the benchmark; None where the benchmark can be scored without (UGE).
        cap: Whether later scores are cut to the first.
        language: Restricts to one language of instructions; empty for all.
        subset: Restricts to a subset that the benchmark names; empty for all.
        seed: Of what an official protocol draws at random.
    """

    replies: Replies
    cases: CaseSet | None
    cap: Cap = "prompt"
    language: str = ""
    subset: str = ""
    seed: int = 0


class Task(ABC):
    """One benchmark."""

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[str]
    """Changes whenever the same replies would give other figures."""
    groups: ClassVar[tuple[str, ...]] = ()
    """Groups in the order that papers print them."""
    metrics: ClassVar[tuple[str, ...]] = ("score",)
    headline: ClassVar[str] = "score"
    scales: ClassVar[Mapping[str, tuple[float, float]]]
    protocols: ClassVar[tuple[Protocol, ...]] = ("official", "robust")
    subsets: ClassVar[tuple[str, ...]] = ()
    languages: ClassVar[tuple[str, ...]] = ()
    needs_cases: ClassVar[bool] = True
    image_encoding: ClassVar[str] = ""
    """How the published script sends images, for whoever reproduces it."""

    @abstractmethod
    def read_cases(self, path: Path) -> CaseSet:
        """Cases of an official file.

        Raises:
            UsageError: it cannot be read as one.
        """

    @abstractmethod
    def robust_item(self, case: BenchCase, texts: Sequence[str], cap: Cap) -> ItemScore:
        """One case read robustly, from one reply or several to the same question."""

    def read_replies(self, path: Path, run: int = 0) -> Replies:
        """Replies of one run, of a kept result that with the number `run`; tasks with layouts of their own add to this."""
        from editloop.bench.replies import read_replies

        return read_replies(path, run)

    def official(self, request: Request) -> Run:
        """The published script's figures, digit by digit.

        Raises:
            UsageError: where nothing was published.
        """
        raise UsageError(
            f"{self.title} has no published scoring script, got protocol {'official'!r} with {request.replies.name}: "
            "use --protocol robust"
        )

    def chosen(self, request: Request) -> list[BenchCase]:
        """The cases of the language and subset asked for; without cases, one for every reply."""
        if request.cases is None:
            return [BenchCase(key, "") for key in request.replies.values]
        return [
            case
            for case in request.cases.cases
            if (not request.language or case.language == request.language)
            and (request.subset != "intersection" or case.intersection)
        ]

    def robust(self, request: Request) -> Run:
        """Every case once: scored, or unscored for a reason."""
        cases = self.chosen(request)
        find = self.finder(request.replies, cases)
        items = [self._robust_case(case, find(case), request.cap) for case in cases]
        extra = find.unused(request)
        return Run(
            items=tuple(items),
            figures=figures(items, self.metrics, self.groups),
            extra=extra,
            notes=tuple(notes_of(items, self.groups, request.replies, extra)),
        )

    def finder(self, replies: Replies, cases: Sequence[BenchCase]) -> ReplyFinder:
        """How a case finds its reply."""
        return ReplyFinder(replies.values, cases)

    def _robust_case(self, case: BenchCase, found: tuple[bool, Any], cap: Cap) -> ItemScore:
        there, value = found
        if not there:
            return unscored(case, "missing", "no_reply")
        if self.metrics == (self.headline,) and is_rated(value):
            return rated_item(case, value, self.headline, self.scales[self.headline])
        texts = texts_of(value)
        if not texts.texts:
            return unscored(case, "failed", texts.problem or "no_reply", value)
        item = self.robust_item(case, texts.texts, cap)
        return replace(item, reply=value, instruction=" / ".join(case.instructions))


class ReplyFinder:
    """Finds the reply of a case by its key, else by the key as a file name (``1082.png``), never by position."""

    def __init__(self, values: Mapping[str, Any], cases: Sequence[BenchCase]) -> None:
        self._values = values
        self._used: set[str] = set()
        keys = {case.key for case in cases}
        stems: dict[str, list[str]] = {}
        for key in values:
            if key not in keys:
                stems.setdefault(_stem(key), []).append(key)
        self._by_stem = {stem: found[0] for stem, found in stems.items() if len(found) == 1}

    def __call__(self, case: BenchCase) -> tuple[bool, Any]:
        """Whether there is a reply, and the reply."""
        key = case.key if case.key in self._values else self._by_stem.get(case.key)
        if key is None:
            return False, None
        self._used.add(key)
        return True, self._values[key]

    def unused(self, request: Request) -> tuple[str, ...]:
        """Keys of replies that no case asked for, those of other languages and subsets included."""
        for case in request.cases.cases if request.cases else ():
            self(case)
        return tuple(key for key in self._values if key not in self._used)


def _stem(key: str) -> str:
    name = PurePosixPath(key.replace("\\", "/")).name
    for ending in IMAGE_ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def of_readings(
    case: BenchCase,
    readings: Sequence[Reading],
    to_metrics: Callable[[Reading], Mapping[str, float]],
    headline: str,
) -> ItemScore:
    """One item of one reading or several: metrics and axes are means over the readings that are scored.

    An item none of whose readings is scored has the outcome and reason of the first.
    """
    scored = [reading for reading in readings if reading.scored]
    if not scored:
        first = readings[0]
        return ItemScore(
            case.key, case.group, case.cluster, outcome=str(first.outcome), reason=first.reason
        )
    metrics = [to_metrics(reading) for reading in scored]
    return ItemScore(
        case.key,
        case.group,
        case.cluster,
        metrics=mean_of(metrics),
        axes=mean_of([reading.axes for reading in scored]),
        outcome=str(Outcome.SCORED),
        slips=tuple(dict.fromkeys(slip for reading in readings for slip in reading.slips)),
        repeats=tuple(row[headline] for row in metrics) if len(readings) > 1 else (),
    )


def mean_of(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Key -> mean over the rows that have it."""
    if len(rows) == 1:
        return dict(rows[0])
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: plain_mean([row[key] for row in rows if key in row]) for key in keys}


def figures(
    items: Iterable[ItemScore],
    metrics: Sequence[str],
    order: Sequence[str] = (),
    *,
    group_mean: Mean = plain_mean,
    macro_mean: Mean = plain_mean,
    micro_mean: Mean = plain_mean,
) -> dict[str, Figures]:
    """Means of every metric over the items that have it, groups in `order`, others after them as they come."""
    rows = list(items)
    return {
        metric: _figures(rows, metric, order, group_mean, macro_mean, micro_mean)
        for metric in metrics
    }


def _figures(
    items: Sequence[ItemScore],
    metric: str,
    order: Sequence[str],
    group_mean: Mean,
    macro_mean: Mean,
    micro_mean: Mean,
) -> Figures:
    values: dict[str, list[float]] = {}
    for item in items:
        if metric in item.metrics:
            values.setdefault(item.group, []).append(item.metrics[metric])
    names = [*(name for name in order if name in values), *(name for name in values if name not in order)]  # fmt: skip
    groups = {name: group_mean(values[name]) for name in names}
    everything = [item.metrics[metric] for item in items if metric in item.metrics]
    return Figures(
        groups={name: value for name, value in groups.items() if name},
        macro=macro_mean(list(groups.values())) if groups else None,
        micro=micro_mean(everything) if everything else None,
        counts={name: len(values[name]) for name in names},
    )


def notes_of(
    items: Sequence[ItemScore],
    order: Sequence[str],
    replies: Replies,
    extra: Sequence[str] = (),
) -> list[str]:
    """What a reader of the figures must know.

    Args:
        items: Of one run.
        order: Groups of the benchmark.
        replies: That were read.
        extra: Keys of replies that belong to no case.
    """
    notes = []
    if replies.values and len(extra) == len(replies.values):
        case = next((item.key for item in items), "")
        notes.append(
            f"no reply belongs to a case: are these replies of another benchmark? The first is of {extra[0]!r}, the first case is {case!r}"
        )
    elif extra:
        notes.append(f"{len(extra)} replies belong to no case (first: {extra[0]!r})")
    asked = {item.group for item in items}
    empty = [
        group for group in order if not any(item.group == group and item.metrics for item in items)
    ]
    if order and empty and len(empty) < len(order):
        present = len(order) - len(empty)
        notes.append(
            f"macro is over {present} of {len(order)} groups: nothing scored in {', '.join(empty)}"
        )
    unknown = sorted(asked - set(order) - {""}) if order else []
    if unknown:
        notes.append(f"groups that the benchmark does not have: {', '.join(unknown)}")
    if replies.repeated:
        notes.append(
            f"{len(replies.repeated)} keys stand in the replies more than once; the last counts"
        )
    if replies.keyless:
        notes.append(f"{replies.keyless} rows of the replies have no key and were left out")
    lost = Counter(item.outcome for item in items if item.outcome != "scored")
    if lost:
        words = ", ".join(
            f"{count} {outcome} ({_reasons(items, outcome)})"
            for outcome, count in sorted(lost.items())
        )
        notes.append(f"{len(items) - sum(lost.values())} scored of {len(items)}: {words}")
    return notes


def _reasons(items: Sequence[ItemScore], outcome: str) -> str:
    """Why items have an outcome, the commonest reasons first."""
    found = Counter(item.reason for item in items if item.outcome == outcome).most_common()
    shown = [
        f"{reason or 'no reason given'} {count}" if len(found) > 1 else reason or "no reason given"
        for reason, count in found[:MOST_REASONS]
    ]
    rest = sum(count for _, count in found[MOST_REASONS:])
    return ", ".join([*shown, *([f"others {rest}"] if rest else [])])
