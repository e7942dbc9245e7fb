"""Scores of one editor on one benchmark: items, figures, and the file they are kept in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from editloop.bench.context import ScoreContext
from editloop.bench.replies import KEPT_FORMAT
from editloop.core.errors import StoreError, UsageError
from editloop.store.runs import write_atomically

FORMAT: Final = KEPT_FORMAT


@dataclass(frozen=True, slots=True)
class ItemScore:
    """What became of one case.

    Args:
        key: Of the case.
        group: Its edit type; empty where it has none.
        image: Its source image, or what stands for it: the unit of the bootstrap.
        metrics: Metric -> value; some may be missing, all are when the item is unscored.
        axes: Axis of the rubric -> score, for people.
        outcome: ``scored``, ``unparsable``, ``refused``, ``failed``, ``missing`` (no reply) or ``absent`` (no output image).
        reason: Stable code that says why there is no score.
        slips: Codes of the slips of a published script that touched this item.
        repeats: Headline metric of every scored reply, when the judge was asked several times.
        reply: What the replies file holds, exactly as found.
        instruction: What the editor was asked.
    """

    key: str
    group: str
    image: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    axes: Mapping[str, float] = field(default_factory=dict)
    outcome: str = "scored"
    reason: str = ""
    slips: tuple[str, ...] = ()
    repeats: tuple[float, ...] = ()
    reply: Any = None
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Means of one metric. `macro` is over the groups that have a score, `micro` over items; None without any."""

    groups: Mapping[str, float | None]
    macro: float | None
    micro: float | None
    counts: Mapping[str, int]
    """Group -> items scored."""

    @property
    def scored(self) -> int:
        """Items scored."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of the judge over the benchmark.

    Args:
        items: One a case, plus what an official script counts beside the cases.
        figures: Metric -> its means.
        extra: Keys of replies that belong to no case.
        stops: Where the published script would end with an error: ``key: why``.
        notes: Sentences a reader of the figures must know.
        source: Name and hash of the replies file.
        printed: Figures as the published script prints them, as text.
    """

    items: tuple[ItemScore, ...]
    figures: Mapping[str, Figures]
    extra: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    printed: Mapping[str, str] = field(default_factory=dict)

    @property
    def unscored(self) -> dict[str, int]:
        """Outcome -> number of items without a score."""
        return dict(Counter(item.outcome for item in self.items if item.outcome != "scored"))

    @property
    def slips(self) -> dict[str, int]:
        """Slip -> items it touched."""
        return dict(sorted(Counter(slip for item in self.items for slip in item.slips).items()))


@dataclass(frozen=True, slots=True)
class BenchResult:
    """Everything about one editor on one benchmark under one protocol."""

    editor: str
    context: ScoreContext
    metrics: tuple[str, ...]
    headline: str
    scales: Mapping[str, tuple[float, float]]
    runs: tuple[Run, ...]
    notes: tuple[str, ...] = ()


def write_result(result: BenchResult, path: Path) -> Path:
    """Write `result` as JSON, every raw reply with it, replacing an older file.

    Raises:
        StoreError: it cannot be written.
    """
    content = {
        "format": FORMAT,
        "editor": result.editor,
        "context": result.context.model_dump(),
        "metrics": list(result.metrics),
        "headline": result.headline,
        "scales": {name: list(scale) for name, scale in result.scales.items()},
        "notes": list(result.notes),
        "runs": [_run_json(run) for run in result.runs],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(content, indent=1).encode())
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def read_result(path: Path) -> BenchResult:
    """A result that `write_result` wrote, or that of a run folder (``result.json`` in it).

    Raises:
        UsageError: it cannot be read, or is something else.
    """
    if path.is_dir():
        path = path / "result.json"
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the result {path}: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(
            f"{path} is no result of `editloop bench`: make one with --out, for example "
            f"`editloop bench imgedit --cases CASES --replies REPLIES --out {path.name}`"
        )
    try:
        return BenchResult(
            editor=content["editor"],
            context=ScoreContext.model_validate(content["context"]),
            metrics=tuple(content["metrics"]),
            headline=content["headline"],
            scales={name: (low, high) for name, (low, high) in content["scales"].items()},
            runs=tuple(_run(run) for run in content["runs"]),
            notes=tuple(content["notes"]),
        )
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise UsageError(f"{path} is a damaged result: {error}; score the replies again") from error


def item_means(runs: Sequence[Run], metric: str) -> dict[str, float]:
    """Key -> mean of `metric` over the runs that have it."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for item in run.items:
            if metric in item.metrics:
                found.setdefault(item.key, []).append(item.metrics[metric])
    return {key: sum(values) / len(values) for key, values in found.items()}


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "source": dict(run.source),
        "extra": list(run.extra),
        "stops": list(run.stops),
        "notes": list(run.notes),
        "printed": dict(run.printed),
        "figures": {
            name: {
                "groups": dict(figures.groups),
                "macro": figures.macro,
                "micro": figures.micro,
                "counts": dict(figures.counts),
            }
            for name, figures in run.figures.items()
        },
        "items": [_item_json(item) for item in run.items],
    }


def _item_json(item: ItemScore) -> dict[str, Any]:
    row: dict[str, Any] = {"key": item.key, "group": item.group, "image": item.image, "outcome": item.outcome}  # fmt: skip
    for name in ("metrics", "axes", "reason", "slips", "repeats", "instruction"):
        value = getattr(item, name)
        if value:
            row[name] = dict(value) if isinstance(value, Mapping) else value
    if item.reply is not None:
        row["reply"] = item.reply
    return row


def _run(row: Mapping[str, Any]) -> Run:
    return Run(
        items=tuple(
            ItemScore(
                **(
                    item
                    | {
                        "slips": tuple(item.get("slips", ())),
                        "repeats": tuple(item.get("repeats", ())),
                    }
                )
            )
            for item in row["items"]
        ),
        figures={name: Figures(**figures) for name, figures in row["figures"].items()},
        extra=tuple(row["extra"]),
        stops=tuple(row["stops"]),
        notes=tuple(row["notes"]),
        source=dict(row["source"]),
        printed=dict(row["printed"]),
    )
