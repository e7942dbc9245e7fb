"""Lights a photograph again: a lamp from one side, coloured gels, a spotlight, a low sun, blinds.

The new light is a ratio image: pseudo-normals of the object (see `shape`) and a falloff over the frame say how much more or less light
each pixel gets; the photograph is multiplied by it in linear light, with highlights rolled off instead of clipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.looks import (
    Expectation,
    Look,
    catalogue,
    check_kept,
    look_named,
)
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.editors.procedural.scene import read_scene
from editloop.models.editors.procedural.shape import inflated, normals
from editloop.models.roles import EditResult, Matte, RgbImage

REFUSALS = {
    "matte_mismatch": "matte and image differ in size",
    "object_too_small": "the object covers less than 3 % of the frame",
    "object_too_large": "the object covers more than 80 % of the frame",
    "uncertain_matte": "too much of the object's outline is undecided",
    "too_dark": "the photograph is too dark to be lit again",
    "outdoors": "blue sky or much green shows: indoor light would not be believed",
    "studio_background": "a plain white or black backdrop has no evening light",
    "promise_not_kept": "the light changes too little on this object to be recognised",
}

LIGHTS = catalogue(
    Look("left", "light from the left", "a soft lamp on the left, shadow falling to the right"),
    Look("right", "light from the right", "a soft lamp on the right, shadow falling to the left"),
    Look(
        "spotlight",
        "a spotlight from above",
        "a pool of warm light on the subject, everything around it dark",
        (Expectation("lightness_change", -0.6, -0.03),),
    ),
    Look(
        "sunset",
        "the last sunlight from the side",
        "low orange sun on one side and cool shade on the other",
        (Expectation("warmth_change", 0.004, 0.2),),
    ),
    Look(
        "blinds",
        "light through window blinds",
        "slanted warm stripes of light and shadow over everything",
    ),
    Look(
        "neon",
        "neon light",
        "magenta light from the left and cyan light from the right in a dark room",
    ),
)


_SIDES = {"left": 1, "right": -1}
_LEAST_BALANCE = 0.08
"""Change of lightness between the object's halves from which a light's side is plain to see."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """Everything a light needs to know about the picture."""

    light: Planes
    normal: Planes
    matte: Matte
    x: Plane
    """-1 at the left edge, 1 at the right."""
    y: Plane
    """-1 at the top, 1 at the bottom."""
    centre: tuple[float, float]
    extent: tuple[float, float]
    factor: float


def _stage(image: RgbImage, matte: Matte) -> _Stage:
    height, width = matte.shape
    x = np.broadcast_to(np.linspace(-1, 1, width, dtype=np.float32)[None], matte.shape)
    y = np.broadcast_to(np.linspace(-1, 1, height, dtype=np.float32)[:, None], matte.shape)
    inside = matte > 0.5
    left, right = np.percentile(x[inside], [2, 98])
    top, bottom = np.percentile(y[inside], [2, 98])
    return _Stage(
        light=pixels.to_linear(pixels.unit(image)),
        normal=normals(image, matte),
        matte=matte,
        x=x,
        y=y,
        centre=(float(left + right) / 2, float(top + bottom) / 2),
        extent=(float(right - left) / 2, float(bottom - top) / 2),
        factor=pixels.size_factor(image),
    )


def _facing(stage: _Stage, direction: tuple[float, float, float]) -> Plane:
    """Cosine between surface and light, in [0, 1]."""
    unit = np.array(direction, np.float32)
    return np.clip(stage.normal @ (unit / np.linalg.norm(unit)), 0, 1).astype(np.float32)


def _rolled_off(light: NDArray[np.floating]) -> Planes:
    """Linear light above 0.6 compressed towards 1, hue kept."""
    peak = light.max(axis=2, keepdims=True)
    knee = 0.6
    squeezed = np.where(
        peak > knee, knee + (1 - knee) * (1 - np.exp(-(peak - knee) / (1 - knee))), peak
    )
    return np.asarray(light * squeezed / np.maximum(peak, 1e-6), np.float32)


def _from_side(stage: _Stage, side: int) -> Planes:
    facing = _facing(stage, (0.85 * side, -0.30, 0.55))
    across = 0.5 + 0.5 * stage.x * side
    room = 0.42 + 1.05 * pixels.smoothstep(across, -0.15, 1.1)
    on_object = 0.28 + 1.55 * facing**1.2
    gain = room * (1 - stage.matte) + stage.matte * on_object * (0.65 + 0.45 * across)
    lamp = np.array([1.10, 1.0, 0.86], np.float32)
    shade = np.array([0.90, 0.97, 1.10], np.float32)
    mix = pixels.smoothstep(gain, 0.45, 1.2)[..., None]
    return _rolled_off(stage.light * gain[..., None] * (shade + (lamp - shade) * mix))


def _left(stage: _Stage) -> Planes:
    return _from_side(stage, -1)


def _right(stage: _Stage) -> Planes:
    return _from_side(stage, 1)


def _spotlight(stage: _Stage) -> Planes:
    centre_x, centre_y = stage.centre
    wide = max(stage.extent[0], 0.25) * 1.5
    tall = max(stage.extent[1], 0.25) * 1.45
    radius = np.sqrt(((stage.x - centre_x) / wide) ** 2 + ((stage.y - centre_y) / tall) ** 2)
    pool = 1 - pixels.smoothstep(radius, 0.45, 1.25)
    facing = _facing(stage, (0.0, -0.75, 0.65))
    on_object = 0.35 + 1.10 * facing
    gain = 0.07 + 1.25 * pool * ((1 - stage.matte) * 0.85 + stage.matte * on_object)
    lamp = np.array([1.10, 1.0, 0.82], np.float32)
    return _rolled_off(stage.light * gain[..., None] * lamp)


def _sunset(stage: _Stage) -> Planes:
    middle = stage.x.shape[1] // 2
    side = -1 if stage.light[:, :middle].mean() > stage.light[:, middle:].mean() else 1
    facing = _facing(stage, (0.95 * side, -0.12, 0.35))
    across = pixels.smoothstep(0.5 + 0.5 * stage.x * side, 0, 1)
    sun = stage.matte * (0.08 + 1.35 * facing) + (1 - stage.matte) * (0.20 + 0.80 * across)
    warm = np.array([1.25, 0.70, 0.30], np.float32)
    shade = np.array([0.40, 0.38, 0.46], np.float32)
    low_sun = ((stage.x - 1.1 * side) / 0.75) ** 2 + ((stage.y + 0.35) / 0.65) ** 2
    haze = 0.13 * np.exp(-low_sun)[..., None] * np.array([1.0, 0.48, 0.14], np.float32)
    return _rolled_off(stage.light * (shade + sun[..., None] * warm) + haze)


def _blinds(stage: _Stage) -> Planes:
    bend = 0.10 * inflated(stage.matte) * stage.matte
    slant = stage.y + 0.34 * stage.x - bend
    stripe = np.abs(((slant * 4.4) % 1.0) - 0.5) * 2
    softness = 0.20 + 0.08 * (stage.x + 1)
    slats = pixels.clipped((0.60 - stripe) / softness + 0.5)
    across = (stage.x - 0.34 * stage.y - 0.6 * stage.centre[0]) / 0.82
    down = (slant - 0.6 * stage.centre[1]) / 0.80
    window = 1 - pixels.smoothstep(np.maximum(np.abs(across), np.abs(down)), 0.86, 1.04)
    facing = stage.matte * (0.55 + 0.65 * _facing(stage, (-0.5, -0.4, 0.75))) + 1 - stage.matte
    sun = (slats * window * facing)[..., None] * np.array([1.22, 0.96, 0.66], np.float32)
    room = np.array([0.36, 0.37, 0.41], np.float32)
    return _rolled_off(stage.light * (room + sun))


def _neon(stage: _Stage) -> Planes:
    magenta = np.array([1.55, 0.16, 0.95], np.float32)
    cyan = np.array([0.08, 0.95, 1.45], np.float32)
    grey = pixels.luminance(stage.light)[..., None]
    surface = 0.45 * stage.light + 0.55 * grey
    amounts = []
    for side in (-1, 1):
        facing = _facing(stage, (0.95 * side, -0.15, 0.40))
        across = pixels.smoothstep(0.5 + 0.5 * stage.x * side, 0.1, 1.0)
        amounts.append(
            stage.matte * (0.05 + 1.15 * facing**1.3) + (1 - stage.matte) * (0.05 + 0.65 * across)
        )
    lit = surface * (0.06 + amounts[0][..., None] * magenta + amounts[1][..., None] * cyan)
    return _rolled_off(lit)


_RIGS: dict[str, Callable[[_Stage], Planes]] = {
    "left": _left,
    "right": _right,
    "spotlight": _spotlight,
    "sunset": _sunset,
    "blinds": _blinds,
    "neon": _neon,
}


def _objection(image: RgbImage, matte: Matte, light: str) -> tuple[str, str] | None:
    brightness = float(pixels.grey(image).mean())
    if brightness < 0.16:
        return "too_dark", f"mean lightness is {brightness:.0%}, 16 % is needed"
    scene = read_scene(image, matte)
    if light in {"spotlight", "blinds", "neon"} and (scene.open_air or scene.sky.mean() > 0.15):
        return "outdoors", "the photograph seems to be taken outdoors"
    if light == "sunset" and scene.plain_border:
        return "studio_background", "a plain backdrop has no evening"
    return None


def _check(image: RgbImage, matte: Matte) -> None:
    pixels.check_matte(image, matte, 0.03, 0.80)
    pixels.check_outline(matte, 0.25)


def light_options(image: RgbImage, matte: Matte) -> list[str]:
    """The lights that suit the picture, in catalogue order."""
    try:
        _check(image, matte)
    except BadInputError:
        return []
    return [name for name in LIGHTS if _objection(image, matte, name) is None]


def relight(image: RgbImage, matte: Matte, light: str) -> EditResult:
    """The photograph under another light.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: The main object, float32 (h, w) in [0, 1].
        light: A name of `LIGHTS`.

    Returns:
        Facts: ``left_minus_right_change``, how much the object's left half gained on its right half (mean lightness).

    Raises:
        BadInputError: one of `REFUSALS`.
        UnknownNameError: `light` has no entry.
    """
    look = look_named(LIGHTS, light, "light")
    _check(image, matte)
    objection = _objection(image, matte, look.name)
    if objection:
        raise BadInputError(*objection)
    result = pixels.to_bytes(pixels.from_linear(_RIGS[look.name](_stage(image, matte))))
    check_kept(look, image, result)
    balance = side_balance(result, matte) - side_balance(image, matte)
    if look.name in _SIDES and balance * _SIDES[look.name] < _LEAST_BALANCE:
        raise BadInputError(
            "promise_not_kept",
            f"light from the {look.name} moves the object's balance by {balance:.3f} only",
        )
    return EditResult(
        image=result,
        changed=pixels.changed_pixels(image, result),
        facts={"left_minus_right_change": balance},
    )


def side_balance(image: RgbImage, matte: Matte) -> float:
    """Mean lightness of the object's left half minus that of its right half."""
    columns = np.flatnonzero((matte > 0.5).any(axis=0))
    middle = int(columns[0] + columns[-1]) // 2
    lightness = pixels.grey(image)
    inside = matte > 0.5
    left, right = inside.copy(), inside.copy()
    left[:, middle:] = False
    right[:, :middle] = False
    return float(lightness[left].mean() - lightness[right].mean())
