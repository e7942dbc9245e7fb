"""Making a pasted object belong: light, colour, sharpness and grain of its new surroundings."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.models.editors.procedural.edges import HARD, erode
from editloop.models.editors.procedural.pixels import blur, size_factor
from editloop.models.roles import Mask, Matte, RgbImage

MAX_GRAIN = 1.6
"""Grey levels; real grain is seldom stronger, texture often is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmony:
    """How far an object moves towards its surroundings; 0 leaves it, 1 takes them over."""

    lightness: float = 0.24
    contrast: float = 0.35
    colour: float = 0.35
    max_lightness_shift: float = 11.0
    """Lab L."""
    max_colour_shift: float = 9.0
    """Lab a and b."""


def harmonise(
    rgb: RgbImage, matte: Matte, scene: RgbImage, where: Mask, harmony: Harmony | None = None
) -> RgbImage:
    """The object's colours shifted part of the way towards the light of the scene.

    Brightness follows the scene's mean and its range between the 5th and 95th percentile; colour follows the scene's
    cast, read from its least colourful pixels, not its mean: a dog on grass must not turn green.

    Args:
        rgb: RGB uint8 (h, w, 3) of the object.
        matte: float32 (h, w) of the object.
        scene: RGB uint8 (H, W, 3).
        where: bool (H, W), the surroundings to follow.
        harmony: How far.
    """
    harmony = harmony or Harmony()
    inside = matte > HARD
    if not inside.any() or not where.any():
        return rgb
    lab = _lab(rgb)
    own, around = lab[inside], _lab(scene)[where]
    shift = harmony.lightness * (around[:, 0].mean() - own[:, 0].mean())
    shift = float(np.clip(shift, -harmony.max_lightness_shift, harmony.max_lightness_shift))
    gain = (_spread(around[:, 0]) / max(8.0, _spread(own[:, 0]))) ** harmony.contrast
    gain = float(np.clip(gain, 0.85, 1.12))
    centre = own[:, 0].mean()
    light = (lab[..., 0] - centre) * gain + centre + shift
    lab[..., 0] = _soft_limit(light)
    target, certainty = _cast(around)
    cast = harmony.colour * certainty * (target - _cast(own)[0])
    lab[..., 1:] += np.clip(cast, -harmony.max_colour_shift, harmony.max_colour_shift)
    return _rgb(lab)


def sharpness(image: RgbImage, where: Mask) -> float:
    """Sharpness of a region as the share of fine in medium detail, about 0.1 (blurred) to 0.8 (crisp).

    The ratio of two difference-of-Gaussian bands does not depend on how much texture there is, only on how sharp it
    is; the strongest edges decide.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0))[where]
    medium = np.abs(cv2.GaussianBlur(grey, (0, 0), 1.0) - cv2.GaussianBlur(grey, (0, 0), 3.0))[
        where
    ]
    if medium.size < 50:
        return 0.5
    strong = medium >= np.percentile(medium, 90)
    return float(fine[strong].mean() / max(0.5, float(medium[strong].mean())))


def match_sharpness(
    rgb: RgbImage, matte: Matte, target: float, *, largest_sigma: float = 2.5
) -> tuple[RgbImage, Matte, float]:
    """The object blurred until it is no sharper than `target` (see `sharpness`).

    Returns:
        Colours, matte and the blur used (Gaussian sigma in pixels, 0 where none was needed).
    """
    inside = erode(matte > HARD, 2)
    sigma, low, high = 0.0, 0.0, largest_sigma
    if not inside.any() or sharpness(rgb, inside) <= 1.15 * target:
        return rgb, matte, 0.0
    for _ in range(6):
        sigma = (low + high) / 2
        if sharpness(_blurred(rgb, matte, sigma), inside) > 1.15 * target:
            low = sigma
        else:
            high = sigma
    return (
        _blurred(rgb, matte, sigma),
        cv2.GaussianBlur(matte, (0, 0), max(0.3, 0.7 * sigma)),
        sigma,
    )


def grain(image: RgbImage, where: Mask) -> float:
    """Standard deviation of the noise in a region, in grey levels.

    Read from its flattest twentieth, so that texture does not pass for noise; never above `MAX_GRAIN`.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    residual = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.2))
    local = cv2.blur(residual, (9, 9))[where]
    return min(MAX_GRAIN, float(1.25 * np.percentile(local, 5))) if local.size else 0.0


def match_grain(rgb: RgbImage, matte: Matte, target: float, rng: np.random.Generator) -> RgbImage:
    """The object with as much noise as `target` asks for; noise it already has is kept."""
    own = grain(rgb, erode(matte > HARD, 2))
    missing = float(np.sqrt(max(0.0, target * target - own * own)))
    if missing < 0.6:
        return rgb
    noise = rng.standard_normal(rgb.shape[:2]).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 0.6)
    noise *= missing / float(noise.std())
    return np.asarray(np.rint(rgb + noise[..., None]).clip(0, 255), np.uint8)


def light_wrap(
    image: RgbImage, matte: Matte, background: RgbImage, strength: float = 0.25
) -> RgbImage:
    """Let a bright background spill a little over the object's rim, as a lens does.

    Args:
        image: The finished composite, RGB uint8 (h, w, 3).
        matte: float32 (h, w) of the object in it.
        background: The scene without the object, RGB uint8 (h, w, 3).
        strength: 0..1.
    """
    width = 5 * size_factor(image)
    rim = matte * blur(1 - matte, width)
    spill = blur(background.astype(np.float32), 2 * width)
    weight = (strength * rim)[..., None]
    lighter = np.maximum(spill, image.astype(np.float32))
    out = np.rint(image * (1 - weight) + lighter * weight).clip(0, 255).astype(np.uint8)
    return np.where(matte[..., None] > 0, out, image)


def _blurred(rgb: RgbImage, matte: Matte, sigma: float) -> RgbImage:
    """Blur the object's colours only among themselves."""
    if sigma < 0.2:
        return rgb
    weight = cv2.GaussianBlur(matte, (0, 0), sigma)[..., None]
    mixed = cv2.GaussianBlur(rgb * matte[..., None], (0, 0), sigma) / np.maximum(weight, 1e-3)
    return np.where(weight > 1e-3, np.rint(mixed), rgb).clip(0, 255).astype(np.uint8)


def _lab(rgb: RgbImage) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)


def _rgb(lab: NDArray[np.float32]) -> RgbImage:
    rgb = cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_Lab2RGB)
    return np.asarray(np.rint(rgb * 255).clip(0, 255), np.uint8)


def _spread(values: NDArray[np.float32]) -> float:
    low, high = np.percentile(values, (5, 95))
    return float(high - low)


def _cast(lab: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Mean (a, b) of the least colourful fifth: the colour of the light rather than of the things.

    Its certainty falls from 1 for greys to 0 where even that fifth is colourful, as on a lawn.
    """
    strength = np.hypot(lab[:, 1], lab[:, 2])
    greyest = lab[strength <= np.percentile(strength, 20), 1:]
    mean = np.asarray(greyest.mean(0), np.float32)
    return mean, float(np.clip(1 - np.hypot(*mean) / 25, 0, 1))


def _soft_limit(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep Lab L within 1..99 without cutting highlights off flat."""
    high = np.where(light > 92, 92 + 7 * np.tanh((light - 92) / 7), light)
    return np.where(high < 4, 1 + 3 * np.exp((high - 4) / 3), high).astype(np.float32)
