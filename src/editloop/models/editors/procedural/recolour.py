"""Changes the colour of one object and keeps its light and shade.

The object's dominant part is found by hue (or, on a white, grey or black object, by neutrality), its lightness curve is
bent so that the typical shade lands on the wanted one while black stays black and gloss stays white, and chroma
follows. Parts of other colours (text, tyres, eyes, a hand) stay as they are.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.colours import (
    COLOURS,
    NEUTRALS,
    NamedColour,
    chroma,
    colour_distance,
    colour_name,
    hue,
    linear_from_oklab,
    named,
    oklab,
)
from editloop.models.editors.procedural.dominant_part import Part, dominant_part
from editloop.models.roles import EditResult, Matte, RgbImage

REFUSALS = {
    "matte_mismatch": "matte and image differ in size",
    "object_too_small": "the object covers less than 1 % of the frame",
    "object_too_large": "the object covers more than 85 % of the frame",
    "uncertain_matte": "too much of the object's outline is undecided",
    "no_dominant_colour": "no single colour covers enough of the object",
    "no_clear_part": "the main colour fades into others without an edge",
    "same_colour": "the object already has the wanted colour",
    "lightness_out_of_range": "the wanted colour is too far from the object's lightness to keep its shading",
}

_NOUNS = tomllib.loads(
    resources.files("editloop.models.editors.procedural")
    .joinpath("recolour_nouns.toml")
    .read_text(encoding="utf-8")
)
RECOLOURABLE = frozenset(_NOUNS["usual"].split())
"""Nouns whose colour people do change."""
ODD_TO_RECOLOUR = frozenset(_NOUNS["odd"].split())
"""Nouns for which a new colour looks like a mistake."""

_LEAST_PART = 0.38
_MOST_DARKENING = 0.36
_MOST_LIGHTENING = 1.30
"""Lifting a surface further than this makes it glow in its surroundings."""


@dataclass(frozen=True, slots=True)
class Option:
    """A colour the object can take, and why."""

    colour: str
    part_share: float
    """Share of the object that would change, in [0, 1]."""
    reason: str


def _bent_lightness(
    lightness: NDArray[np.float32], typical: float, wanted: float
) -> NDArray[np.float32]:
    """Lightness moved so that `typical` lands on `wanted`; black stays black, gloss stays gloss."""
    below = lightness * (wanted / typical)
    slope = min((1 - wanted) / max(1 - typical, 1e-3), 1.25)
    above = wanted + (lightness - typical) * slope
    return np.asarray(np.where(lightness < typical, below, above), np.float32)


def _wanted_lightness(target: NamedColour, typical: float) -> float:
    """A compromise between the target's own lightness and the object's: shading survives, the name still fits."""
    wanted = target.lab[0]
    pull = 0.85 if target.name in NEUTRALS or target.name in {"yellow", "brown", "beige"} else 0.62
    return min(typical + pull * (wanted - typical), _MOST_LIGHTENING * typical)


def _new_typical(part: Part, target: NamedColour) -> tuple[float, float, float]:
    """OKLab of the object's typical shade after the change; a dark surface takes less chroma than a light one."""
    lightness = _wanted_lightness(target, max(part.lab[0], 0.05))
    strength = min(1.0, (lightness / target.lab[0])) ** 0.9
    return lightness, target.lab[1] * strength, target.lab[2] * strength


def _into_gamut(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light in [0, 1] of `lab` with chroma reduced, where needed, at constant hue and lightness."""
    light = linear_from_oklab(lab)
    low = np.zeros(len(lab), np.float32)
    high = np.ones(len(lab), np.float32)
    outside = (light.min(axis=1) < 0) | (light.max(axis=1) > 1)
    if outside.any():
        hard = lab[outside]
        for _ in range(6):
            middle = (low[outside] + high[outside]) / 2
            trial = linear_from_oklab(
                hard * np.stack([np.ones_like(middle), middle, middle], axis=1)
            )
            fits = (trial.min(axis=1) >= -1e-3) & (trial.max(axis=1) <= 1.001)
            low[outside] = np.where(fits, middle, low[outside])
            high[outside] = np.where(fits, high[outside], middle)
        scale = low[outside]
        light[outside] = linear_from_oklab(
            hard * np.stack([np.ones_like(scale), scale, scale], axis=1)
        )
    return np.clip(light, 0, 1)


def _recoloured(lab: NDArray[np.float32], part: Part, target: NamedColour) -> NDArray[np.float32]:
    """Display values of `lab` (n, 3) after the change."""
    typical = max(part.lab[0], 0.05)
    wanted = _wanted_lightness(target, typical)
    lightness = np.clip(_bent_lightness(lab[:, 0], typical, wanted), 0, 1)
    target_chroma = float(np.hypot(*_new_typical(part, target)[1:]))
    target_hue = np.radians(float(hue(np.array([target.lab], np.float32))[0]))
    if part.chromatic:
        own = max(float(np.hypot(*part.lab[1:])), 0.02)
        follow = np.clip(chroma(lab) / own, 0, 1.5) ** 0.8
    else:
        shade = np.clip(lightness / max(wanted, 1e-3), 0, 1)
        follow = shade * (1 - pixels.smoothstep(lab[:, 0], max(typical + 0.06, 0.90), 1.0))
    turn = 0.0
    if part.chromatic and target.name not in NEUTRALS:
        own_hue = float(hue(np.array([part.lab], np.float32))[0])
        turn = 0.35 * np.radians((hue(lab) - own_hue + 180) % 360 - 180)
    strength = target_chroma * follow
    new = np.stack(
        [lightness, strength * np.cos(target_hue + turn), strength * np.sin(target_hue + turn)],
        axis=1,
    ).astype(np.float32)
    return pixels.from_linear(_into_gamut(new))


def _objection(part: Part, target: NamedColour) -> tuple[str, str] | None:
    """Why this colour would not look right, as (reason, detail)."""
    if part.share < _LEAST_PART:
        return (
            "no_dominant_colour",
            f"the largest single-coloured part is {part.share:.0%} of the object",
        )
    if part.blurred_out > 0.15:
        return "no_clear_part", f"{part.blurred_out:.0%} of the object fades out of its main colour"
    present = colour_name(part.lab)
    if present == target.name or colour_distance(part.lab, target.lab) < 14:
        return "same_colour", f"the object is {present}, close to {target.name}"
    if _wanted_lightness(target, part.lab[0]) < _MOST_DARKENING * part.lab[0]:
        return "lightness_out_of_range", f"{target.name} is too dark for a surface this bright"
    reached = colour_name(_new_typical(part, target))
    if reached != target.name:
        return (
            "lightness_out_of_range",
            f"with its shading kept, the object would look {reached}, not {target.name}",
        )
    if part.lab[0] < 0.24 and target.name != "grey":
        return "lightness_out_of_range", f"a {present} surface this dark shows no shading to colour"
    return None


def _check(image: RgbImage, matte: Matte) -> None:
    pixels.check_matte(image, matte, 0.01, 0.85)
    pixels.check_outline(matte, 0.30)


def recolour_options(image: RgbImage, matte: Matte) -> list[Option]:
    """The colours that would look right on the object, the most different first.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: The object, float32 (h, w) in [0, 1].

    Returns:
        Possibly nothing: a picture that offers no convincing change.
    """
    try:
        _check(image, matte)
    except BadInputError:
        return []
    part = dominant_part(image, oklab(image), matte)
    present = colour_name(part.lab)
    options = []
    for target in COLOURS.values():
        if _objection(part, target) is None:
            distance = colour_distance(part.lab, target.lab)
            options.append(
                (
                    -distance,
                    Option(
                        target.name,
                        part.share,
                        f"{present} part of {part.share:.0%}, {distance:.0f} away",
                    ),
                )
            )
    return [option for _, option in sorted(options, key=lambda pair: pair[0])]


def recolour(image: RgbImage, matte: Matte, colour: str) -> EditResult:
    """The object in another colour.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: The object, float32 (h, w) in [0, 1]. Pixels where it is 0 keep their bytes.
        colour: A name of `colours.COLOURS`.

    Returns:
        Facts: ``part_share`` (share of the object recoloured), ``lightness_ratio``.

    Raises:
        BadInputError: one of `REFUSALS`.
        UnknownNameError: `colour` has no entry.
    """
    target = named(colour)
    _check(image, matte)
    lab = oklab(image)
    part = dominant_part(image, lab, matte)
    objection = _objection(part, target)
    if objection:
        raise BadInputError(*objection)
    # A mixed pixel at the outline keeps the object's hue, so it is recoloured in full: no fringe of the old colour.
    weight = part.weight * pixels.smoothstep(matte, 0.02, 0.55)
    touched = weight > 0.004
    edited = pixels.unit(image)
    edited[touched] = _recoloured(lab[touched], part, target)
    result = pixels.blend(image, edited, np.where(touched, weight, 0).astype(np.float32))
    ratio = _wanted_lightness(target, part.lab[0]) / max(part.lab[0], 0.05)
    return EditResult(
        image=result,
        changed=pixels.changed_pixels(image, result),
        facts={"part_share": part.share, "lightness_ratio": ratio},
    )
