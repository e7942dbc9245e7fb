"""The structured edits that the procedural editor carries out, as an editor's `plan`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from editloop.models.editors.procedural.cutout import Cutout
from editloop.models.roles import Matte, RgbImage
from editloop.records.record import Box


@dataclass(frozen=True, slots=True)
class Remove:
    """Take the object out and fill the hole; `covered` when something else will stand before most of the fill."""

    matte: Matte
    box: Box
    covered: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """Set `cutout` where the removed object stood; the image is already without it."""

    removed: Matte
    removed_noun: str
    cutout: Cutout
    noun: str


@dataclass(frozen=True, slots=True)
class Add:
    """Set `cutout` on free ground beside the anchor."""

    anchor_noun: str
    anchor: Box
    occupied: tuple[Box, ...]
    cutout: Cutout
    noun: str


@dataclass(frozen=True, slots=True)
class Recolour:
    """Give the object another colour."""

    matte: Matte
    colour: str


@dataclass(frozen=True, slots=True)
class Retexture:
    """Give the object another material."""

    matte: Matte
    material: str


@dataclass(frozen=True, slots=True)
class SwapBackground:
    """Put the object before another photograph; the noun says whether it belongs there."""

    matte: Matte
    background: RgbImage
    noun: str


@dataclass(frozen=True, slots=True)
class Backdrop:
    """Put the object before a studio backdrop, a name of `backdrops.BACKDROPS`."""

    matte: Matte
    backdrop: str


@dataclass(frozen=True, slots=True)
class Extract:
    """The object alone on white."""

    matte: Matte
    box: Box


@dataclass(frozen=True, slots=True)
class Stylise:
    """The whole picture in another medium."""

    style: str


@dataclass(frozen=True, slots=True)
class Tone:
    """Another light, weather or grading; fog needs the matte to leave a near subject clear."""

    tone: str
    matte: Matte | None = None


@dataclass(frozen=True, slots=True)
class Bokeh:
    """Blur everything but the object."""

    matte: Matte


@dataclass(frozen=True, slots=True)
class Relight:
    """Light the scene anew around the object."""

    matte: Matte
    light: str


Operation: TypeAlias = (
    Remove
    | Replace
    | Add
    | Recolour
    | Retexture
    | SwapBackground
    | Backdrop
    | Extract
    | Stylise
    | Tone
    | Bokeh
    | Relight
)
