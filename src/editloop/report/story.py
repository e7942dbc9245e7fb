"""The loop told in pictures: the same cases at every stage of an editor's training, curves, claims, and what got worse."""

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

STORY_NAME = "story.html"
PLOT_WIDTH, PLOT_HEIGHT = 320, 150


@dataclass(frozen=True, slots=True)
class StoryPicture:
    """One picture of a strip; `score` is on 1 to 5, None for a source or a true target."""

    label: str
    image: RgbImage
    score: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """One case: its instruction, and its pictures from source to target."""

    instruction: str
    edit_type: str
    pictures: tuple[StoryPicture, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line; its points are (x, y)."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves over one axis."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, as text; `note` says where the numbers come from."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything the page shows, in its order."""

    title: str
    lead: str
    summary: Sequence[Table] = ()
    strips: Sequence[Strip] = ()
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    """Label -> relative address of pages that belong to the story."""


@dataclass(frozen=True, slots=True)
class _DrawnPlot:
    plot: Plot
    lines: tuple[tuple[str, str], ...]
    """Label and SVG points of every curve."""
    x_ends: tuple[float, float]
    y_ends: tuple[float, float]


def write_story(story: Story, out_dir: Path, name: str = STORY_NAME) -> Path:
    """Write the page, one self-contained file, replacing an older one.

    Raises:
        StoreError: when `out_dir` cannot be written.
    """
    style = template_part("report.css") + template_part("story.css")
    html = (
        environment()
        .get_template("story.html.j2")
        .render(
            story=story,
            plots=[_drawn(plot) for plot in story.plots],
            picture=picture_address,
            style=style,
            policy=content_policy(style),
            width=PLOT_WIDTH,
            height=PLOT_HEIGHT,
        )
    )
    page = out_dir / name
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        write_atomically(page, html.encode())
    except OSError as error:
        raise StoreError(
            f"cannot write {page}: {error.strerror or error}; free some space there or choose another folder"
        ) from error
    return page


def picture_address(image: RgbImage) -> str:
    """A small picture as a ``data:`` address (PNG)."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(image)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _drawn(plot: Plot) -> _DrawnPlot:
    xs = [x for curve in plot.curves for x, _ in curve.points] or [0.0]
    ys = [y for curve in plot.curves for _, y in curve.points] or [0.0]
    x_ends, y_ends = (min(xs), max(xs)), (min(ys), max(ys))
    lines = tuple(
        (
            curve.label,
            " ".join(
                f"{_scaled(x, x_ends) * PLOT_WIDTH:.1f},{(1 - _scaled(y, y_ends)) * PLOT_HEIGHT:.1f}"
                for x, y in curve.points
            ),
        )
        for curve in plot.curves
    )
    return _DrawnPlot(plot, lines, x_ends, y_ends)


def _scaled(value: float, ends: tuple[float, float]) -> float:
    span = ends[1] - ends[0]
    return 0.5 if span == 0 else (value - ends[0]) / span
