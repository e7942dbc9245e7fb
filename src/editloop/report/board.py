"""What a leaderboard and its pages of cases show, as plain values: callers fill it, `write_board` makes the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from editloop.models.roles import RgbImage


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with the ends of its interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class BoardCase:
    """One case of one editor: its score, or why there is none, and what the judge really said.

    `spread` is the largest less the smallest score where the judge was asked several times. `between` are the pictures after
    the earlier turns of a dialogue, whose last is `edited`.
    """

    key: str
    group: str
    instruction: str
    score: float | None
    outcome: str
    reason: str = ""
    axes: tuple[tuple[str, float], ...] = ()
    slips: tuple[str, ...] = ()
    reply: str = ""
    spread: float | None = None
    source: RgbImage | None = None
    edited: RgbImage | None = None
    between: tuple[RgbImage, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One editor. `ranks` is the range of places that the tests leave open, for example ``1-2``."""

    name: str
    ranks: str
    overall: Figure
    by_item: Figure
    groups: tuple[Figure, ...]
    scored: int
    total: int
    note: str = ""
    cases: Sequence[BoardCase] = ()


@dataclass(frozen=True, slots=True)
class PublishedBlock:
    """Figures that others published; never in one table with one's own."""

    title: str
    judge: str
    source: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class PairLine:
    """Two editors compared, in words and numbers."""

    better: str
    worse: str
    difference: Figure
    p_value: float
    effect_size: float
    detectable: float
    items: int
    shown: bool
    """Whether the test shows a difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A leaderboard: rows best first, all on one `scale`."""

    title: str
    lead: str
    metric: str
    scale: tuple[float, float]
    groups: tuple[str, ...]
    rows: Sequence[BoardRow]
    pairs: Sequence[PairLine] = ()
    published: Sequence[PublishedBlock] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
