"""Pairs of pictures that look alike, side by side, for a person to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from editloop.core.errors import StoreError
from editloop.models.roles import RgbImage
from editloop.report.page import content_policy, environment, template_part
from editloop.report.pictures import write_atomically
from editloop.report.story import picture_address


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """Two pictures with their names, what goes with the first, and how they were found."""

    words: str
    found: str
    first: RgbImage
    first_name: str
    second: RgbImage
    second_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlikePage:
    """Everything the page shows."""

    title: str
    lead: str
    first_label: str
    second_label: str
    pairs: Sequence[LookAlikes]
    facts: Mapping[str, str] = field(default_factory=dict)


def write_look_alikes(data: LookAlikePage, path: Path) -> Path:
    """Write the page, one self-contained file, replacing an older one.

    Raises:
        StoreError: when it cannot be written.
    """
    style = template_part("report.css") + template_part("look_alikes.css")
    html = (
        environment()
        .get_template("look_alikes.html.j2")
        .render(page=data, picture=picture_address, style=style, policy=content_policy(style))
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, html.encode())
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; free some space there or choose another folder"
        ) from error
    return path
