"""Whole photographs in artistic styles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural import pixels, style_drawing, style_painting, style_print
from editloop.models.editors.procedural.looks import (
    Expectation,
    Look,
    catalogue,
    check_kept,
    look_named,
)
from editloop.models.editors.procedural.pixels import Planes
from editloop.models.roles import EditResult, RgbImage

REFUSALS = {
    "featureless": "the photograph has next to no contrast to draw",
    "promise_not_kept": "on this photograph the style changes too little, or too much, to be recognised",
}

_MONOCHROME = Expectation("chroma", 0.0, 0.03)
_SAME_LAYOUT = Expectation("structure", 0.45, 1.0)

STYLES = catalogue(
    Look(
        "pencil_sketch",
        "a pencil sketch",
        "graphite contours and hatching on white paper",
        (_MONOCHROME, Expectation("lightness_change", 0.0, 1.0), _SAME_LAYOUT),
    ),
    Look(
        "charcoal",
        "a charcoal drawing",
        "smudged blacks on rough paper",
        (_MONOCHROME, Expectation("structure", 0.3, 1.0)),
    ),
    Look(
        "watercolour",
        "a watercolour painting",
        "transparent washes with dark rims and a ragged white border",
        (Expectation("lightness_change", -0.05, 1.0), Expectation("structure", 0.3, 1.0)),
    ),
    Look(
        "oil_painting",
        "an oil painting",
        "visible brush strokes that follow the form",
        (Expectation("difference", 1.5, 30.0), Expectation("structure", 0.75, 1.0)),
    ),
    Look(
        "pointillism",
        "a pointillist painting",
        "dots of pure colour side by side",
        (Expectation("difference", 3.0, 40.0), Expectation("structure", 0.6, 1.0)),
    ),
    Look(
        "comic",
        "a comic-book panel",
        "flat bright colours, printed dots and bold ink outlines",
        (Expectation("difference", 3.0, 50.0), _SAME_LAYOUT),
    ),
    Look(
        "halftone",
        "a halftone newspaper print",
        "cyan, magenta, yellow and black dots on cream paper",
        (Expectation("difference", 3.0, 50.0), _SAME_LAYOUT),
    ),
    Look(
        "woodblock_print",
        "a Japanese woodblock print",
        "flat muted inks with dark blue outlines and a shaded sky",
        (Expectation("difference", 3.0, 50.0), Expectation("structure", 0.3, 1.0)),
    ),
    Look(
        "engraving",
        "an old engraving",
        "fine swelling lines of dark ink",
        (_MONOCHROME, Expectation("structure", 0.4, 1.0)),
    ),
    Look(
        "pixel_art",
        "pixel art",
        "large square pixels in a small palette",
        (Expectation("difference", 1.0, 30.0), Expectation("structure", 0.8, 1.0)),
    ),
)

_RENDERERS: dict[str, Callable[[RgbImage, np.random.Generator], Planes]] = {
    "pencil_sketch": style_drawing.pencil_sketch,
    "charcoal": style_drawing.charcoal,
    "watercolour": style_painting.watercolour,
    "oil_painting": style_painting.oil_painting,
    "pointillism": style_painting.pointillism,
    "comic": style_print.comic,
    "halftone": style_print.halftone,
    "woodblock_print": style_print.woodblock_print,
    "engraving": style_drawing.engraving,
    "pixel_art": style_print.pixel_art,
}


def style_options(image: RgbImage) -> list[str]:
    """The styles that suit the photograph, in catalogue order."""
    pixels.check_image(image)
    return [] if _featureless(image) else list(STYLES)


def _featureless(image: RgbImage) -> bool:
    low, high = np.percentile(pixels.grey(image), [2, 98])
    return bool(high - low < 0.15)


def style(image: RgbImage, style: str, seed: int = 0) -> EditResult:
    """The photograph in another style.

    Args:
        image: RGB uint8 (h, w, 3).
        style: A name of `STYLES`.
        seed: Chooses strokes, grain and paper; equal seeds give equal bytes.

    Raises:
        BadInputError: one of `REFUSALS`, or an unusable image.
        UnknownNameError: `style` has no entry.
    """
    look = look_named(STYLES, style, "style")
    pixels.check_image(image)
    if _featureless(image):
        raise BadInputError("featureless", "lightness spans less than 15 % of its range")
    result = pixels.to_bytes(_RENDERERS[look.name](image, np.random.default_rng(seed)))
    check_kept(look, image, result)
    return EditResult(image=result, changed=pixels.changed_pixels(image, result))
