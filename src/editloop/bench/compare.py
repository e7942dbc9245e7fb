"""Two editors side by side, and one judge against itself some time ago."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from editloop.bench.context import require_comparable
from editloop.bench.results import BenchResult, ItemScore, item_means
from editloop.bench.statistics import Comparison, compare, detectable_difference
from editloop.core.errors import UsageError
from editloop.core.stats import Interval, wilson_interval

CLOSE: Final = 0.5
"""Points on the native scale within which two scores of one edit count as the same in a drift check."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How a judge's scores of the same edits have moved since replies were pinned.

    `moved` is true when the interval of the mean shift leaves out zero. `detectable` is the shift that these items would
    find with power .8: below it, "no drift found" says nothing.
    """

    shift: Interval
    p_value: float
    detectable: float
    n: int
    same: float
    """Share of items with exactly the same score."""
    close: float
    """Share of items within half a point."""
    readable_then: Interval
    readable_now: Interval
    groups: Mapping[str, Interval]
    moved: bool


def compare_results(
    first: BenchResult, second: BenchResult, metric: str = "", *, seed: int = 0
) -> Comparison:
    """The second editor minus the first on the items both have a score for.

    Args:
        first: One result.
        second: Another of the same context.
        metric: Of the benchmark; its headline by default.
        seed: Of bootstrap and permutations.

    Raises:
        UsageError: the contexts differ, there is no such metric, or no item has both scores.
    """
    require_comparable(
        {f"{first.editor} (first)": first.context, f"{second.editor} (second)": second.context},
        ("repeats",),
    )
    return _paired(first, second, metric, seed)


def drift_of(pinned: BenchResult, now: BenchResult, metric: str = "", *, seed: int = 0) -> Drift:
    """What became of the judge between two sets of replies about the same edits.

    Judge and its version may differ, everything else must not: the same cases, protocol, rubric and image encoding.

    Raises:
        UsageError: as `compare_results`.
    """
    require_comparable(
        {"the pinned replies": pinned.context, "the new replies": now.context},
        ("judge", "judge_version", "repeats"),
    )
    found = _paired(pinned, now, metric, seed)
    before, after = _means(pinned, metric), _means(now, metric)
    both = [key for key in before if key in after]
    gaps = [abs(after[key] - before[key]) for key in both]
    whole = found.estimate.micro
    return Drift(
        shift=whole,
        p_value=found.p_value,
        detectable=detectable_difference(found.estimate.micro_error),
        n=len(both),
        same=sum(gap < 1e-9 for gap in gaps) / len(gaps),
        close=sum(gap <= CLOSE for gap in gaps) / len(gaps),
        readable_then=_readable(pinned),
        readable_now=_readable(now),
        groups=found.estimate.groups,
        moved=not whole.low <= 0 <= whole.high,
    )


def comparison_json(first: BenchResult, second: BenchResult, found: Comparison) -> dict[str, Any]:
    """What ``--json`` prints of a comparison."""
    estimate = found.estimate
    return {
        "first": first.editor,
        "second": second.editor,
        "n": estimate.n,
        "n_first": len(_means(first, "")),
        "n_second": len(_means(second, "")),
        "difference": {
            "macro": _interval(estimate.macro),
            "micro": _interval(estimate.micro),
            "types": {name: _interval(value) for name, value in estimate.groups.items()},
        },
        "p_value": found.p_value,
        "effect_size": found.effect_size,
        "superiority": found.superiority,
        "better": found.better,
        "equal": found.equal,
        "worse": found.worse,
        "detectable_difference": found.detectable,
        "context": first.context.model_dump(),
    }


def drift_json(found: Drift) -> dict[str, Any]:
    """What ``--json`` prints of a drift check."""
    whole = asdict(found)
    for name in ("shift", "readable_then", "readable_now"):
        whole[name] = _interval(getattr(found, name))
    return whole | {"groups": {name: _interval(value) for name, value in found.groups.items()}}


def verdict_of(found: Comparison, first: str, second: str) -> str:
    """A comparison in one sentence."""
    macro = found.estimate.macro
    if found.p_value > 0.05 or macro.low <= 0 <= macro.high:
        return (
            f"no difference shown between {second} and {first}: {macro.value:+.3f} [{macro.low:+.3f}, {macro.high:+.3f}], "
            f"p = {found.p_value:.2g}; {found.estimate.n} items would find one of {found.detectable:.2f}"
        )
    better, worse = (second, first) if macro.value > 0 else (first, second)
    return (
        f"{better} is better than {worse}: {abs(macro.value):.3f} points, p = {found.p_value:.2g}, "
        f"effect size {abs(found.effect_size):.2f}, on {found.estimate.n} items"
    )


def _paired(first: BenchResult, second: BenchResult, metric: str, seed: int) -> Comparison:
    where: dict[str, ItemScore] = {
        item.key: item for result in (second, first) for run in result.runs for item in run.items
    }
    found = compare(
        _means(first, metric),
        _means(second, metric),
        {key: item.group for key, item in where.items()},
        {key: item.image for key, item in where.items()},
        seed=seed,
    )
    if found is None:
        raise UsageError(
            f"{first.editor} and {second.editor} share no scored item: both results must score the same cases"
        )
    return found


def _means(result: BenchResult, metric: str) -> dict[str, float]:
    name = metric or result.headline
    if name not in result.metrics:
        raise UsageError(
            f"{result.context.task} has no metric {name!r}: it has {', '.join(result.metrics)}"
        )
    return item_means(result.runs, name)


def _readable(result: BenchResult) -> Interval:
    """Share of the replies at hand that gave a score."""
    items = [item for run in result.runs for item in run.items if item.outcome != "missing"]
    if not items:
        return Interval(0.0, 0.0, 1.0)
    return wilson_interval(sum(item.outcome == "scored" for item in items), len(items))


def _interval(value: Interval) -> dict[str, float]:
    return {"value": value.value, "low": value.low, "high": value.high}
