"""Published figures, and whether an overall that somebody printed is a mean over types or over items."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

Weighting = Literal["macro", "micro", "both", "neither", "unstated"]

TOLERANCE: Final = 0.01
"""Figures are printed with two digits: an overall may be off by its own rounding and that of its parts."""
IMGEDIT_COUNTS: Final[Mapping[str, int]] = {
    "extract": 117,
    "style": 100,
    "add": 95,
    "adjust": 94,
    "background": 94,
    "replace": 92,
    "remove": 86,
    "action": 36,
    "compose": 23,
}
"""Cases of each type in the released basic suite of ImgEdit-Bench: 737 in all."""


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One model in one published table."""

    model: str
    figures: Mapping[str, float]
    overall: float | None


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """Rows that one judge scored in one place."""

    id: str
    task: str
    subset: str
    metric: str
    judge: str
    source: str
    note: str
    rows: tuple[PublishedRow, ...]


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a printed overall is: `macro` and `micro` are the means of the same row."""

    weighting: Weighting
    macro: float
    micro: float


@cache
def published_tables() -> tuple[PublishedTable, ...]:
    """Every published table that this package knows."""
    text = files("editloop.bench").joinpath("published.toml").read_text(encoding="utf-8")
    return tuple(_table(entry) for entry in tomllib.loads(text)["tables"])


def recognise(
    figures: Mapping[str, float],
    overall: float | None,
    counts: Mapping[str, int] = IMGEDIT_COUNTS,
    tolerance: float = TOLERANCE,
) -> Recognised:
    """Whether `overall` is the mean over types (macro) or over items (micro) of `figures`.

    Where both means round to the same, it is ``both``; a fit of one alone names it; else ``neither``.

    Args:
        figures: Type -> figure.
        overall: As printed; None gives ``unstated``.
        counts: Type -> number of items.
        tolerance: How far off a printed overall may be.

    Example:
        >>> recognise({"add": 4.0, "compose": 2.0}, 3.0).weighting
        'macro'
    """
    macro = sum(figures.values()) / len(figures)
    items = sum(counts[name] for name in figures)
    micro = sum(value * counts[name] for name, value in figures.items()) / items
    if overall is None:
        return Recognised("unstated", macro, micro)
    off = {"macro": abs(overall - macro), "micro": abs(overall - micro)}
    fits = [name for name, distance in off.items() if distance <= tolerance + 1e-9]
    if len(fits) == 2 and abs(off["macro"] - off["micro"]) > tolerance / 4:
        fits = [min(off, key=lambda name: off[name])]
    weighting: Weighting = (
        "both"
        if len(fits) == 2
        else "neither"
        if not fits
        else "macro"
        if fits == ["macro"]
        else "micro"
    )
    return Recognised(weighting, macro, micro)


def _table(entry: Mapping[str, object]) -> PublishedTable:
    columns = list(map(str, _list(entry["columns"])))
    rows = []
    for row in _list(entry["rows"]):
        model, *values = _list(row)
        numbers = [float(str(value)) for value in values]
        overall = numbers.pop() if entry["has_overall"] else None
        rows.append(PublishedRow(str(model), dict(zip(columns, numbers, strict=True)), overall))
    words = {
        name: str(entry[name])
        for name in ("id", "task", "subset", "metric", "judge", "source", "note")
    }
    return PublishedTable(**words, rows=tuple(rows))


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"published.toml: expected a list, got {value!r}")
    return value
