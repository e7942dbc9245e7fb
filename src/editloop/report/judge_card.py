"""A judge's card: how far it agrees with people, what classical scores are worth beside it, and what probes make of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from editloop.core.errors import StoreError
from editloop.models.roles import RgbImage
from editloop.report.page import content_policy, environment, template_part
from editloop.report.pictures import write_atomically
from editloop.report.story import Table

SIDE = 260
"""Width and height of a plot, in its own units."""
_THUMBNAIL = 240
_LOW, _HIGH = -0.4, 1.0
"""Ends of the axis of a correlation."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A correlation with its interval; NaN ends for one that has none. `kind` is judge, baseline or people."""

    label: str
    value: float
    low: float
    high: float
    kind: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Correlations one below the other."""

    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Scatter:
    """Judge (across) and people (up), both on people's scale."""

    title: str
    points: Sequence[tuple[float, float]]
    scale: tuple[float, float]


@dataclass(frozen=True, slots=True)
class CardPicture:
    """One picture with its caption; `note` is the score."""

    label: str
    image: RgbImage
    note: str = ""


@dataclass(frozen=True, slots=True)
class CardRow:
    """Pictures side by side under an instruction."""

    instruction: str
    pictures: Sequence[CardPicture]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCard:
    """Everything the page shows, in its order."""

    title: str
    lead: str
    charts: Sequence[BarChart] = ()
    scatters: Sequence[Scatter] = ()
    agreement: Sequence[Table] = ()
    probes: Table | None = None
    probe_rows: Sequence[CardRow] = ()
    disagreements: Sequence[CardRow] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _DrawnBar:
    bar: Bar
    y: float
    zero: float
    end: float
    low: float | None
    high: float | None


def write_judge_card(card: JudgeCard, path: Path) -> Path:
    """Write the page, one self-contained file, replacing an older one.

    Raises:
        StoreError: when it cannot be written.
    """
    style = (
        template_part("report.css") + template_part("story.css") + template_part("judge_card.css")
    )
    html = (
        environment()
        .get_template("judge_card.html.j2")
        .render(
            card=card,
            charts=[
                (chart, [_drawn(bar, n) for n, bar in enumerate(chart.bars)])
                for chart in card.charts
            ],
            scatters=[(one, _dots(one)) for one in card.scatters],
            picture=thumbnail,
            place=_place,
            side=SIDE,
            style=style,
            policy=content_policy(style),
        )
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, html.encode())
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; free some space there or choose another folder"
        ) from error
    return path


def thumbnail(image: RgbImage) -> str:
    """A small picture as a ``data:`` address (JPEG)."""
    small = Image.fromarray(np.asarray(image))
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _place(value: float) -> float:
    """Where a correlation stands across a chart of width 100."""
    return 100 * (min(_HIGH, max(_LOW, value)) - _LOW) / (_HIGH - _LOW)


def _drawn(bar: Bar, number: int) -> _DrawnBar:
    known = bar.low == bar.low and bar.high == bar.high
    return _DrawnBar(
        bar,
        y=number,
        zero=_place(0),
        end=_place(bar.value),
        low=_place(bar.low) if known else None,
        high=_place(bar.high) if known else None,
    )


def _dots(scatter: Scatter) -> list[tuple[float, float]]:
    low, high = scatter.scale
    return [
        (SIDE * (x - low) / (high - low), SIDE * (1 - (y - low) / (high - low)))
        for x, y in scatter.points
    ]
