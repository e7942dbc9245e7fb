"""The leaderboard: editors of one context in order, which ranks the data can tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final

from editloop.bench.context import ScoreContext, require_comparable
from editloop.bench.results import BenchResult, item_means
from editloop.bench.scoring import intervals
from editloop.bench.statistics import across_runs, compare
from editloop.core.errors import UsageError
from editloop.core.stats import Interval

LEVEL: Final = 0.05
PERMUTATIONS: Final = 4000


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure with its interval (equal ends where there is none); None where nothing is scored."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class TableRow:
    """One editor. `ranks` are the best and worst place that the pairwise tests leave open, from 1."""

    editor: str
    macro: Cell
    micro: Cell
    groups: Mapping[str, Cell]
    others: Mapping[str, float | None]
    """Macro mean of every other metric."""
    ranks: tuple[int, int]
    n: int
    n_scored: int
    unscored: Mapping[str, int]
    runs: int
    across_runs: Interval | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two editors: `better` minus `worse` on common items; `p_value` is Holm's, over all pairs of the table."""

    better: str
    worse: str
    difference: Interval
    p_value: float
    effect_size: float
    detectable: float
    n: int


@dataclass(frozen=True, slots=True)
class LeaderTable:
    """Editors of one context, best first."""

    title: str
    context: ScoreContext
    metric: str
    scale: tuple[float, float]
    groups: tuple[str, ...]
    rows: tuple[TableRow, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()


def build_table(
    results: Sequence[BenchResult], title: str = "", metric: str = "", *, seed: int = 0
) -> LeaderTable:
    """Editors in the order of their macro mean.

    Args:
        results: One an editor, all of one context.
        title: Of the benchmark.
        metric: The headline by default.
        seed: Of intervals and tests.

    Raises:
        UsageError: no result, two of one name, or contexts that are not comparable.
    """
    if not results:
        raise UsageError(
            "a leaderboard needs a result: give the files that `editloop bench TASK --out` wrote"
        )
    names = [result.editor for result in results]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"two results are called {twice[0]!r}: name each with --editor-name when it is scored"
        )
    require_comparable({result.editor: result.context for result in results}, ("repeats",))
    chosen = metric or results[0].headline
    if chosen not in results[0].metrics:
        raise UsageError(
            f"no metric is called {chosen!r}: there is {', '.join(results[0].metrics)}"
        )
    pairs = _pairs(results, chosen, seed)
    rows = [_row(result, chosen, pairs, len(results), seed) for result in results]
    rows.sort(key=lambda row: (row.macro.value is None, -(row.macro.value or 0.0), row.editor))
    found = dict.fromkeys(group for row in rows for group in row.groups)
    return LeaderTable(
        title=title or results[0].context.task,
        context=results[0].context,
        metric=chosen,
        scale=results[0].scales[chosen],
        groups=tuple(found),
        rows=tuple(rows),
        pairs=tuple(pairs),
        notes=tuple(_notes(results)),
    )


def to_json(table: LeaderTable) -> dict[str, Any]:
    """The whole table."""
    return asdict(table) | {"context": table.context.model_dump()}


def _row(
    result: BenchResult, metric: str, pairs: Sequence[Pair], count: int, seed: int
) -> TableRow:
    found = intervals(result, metric, seed=seed)
    parts = [run.figures[metric] for run in result.runs]
    first = result.runs[0]
    names = list(dict.fromkeys(name for part in parts for name in part.groups))
    sure_above = sum(pair.worse == result.editor and pair.p_value <= LEVEL for pair in pairs)
    sure_below = sum(pair.better == result.editor and pair.p_value <= LEVEL for pair in pairs)
    macros = [part.macro for part in parts]
    return TableRow(
        editor=result.editor,
        macro=_cell(macros, found.macro if found else None, found.n if found else 0),
        micro=_cell(
            [part.micro for part in parts], found.micro if found else None, found.n if found else 0
        ),
        groups={
            name: _cell(
                [part.groups.get(name) for part in parts],
                found.groups.get(name) if found else None,
                parts[0].counts.get(name, 0),
            )
            for name in names
        },
        others={
            other: _mean([run.figures[other].macro for run in result.runs])
            for other in result.metrics
            if other != metric
        },
        ranks=(1 + sure_above, count - sure_below),
        n=len(first.items),
        n_scored=sum(metric in item.metrics for item in first.items),
        unscored=first.unscored,
        runs=len(result.runs),
        across_runs=across_runs([value for value in macros if value is not None]),
    )


def _cell(values: Sequence[float | None], interval: Interval | None, n: int) -> Cell:
    value = _mean(values)
    if value is None or interval is None:
        return Cell(value, n=n)
    return Cell(value, interval.low, interval.high, n)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _pairs(results: Sequence[BenchResult], metric: str, seed: int) -> list[Pair]:
    """Every pair, the better editor first, with p-values corrected for the number of pairs (Holm)."""
    where = {item.key: item for result in results for run in result.runs for item in run.items}
    groups = {key: item.group for key, item in where.items()}
    images = {key: item.image for key, item in where.items()}
    means = {result.editor: item_means(result.runs, metric) for result in results}
    found = []
    for one, other in combinations(means, 2):
        paired = compare(
            means[one], means[other], groups, images, seed=seed, permutations=PERMUTATIONS
        )
        if paired is None:
            continue
        value, low, high = paired.estimate.macro
        swap = value < 0
        found.append(
            Pair(
                better=one if swap else other,
                worse=other if swap else one,
                difference=Interval(-value, -high, -low) if swap else paired.estimate.macro,
                p_value=paired.p_value,
                effect_size=abs(paired.effect_size),
                detectable=paired.detectable,
                n=paired.estimate.n,
            )
        )
    return _holm(found)


def _holm(pairs: Sequence[Pair]) -> list[Pair]:
    ordered = sorted(range(len(pairs)), key=lambda place: pairs[place].p_value)
    corrected: dict[int, float] = {}
    highest = 0.0
    for step, place in enumerate(ordered):
        highest = max(highest, min(1.0, pairs[place].p_value * (len(pairs) - step)))
        corrected[place] = highest
    return [
        Pair(**(_fields(pair) | {"p_value": corrected[place]})) for place, pair in enumerate(pairs)
    ]


def _fields(pair: Pair) -> dict[str, Any]:
    return {name: getattr(pair, name) for name in Pair.__dataclass_fields__}


def _notes(results: Sequence[BenchResult]) -> list[str]:
    notes = [
        f"{result.editor}: {note}"
        for result in results
        for note in (*result.notes, *result.runs[0].notes)
    ]
    missing = results[0].context.unrecorded
    if missing:
        names = ", ".join(field.replace("_", " ") for field in missing)
        notes.insert(0, f"not recorded, so only taken to be equal: {names}")
    return notes
