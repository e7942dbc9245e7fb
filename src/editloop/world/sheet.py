"""One picture of everything in the storybook world: `python -m editloop.world.sheet OUT.png`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, get_args

from PIL import Image, ImageDraw, ImageFont

from editloop.core.seeds import generator
from editloop.models.roles import RgbImage
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import apply_changes
from editloop.world.choices import COLOURS, KINDS, LIGHTS, PATTERNS, SIZES, STYLES, TONES, WEARS
from editloop.world.corruptors import applicable_flaws, corrupt
from editloop.world.render import render
from editloop.world.scenes import Background, Scene, SceneObject

_COLUMNS = 10
_TILE, _GAP, _LABEL, _TITLE = 64, 12, 16, 26
_STREET = Scene(
    "meadow",
    (
        SceneObject("car", "red", "left"),
        SceneObject("tree", "green", "middle", "big"),
        SceneObject("cup", "yellow", "right", "small"),
    ),
)


class Labelled(NamedTuple):
    """A picture and what stands under it."""

    label: str
    picture: RgbImage


def sections() -> Iterator[tuple[str, list[Labelled]]]:
    """Titles, and the pictures under each."""
    yield (
        "kinds",
        [Labelled(kind, _alone(SceneObject(kind, "red", "middle", "big"))) for kind in KINDS],
    )
    ball = SceneObject("ball", "red", "middle", "big")
    yield "colours", [Labelled(name, _alone(replace(ball, colour=name))) for name in COLOURS]
    mushroom = SceneObject("mushroom", "blue", "middle")
    sizes = [Labelled(name, _alone(replace(mushroom, size=name))) for name in SIZES]
    patterns = [Labelled(name, _alone(replace(mushroom, pattern=name))) for name in PATTERNS]
    jumping = Labelled("jumping", _alone(replace(mushroom, jumping=True)))
    yield "sizes, patterns, a jump", [*sizes, *patterns, jumping]
    yield (
        "backgrounds",
        [Labelled(n, render(replace(_STREET, background=n))) for n in get_args(Background)],
    )
    yield "looks", [Labelled(name, render(scene)) for name, scene in _looks()]
    case = _recolouring()
    rng = generator(0, "sheet")
    flaws = [
        Labelled(flaw.replace("_", " "), corrupt(case, flaw, rng))
        for flaw in applicable_flaws(case)
    ]
    pair = [Labelled("source", render(case.source)), Labelled("right", render(case.target))]
    yield f'flaws of "{case.instruction}"', [*pair, *flaws]


def sheet(parts: Sequence[tuple[str, Sequence[Labelled]]]) -> Image.Image:
    """Titled rows of labelled pictures, enlarged without smoothing."""
    lines = [-(-len(pictures) // _COLUMNS) for _, pictures in parts]
    height = sum(_TITLE + rows * (_TILE + _LABEL) for rows in lines) + _GAP
    page = Image.new("RGB", (_COLUMNS * (_TILE + _GAP) + _GAP, height), "white")
    draw = ImageDraw.Draw(page)
    small, large = ImageFont.load_default(9), ImageFont.load_default(14)
    top = 0
    for (title, pictures), rows in zip(parts, lines, strict=True):
        draw.text((_GAP, top + 4), title, "black", large)
        for place, (label, picture) in enumerate(pictures):
            row, column = divmod(place, _COLUMNS)
            x = _GAP + column * (_TILE + _GAP)
            y = top + _TITLE + row * (_TILE + _LABEL)
            tile = Image.fromarray(picture).resize((_TILE, _TILE), Image.Resampling.NEAREST)
            page.paste(tile, (x, y))
            draw.text((x, y + _TILE), label, "black", small)
        top += _TITLE + rows * (_TILE + _LABEL)
    return page


def _alone(thing: SceneObject) -> RgbImage:
    return render(Scene("meadow", (thing,)))


def _looks() -> Iterator[tuple[str, Scene]]:
    yield "none", _STREET
    yield from ((name, replace(_STREET, style=name)) for name in STYLES)
    yield from ((name, replace(_STREET, tone=name)) for name in TONES)
    yield from ((f"light {name}", replace(_STREET, light=name)) for name in LIGHTS)
    yield "focus", replace(_STREET, focus=1)
    yield from ((name, replace(_STREET, wear=name)) for name in WEARS)


def _recolouring() -> Case:
    changes = (Change(EditType.ADJUST, 0, "colour", "blue"),)
    target = apply_changes(_STREET, changes)
    return Case("sheet", _STREET, "make the car blue", changes, (target,), EditType.ADJUST)


def main() -> None:
    """Write the sheet to the path given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the picture to write, PNG")
    sheet(list(sections())).save(parser.parse_args().out, optimize=True)


if __name__ == "__main__":
    main()
