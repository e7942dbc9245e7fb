"""Blurs the background as a fast lens would, and leaves the object sharp.

Light is gathered with a disc, in linear light, from background pixels only (normalised convolution), so nothing of the object
leaks into the blur. Ground next to the object's foot stays sharp and blurs with distance.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.looks import Expectation, Look, catalogue, look_named
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.editors.procedural.shape import unmixed_foreground
from editloop.models.roles import EditResult, Matte, RgbImage

REFUSALS = {
    "matte_mismatch": "matte and image differ in size",
    "object_too_small": "the object covers less than 3 % of the frame",
    "object_too_large": "the object covers more than 75 % of the frame",
    "uncertain_matte": "too much of the object's outline is undecided",
    "promise_not_kept": "the ground in focus fills so much of the frame that hardly anything would blur",
    "already_blurred": "the background is out of focus or featureless already",
}

STRENGTHS = catalogue(
    Look(
        "soft",
        "a shallow depth of field",
        "the background gently out of focus",
        (Expectation("edges_change", -5.0, 0.0), Expectation("structure", 0.7, 1.0)),
    ),
    Look(
        "strong",
        "a portrait-lens bokeh",
        "the background melted into a creamy blur with round highlights",
        (Expectation("edges_change", -5.0, 0.0), Expectation("structure", 0.6, 1.0)),
    ),
)
_RADIUS = {"soft": 9.0, "strong": 17.0}
"""Largest disc radius in pixels at the reference size."""
_LEVELS = 4
_MOST_LEFT = 0.72
"""Largest share of the background's detail that may remain: ground in focus does."""


def _disc(radius: float) -> NDArray[np.float32]:
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _gathered(light: Planes, weight: Plane, radius: float) -> Planes:
    """Mean of `light` over a disc, by `weight`."""
    step = 2 if radius > 8 else 1
    size = (light.shape[1] // step, light.shape[0] // step)
    stacked = np.dstack([light * weight[..., None], weight])
    if step > 1:
        stacked = cv2.resize(stacked, size, interpolation=cv2.INTER_AREA)
    summed = cv2.filter2D(stacked, -1, _disc(radius / step), borderType=cv2.BORDER_REFLECT)
    # Deep inside the object the disc sees no background at all; a wider look gives a plausible value there.
    wide = pixels.blur(np.ascontiguousarray(stacked), 3 * radius / step)
    summed = summed + 1e-3 * wide + 1e-6 * stacked.mean(axis=(0, 1))
    mean = summed[..., :3] / np.maximum(summed[..., 3:], 1e-9)
    if step > 1:
        mean = cv2.resize(mean, (light.shape[1], light.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(mean, np.float32)


def _defocus(matte: Matte) -> Plane:
    """How far out of focus each row is, 0..1: the ground at the object's foot is in focus.

    An object cut by the lower edge of the frame has no visible foot: everything behind it is far.
    """
    height = matte.shape[0]
    rows = np.flatnonzero((matte > 0.5).any(axis=1))
    foot = int(rows[-1])
    y = np.arange(height, dtype=np.float32)
    if foot >= height * 0.97:
        amount = np.ones(height, np.float32)
    else:
        behind = pixels.smoothstep(foot - y, 0.0, 0.30 * height)
        before = 0.6 * pixels.smoothstep(y - foot, 0.02 * height, 0.45 * height)
        amount = np.where(y <= foot, behind, before).astype(np.float32)
    return np.repeat(amount[:, None], matte.shape[1], axis=1)


def background_sharpness(image: RgbImage, matte: Matte) -> float:
    """Share of the background that holds detail finer than a few pixels, in [0, 1]."""
    lightness = pixels.grey(image)
    factor = pixels.size_factor(image)
    fine = np.abs(lightness - pixels.blur(lightness, 2.0 * factor))
    detail = pixels.blur(fine, 4 * factor)
    background = cv2.dilate(matte, np.ones((9, 9), np.uint8)) < 0.05
    if not background.any():
        return 0.0
    return float((detail[background] > 0.010).mean())


def _grain_level(image: RgbImage) -> float:
    """Deviation of the noise in flat areas (display values)."""
    lightness = pixels.grey(image)
    fine = np.abs(lightness - np.asarray(cv2.medianBlur(lightness, 3), np.float32))
    return float(np.clip(1.5 * np.percentile(fine, 30), 0, 0.012))


def _backdrop(image: RgbImage, matte: Matte, radius: float, seed: int) -> Planes:
    """The blurred background, display values; `radius` in pixels at the reference size."""
    radius = radius * pixels.size_factor(image)
    light = pixels.to_linear(pixels.unit(image))
    bright = pixels.smoothstep(pixels.luminance(light), 0.75, 1.0)[..., None]
    boosted = light * (1 + 1.6 * bright)
    weight = np.clip(1 - cv2.dilate(matte, np.ones((3, 3), np.uint8)) * 1.02, 0, 1).astype(
        np.float32
    )
    position = _defocus(matte) * _LEVELS
    blurred = np.zeros_like(light)
    for level in range(_LEVELS + 1):
        share = np.clip(1 - np.abs(position - level), 0, 1)[..., None]
        if share.any():
            blurred += share * _gathered(boosted, weight, max(0.4, radius * level / _LEVELS))
    backdrop = pixels.from_linear(blurred)
    noise = np.random.default_rng(seed).standard_normal(image.shape[:2]).astype(np.float32)
    backdrop += (_grain_level(image) * noise)[..., None]
    # Where the plane is in focus the picture itself is kept: no resampling of sharp ground.
    focus = (1 - pixels.smoothstep(position, 0.0, 0.5))[..., None] * weight[..., None]
    return np.asarray(backdrop + focus * (pixels.unit(image) - backdrop), np.float32)


def bokeh(image: RgbImage, matte: Matte, strength: str = "strong", seed: int = 0) -> EditResult:
    """The object in front of a blurred background.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: The object to keep sharp, float32 (h, w) in [0, 1].
        strength: A name of `STRENGTHS`.
        seed: Chooses the grain laid over the blur; equal seeds give equal bytes.

    Returns:
        Facts: ``sharpness_before`` and ``sharpness_after`` of the background (see `background_sharpness`).

    Raises:
        BadInputError: one of `REFUSALS`.
        UnknownNameError: `strength` has no entry.
    """
    look = look_named(STRENGTHS, strength, "bokeh strength")
    pixels.check_matte(image, matte, 0.03, 0.75)
    pixels.check_outline(matte, 0.22)
    sharpness = background_sharpness(image, matte)
    if sharpness < 0.22:
        raise BadInputError(
            "already_blurred",
            f"only {sharpness:.0%} of the background shows detail, 22 % is needed",
        )
    backdrop = _backdrop(image, matte, _RADIUS[look.name], seed)
    alpha = pixels.smoothstep(matte, 0.04, 0.96)[..., None]
    result = pixels.to_bytes(backdrop + alpha * (unmixed_foreground(image, matte) - backdrop))
    result = np.where((matte >= 0.999)[..., None], image, result)
    after = background_sharpness(result, matte)
    if after > _MOST_LEFT * sharpness:
        raise BadInputError(
            "promise_not_kept", f"{after / sharpness:.0%} of the background's detail would remain"
        )
    return EditResult(
        image=result,
        changed=pixels.changed_pixels(image, result),
        facts={"sharpness_before": sharpness, "sharpness_after": after},
    )
