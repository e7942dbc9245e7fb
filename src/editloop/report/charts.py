"""Charts of a leaderboard as coordinates for inline SVG: a radar, and intervals on one line each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from editloop.report.board import Board, BoardRow, Figure

RADIUS = 100.0
MOST_ON_RADAR = 6
FEWEST_AXES = 3


@dataclass(frozen=True, slots=True)
class Spoke:
    """One axis of a radar: where it ends, and where its label stands."""

    label: str
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Radar:
    """Polygons of editors over the groups; `rings` are circles at quarters of the scale."""

    spokes: tuple[Spoke, ...]
    rings: tuple[tuple[float, str], ...]
    shapes: tuple[tuple[str, str], ...]
    """Name and SVG points."""
    left_out: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One editor on a line from 0 to 100: its figure and interval, None where nothing is scored."""

    name: str
    text: str
    at: float | None
    low: float | None
    high: float | None
    colour: int


@dataclass(frozen=True, slots=True)
class Strip:
    """All editors on one group."""

    label: str
    marks: tuple[Mark, ...]


def radar(board: Board) -> Radar | None:
    """The best editors over all groups; None with fewer than three groups, which make no area."""
    if len(board.groups) < FEWEST_AXES or not board.rows:
        return None
    turns = [2 * math.pi * place / len(board.groups) for place in range(len(board.groups))]
    spokes = tuple(
        _spoke(label.replace("_", " "), turn)
        for label, turn in zip(board.groups, turns, strict=True)
    )
    low, high = board.scale
    rings = tuple((RADIUS * part / 4, f"{low + (high - low) * part / 4:g}") for part in range(1, 5))
    shown = board.rows[:MOST_ON_RADAR]
    shapes = tuple((row.name, _polygon(row, turns, board.scale)) for row in shown)
    return Radar(spokes, rings, shapes, len(board.rows) - len(shown))


def strips(board: Board) -> list[Strip]:
    """The overall and every group, one line an editor."""
    whole = [("overall", [row.overall for row in board.rows])]
    whole += [
        (group, [row.groups[place] for row in board.rows])
        for place, group in enumerate(board.groups)
    ]
    return [
        Strip(
            label.replace("_", " "),
            tuple(
                _mark(row.name, figure, board.scale, place)
                for place, (row, figure) in enumerate(zip(board.rows, figures, strict=True))
            ),
        )
        for label, figures in whole
    ]


def shown(figure: Figure, *, interval: bool = True) -> str:
    """A figure as text."""
    if figure.value is None:
        return "none"
    text = f"{figure.value:.2f}"
    if not interval or figure.low is None or figure.high is None:
        return text
    return f"{text} [{figure.low:.2f}, {figure.high:.2f}]"


def _spoke(label: str, turn: float) -> Spoke:
    x, y = math.sin(turn), -math.cos(turn)
    anchor = "middle" if abs(x) < 0.2 else ("start" if x > 0 else "end")
    return Spoke(label, x * RADIUS, y * RADIUS, x * (RADIUS + 8), y * (RADIUS + 12) + 3, anchor)


def _polygon(row: BoardRow, turns: Sequence[float], scale: tuple[float, float]) -> str:
    points = []
    for figure, turn in zip(row.groups, turns, strict=True):
        reach = RADIUS * (_share(figure.value, scale) or 0.0) / 100
        points.append(f"{math.sin(turn) * reach:.1f},{-math.cos(turn) * reach:.1f}")
    return " ".join(points)


def _mark(name: str, figure: Figure, scale: tuple[float, float], colour: int) -> Mark:
    return Mark(
        name,
        shown(figure),
        _share(figure.value, scale),
        _share(figure.low, scale),
        _share(figure.high, scale),
        colour % 8,
    )


def _share(value: float | None, scale: tuple[float, float]) -> float | None:
    """Place of `value` on the scale, 0 to 100."""
    if value is None:
        return None
    low, high = scale
    return min(100.0, max(0.0, 100 * (value - low) / (high - low)))
