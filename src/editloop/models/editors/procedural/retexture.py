"""Gives one object another material and keeps its form.

The object's light and shade (its smoothed luminance) shade the new surface; texture coordinates bulge with the inflated matte, so
the pattern appears to wrap. Metals have no albedo of their own: their look is a steep, wavy reflection curve over the luminance.
"""

from __future__ import annotations

import cv2
import numpy as np

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.looks import Look, catalogue, look_named
from editloop.models.editors.procedural.materials import MAKERS, Surface
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.editors.procedural.shape import inflated, normals
from editloop.models.roles import EditResult, Mask, Matte, RgbImage

REFUSALS = {
    "matte_mismatch": "matte and image differ in size",
    "object_too_small": "the object covers less than 3 % of the frame",
    "object_too_large": "the object covers more than 75 % of the frame",
    "uncertain_matte": "too much of the object's outline is undecided",
    "no_shading": "the object shows too little light and shade to carry a material",
    "too_dark": "the object is too dark for its shading to be read",
}

MATERIALS = catalogue(
    Look("wood", "carved wood", "warm brown grain running along the surface"),
    Look("marble", "white marble", "pale stone with grey veins"),
    Look("denim", "blue denim", "indigo twill weave"),
    Look("gold", "polished gold", "warm metallic reflections"),
    Look("silver", "polished silver", "cool metallic reflections"),
    Look("bronze", "patinated bronze", "dark brown metal with soft highlights"),
)

_METALS: dict[str, list[tuple[float, tuple[int, int, int]]]] = {
    "gold": [
        (0.0, (42, 22, 4)),
        (0.28, (122, 74, 14)),
        (0.52, (205, 146, 38)),
        (0.76, (248, 208, 104)),
        (1.0, (255, 248, 216)),
    ],
    "silver": [
        (0.0, (18, 20, 24)),
        (0.28, (82, 88, 96)),
        (0.52, (158, 164, 170)),
        (0.76, (214, 218, 222)),
        (1.0, (255, 255, 255)),
    ],
    "bronze": [
        (0.0, (20, 12, 8)),
        (0.30, (74, 46, 26)),
        (0.58, (132, 88, 50)),
        (0.82, (186, 140, 92)),
        (1.0, (244, 220, 184)),
    ],
}


def _shading(image: RgbImage, matte: Matte) -> Plane:
    """Light and shade of the object in linear light, 1 = its typical brightness."""
    factor = pixels.size_factor(image)
    light = pixels.luminance(pixels.to_linear(pixels.unit(image)))
    smooth = cv2.ximgproc.guidedFilter(pixels.unit(image), light, max(3, round(7 * factor)), 4e-3)
    smooth = np.clip(np.asarray(smooth, np.float32), 0.002, 1)
    typical = float(np.percentile(smooth[matte > 0.6], 65))
    # Seams, laces and creases: without them a shoe turns into a lump.
    creases = np.clip(light / smooth, 0.45, 1.3) ** 0.7
    return np.asarray(creases * smooth / max(typical, 0.01), np.float32)


def _surface(image: RgbImage, matte: Matte, rng: np.random.Generator) -> Surface:
    inside = matte > 0.5
    unit = float(np.sqrt(inside.sum()))
    height = inflated(matte)
    lightness = pixels.blur(pixels.grey(image), 6 * pixels.size_factor(image))
    form = height * 0.5 + 0.25 * lightness
    across = cv2.Sobel(form, cv2.CV_32F, 1, 0) / 8 * unit
    down = cv2.Sobel(form, cv2.CV_32F, 0, 1) / 8 * unit
    limit = 0.06
    rows, columns = np.mgrid[0 : matte.shape[0], 0 : matte.shape[1]].astype(np.float32)
    return Surface(
        u=(columns / unit - np.clip(0.05 * across, -limit, limit)).astype(np.float32),
        v=(rows / unit - np.clip(0.05 * down, -limit, limit)).astype(np.float32),
        unit=unit,
        rng=rng,
    )


def _metal(image: RgbImage, matte: Matte, name: str) -> Planes:
    """Display values of a polished metal in the object's form."""
    factor = pixels.size_factor(image)
    lightness = pixels.grey(image)
    smooth = np.asarray(
        cv2.ximgproc.guidedFilter(lightness, lightness, max(3, round(5 * factor)), 6e-4), np.float32
    )
    low, high = np.percentile(smooth[matte > 0.6], [2, 98])
    lit = np.clip((smooth - low) / max(float(high - low), 0.12), 0, 1)
    # Light and shade alone would print the object's old pattern on the metal; its rounded form tempers that.
    facing = normals(image, matte, relief=0.5) @ np.array([-0.35, -0.62, 0.70], np.float32)
    level = 0.66 * lit + 0.34 * np.clip(facing, 0, 1)
    wave = level + 0.13 * np.sin(2 * np.pi * (1.6 * level + 0.35)) + 0.10 * (inflated(matte) - 0.6)
    fine = lightness - smooth
    position = np.clip(0.06 + 0.90 * wave + 1.1 * fine, 0, 1)
    stops = _METALS[name]
    places = [place for place, _ in stops]
    inks = np.array([colour for _, colour in stops], np.float32) / 255
    return np.stack([np.interp(position, places, inks[:, k]) for k in range(3)], axis=2).astype(
        np.float32
    )


def _painted(image: RgbImage, matte: Matte, name: str, rng: np.random.Generator) -> Planes:
    albedo = MAKERS[name](_surface(image, matte, rng))
    shading = _shading(image, matte)
    light = np.where(shading < 1, shading**0.85, 1 + 0.55 * (shading - 1))
    edge = 0.72 + 0.28 * pixels.smoothstep(inflated(matte), 0.0, 0.45)
    return pixels.from_linear(
        (albedo * np.clip(light * edge, 0, 1.25)[..., None]).astype(np.float32)
    )


def _check(image: RgbImage, matte: Matte) -> None:
    """Refuse what cannot carry a material; raises BadInputError with one of `REFUSALS`."""
    pixels.check_matte(image, matte, 0.03, 0.75)
    pixels.check_outline(matte, 0.20)
    lightness = pixels.grey(image)[matte > 0.6]
    low, middle, high = (float(value) for value in np.percentile(lightness, [5, 50, 95]))
    if middle < 0.14:
        raise BadInputError("too_dark", f"the object's lightness is {middle:.0%}, 14 % is needed")
    if high - low < 0.12:
        raise BadInputError("no_shading", f"its lightness spans {high - low:.0%}, 12 % is needed")


def material_options(image: RgbImage, matte: Matte) -> list[str]:
    """The materials that the object can carry, in catalogue order."""
    try:
        _check(image, matte)
    except BadInputError:
        return []
    return list(MATERIALS)


def retexture(image: RgbImage, matte: Matte, material: str, seed: int = 0) -> EditResult:
    """The object in another material.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: The object, float32 (h, w) in [0, 1]. Pixels where it is 0 keep their bytes.
        material: A name of `MATERIALS`.
        seed: Chooses grain and veins; equal seeds give equal bytes.

    Raises:
        BadInputError: one of `REFUSALS`.
        UnknownNameError: `material` has no entry.
    """
    look = look_named(MATERIALS, material, "material")
    _check(image, matte)
    if look.name in _METALS:
        edited = _metal(image, matte, look.name)
    else:
        edited = _painted(image, matte, look.name, np.random.default_rng(seed))
    weight = np.where(matte > 0.02, pixels.smoothstep(matte, 0.02, 0.95), 0).astype(np.float32)
    result = pixels.blend(image, edited, weight)
    changed: Mask = pixels.changed_pixels(image, result)
    return EditResult(image=result, changed=changed)
