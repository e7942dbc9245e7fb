"""Changes the light, season or film stock of a whole photograph.

Every tone grades lightness and colour in OKLab or in linear light, some add something that belongs to the weather (glow, haze,
snowflakes). A tone that would not be believed on the picture at hand is refused: no night in a white studio.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.colours import chroma, hue, linear_from_oklab, oklab
from editloop.models.editors.procedural.looks import (
    Expectation,
    Look,
    catalogue,
    check_kept,
    look_named,
)
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.editors.procedural.scene import Scene, distance, read_scene
from editloop.models.roles import EditResult, Matte, RgbImage

REFUSALS = {
    "studio_background": "a plain white or black backdrop gives the light of day nothing to change",
    "no_foliage": "too little green to turn",
    "not_outdoors": "neither blue sky nor much green: weather or nightfall would look wrong in a room",
    "already_there": "the photograph has this tone already",
    "too_dark": "the photograph is too dark to regrade",
    "promise_not_kept": "on this photograph the tone changes too little, or too much, to be recognised",
}

TONES = catalogue(
    Look(
        "golden_hour",
        "a golden-hour photograph",
        "low warm sunlight, amber highlights and soft long-evening glow",
        (Expectation("warmth_change", 0.012, 0.2), Expectation("structure", 0.75, 1.0)),
    ),
    Look(
        "night",
        "a night scene",
        "moonlit blue darkness with deep shadows",
        (Expectation("lightness_change", -0.7, -0.12), Expectation("warmth_change", -0.2, 0.0)),
    ),
    Look(
        "black_and_white",
        "a black-and-white photograph",
        "rich neutral greys and no colour at all",
        (Expectation("chroma", 0.0, 0.006), Expectation("structure", 0.85, 1.0)),
    ),
    Look(
        "sepia",
        "an old sepia photograph",
        "brown monochrome, faded blacks, darkened corners and fine grain",
        (Expectation("warmth", 0.015, 0.15), Expectation("structure", 0.6, 1.0)),
    ),
    Look(
        "faded_film",
        "a faded matte film photograph",
        "lifted blacks, soft contrast and muted colours",
        (Expectation("shadows_change", 0.01, 0.5), Expectation("chroma_change", -0.3, 0.015)),
    ),
    Look(
        "dramatic",
        "a dramatic high-contrast photograph",
        "deep shadows, crisp local contrast and restrained colour",
        (Expectation("edges_change", 0.0, 5.0), Expectation("structure", 0.5, 1.0)),
    ),
    Look(
        "cold_winter",
        "a photograph in cold winter light",
        "pale blue light, muted colours and bright highlights",
        (Expectation("warmth_change", -0.2, -0.008),),
    ),
    Look(
        "autumn",
        "an autumn scene",
        "foliage turned to orange, red and gold",
        (Expectation("redness_change", 0.01, 0.3),),
    ),
    Look(
        "fog",
        "a foggy morning",
        "pale mist that thickens with distance and swallows the background",
        (Expectation("edges_change", -5.0, 0.0), Expectation("chroma_change", -0.3, -0.005)),
    ),
    Look(
        "teal_orange",
        "a teal-and-orange film still",
        "teal shadows, warm highlights and skin, cinematic contrast",
        (Expectation("difference", 2.0, 40.0), Expectation("structure", 0.7, 1.0)),
    ),
    Look(
        "snowfall",
        "a snowy day with falling snow",
        "flakes near and far, cold light and a veil over the distance",
        (Expectation("chroma_change", -0.3, -0.005), Expectation("lightness_change", 0.01, 0.6)),
    ),
)


def _display(lab: Planes) -> Planes:
    return pixels.from_linear(linear_from_oklab(lab))


def _curve(lightness: Plane, amount: float) -> Plane:
    """S-curve: 0 leaves the lightness alone, 1 is strong contrast."""
    return np.asarray(
        lightness + amount * (pixels.smoothstep(lightness, 0, 1) - lightness), np.float32
    )


def _vignette(shape: tuple[int, int], strength: float) -> Plane:
    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    return 1 - strength * pixels.smoothstep(np.sqrt(rows**2 + columns**2), 0.55, 1.5)


def _grain(scene: Scene, amount: float, rng: np.random.Generator) -> Plane:
    """Film grain; also hides the banding that a strong grade brings out in skies."""
    scale = max(1.0, 1.6 * pixels.size_factor(scene.image))
    return np.asarray(amount * pixels.smooth_noise(scene.image.shape[:2], scale, rng), np.float32)


def _local_contrast(lightness: Plane, factor: float, amount: float) -> Plane:
    base = np.asarray(
        cv2.ximgproc.guidedFilter(lightness, lightness, max(4, round(28 * factor)), 0.02),
        np.float32,
    )
    return np.asarray(base + (1 + amount) * (lightness - base), np.float32)


def _golden_hour(scene: Scene, rng: np.random.Generator) -> Planes:
    light = pixels.to_linear(pixels.unit(scene.image))
    height, width = light.shape[:2]
    bright = pixels.smoothstep(scene.lab[..., 0], 0.25, 0.85)[..., None]
    warm = np.array([1.22, 0.98, 0.66], np.float32)
    cool = np.array([1.02, 0.93, 0.90], np.float32)
    graded = light * (cool + (warm - cool) * bright) * 0.93
    side = (
        -1
        if pixels.luminance(light)[:, : width // 2].mean()
        > pixels.luminance(light)[:, width // 2 :].mean()
        else 1
    )
    x = np.linspace(-1, 1, width, dtype=np.float32)[None] - 1.0 * side
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None] - 0.18
    glow = np.exp(-(x**2 / 0.9 + y**2 / 0.5))[..., None] * np.array([1.0, 0.56, 0.20], np.float32)
    bloom = pixels.blur(np.maximum(graded - 0.6, 0), 18 * pixels.size_factor(scene.image))
    strength = 0.30 if not scene.plain_border else 0.10
    mixed = 1 - (1 - np.clip(graded, 0, 1)) * (1 - strength * glow) * (
        1 - 0.5 * np.clip(bloom, 0, 1)
    )
    lab = oklab(pixels.to_bytes(pixels.from_linear(mixed.astype(np.float32))))
    lab[..., 1:] *= 1.08
    lab[..., 0] = _curve(lab[..., 0], 0.18) + _grain(scene, 0.004, rng)
    return _display(lab)


def _night(scene: Scene, rng: np.random.Generator) -> Planes:
    light = pixels.to_linear(pixels.unit(scene.image))
    grey = pixels.luminance(light)[..., None]
    shaped = np.power(np.clip(grey + 0.40 * (light - grey), 0, 1), 1.30)
    moon = np.array([0.55, 0.84, 1.42], np.float32)
    rows = np.linspace(0, 1, shaped.shape[0], dtype=np.float32)[:, None, None]
    sky = scene.sky[..., None]
    dim = 0.30 * (1 - sky * (0.90 - 0.30 * rows))
    night = shaped * moon * dim + np.array([0.0010, 0.0024, 0.0066], np.float32)
    night += sky * rows * np.array([0.002, 0.008, 0.026], np.float32)
    night *= _vignette(scene.image.shape[:2], 0.40)[..., None]
    lab = oklab(pixels.to_bytes(pixels.from_linear(night.astype(np.float32))))
    lab[..., 0] += _grain(scene, 0.007, rng)
    return _display(lab)


def _black_and_white(scene: Scene, rng: np.random.Generator) -> Planes:
    light = pixels.unit(scene.image) @ np.array([0.38, 0.44, 0.18], np.float32)
    low, high = np.percentile(light, [0.5, 99.5])
    stretched = np.clip((light - low) / max(float(high - low), 0.2), 0, 1).astype(np.float32)
    tone = _local_contrast(_curve(stretched, 0.35), pixels.size_factor(scene.image), 0.25)
    tone += _grain(scene, 0.010, rng)
    return np.repeat(np.clip(tone, 0, 1)[..., None], 3, axis=2)


def _sepia(scene: Scene, rng: np.random.Generator) -> Planes:
    tone = _curve(pixels.grey(scene.image), 0.25)
    tone = 0.10 + 0.84 * tone + _grain(scene, 0.022, rng)
    tone = np.clip(tone * _vignette(tone.shape, 0.45), 0, 1)
    positions = [0.0, 0.25, 0.5, 0.75, 1.0]
    inks = np.array(
        [(38, 24, 14), (98, 68, 44), (158, 120, 84), (212, 181, 138), (247, 232, 203)], np.float32
    )
    return np.stack(
        [np.interp(tone, positions, inks[:, k] / 255) for k in range(3)], axis=2
    ).astype(np.float32)


def _faded_film(scene: Scene, rng: np.random.Generator) -> Planes:
    lab = scene.lab.copy()
    lab[..., 0] = 0.24 + 0.70 * _curve(lab[..., 0], 0.15)
    lab[..., 1:] *= 0.66
    shadow = (1 - pixels.smoothstep(lab[..., 0], 0.25, 0.75))[..., None]
    lab[..., 1:] += shadow * np.array([-0.012, -0.006], np.float32)
    lab[..., 1:] += (1 - shadow) * np.array([0.006, 0.016], np.float32)
    lab[..., 0] += _grain(scene, 0.010, rng)
    return _display(lab)


def _dramatic(scene: Scene, rng: np.random.Generator) -> Planes:
    lab = scene.lab.copy()
    factor = pixels.size_factor(scene.image)
    lightness = _local_contrast(lab[..., 0], factor, 0.75)
    lightness = _curve(np.clip(lightness, 0, 1), 0.55) * (1 - 0.15 * scene.sky)
    lightness += _grain(scene, 0.005, rng)
    lab[..., 0] = np.clip(lightness * _vignette(lightness.shape, 0.35), 0, 1)
    lab[..., 1:] *= 0.80
    return _display(lab)


def _chilled(lab: Planes, green: Plane) -> Planes:
    """Display values of `lab` in pale blue light, foliage more muted than the rest."""
    lab = lab.copy()
    lab[..., 1:] *= (0.84 - 0.28 * green)[..., None]
    high = pixels.smoothstep(lab[..., 0], 0.2, 0.95)
    lab[..., 1:] += np.array([-0.012, -0.034], np.float32) * (1.1 - 0.45 * high)[..., None]
    lab[..., 0] = np.clip(0.03 + _curve(lab[..., 0], 0.2) + 0.03 * high, 0, 1)
    return _display(lab)


def _cold_winter(scene: Scene, rng: np.random.Generator) -> Planes:
    lab = scene.lab.copy()
    lab[..., 0] += _grain(scene, 0.004, rng)
    return _chilled(lab, scene.green)


def _autumn(scene: Scene, rng: np.random.Generator) -> Planes:
    lab = scene.lab.copy()
    factor = pixels.size_factor(scene.image)
    patches = pixels.smoothstep(pixels.fractal_noise(lab.shape[:2], 90 * factor, rng, 3), -1.4, 1.4)
    wanted = np.radians(60 + 28 * patches + 0.25 * (hue(lab) - 125))
    strength = np.minimum(chroma(lab) * 1.05 + 0.012, 0.138)
    turned = np.stack([strength * np.cos(wanted), strength * np.sin(wanted)], axis=2)
    lab[..., 1:] += scene.green[..., None] * (turned - lab[..., 1:])
    lab[..., 0] += 0.045 * scene.green * pixels.smoothstep(lab[..., 0], 0.2, 0.6)
    lab[..., 1:] += np.array([0.004, 0.010], np.float32)
    return _display(lab)


def _fog(scene: Scene, rng: np.random.Generator) -> Planes:
    light = pixels.to_linear(pixels.unit(scene.image))
    wisps = pixels.fractal_noise(
        scene.image.shape[:2], 320 * pixels.size_factor(scene.image), rng, 3
    )
    depth = np.clip(distance(scene) + 0.02 * wisps, 0, 1)
    seen = np.exp(-(0.10 + 2.1 * depth**1.2))[..., None]
    air = np.array([0.58, 0.61, 0.645], np.float32)
    grey = pixels.luminance(light)[..., None]
    muted = grey + 0.75 * (light - grey)
    lab = oklab(
        pixels.to_bytes(pixels.from_linear((muted * seen + air * (1 - seen)).astype(np.float32)))
    )
    lab[..., 0] += _grain(scene, 0.004, rng)
    return _display(lab)


def _teal_orange(scene: Scene, rng: np.random.Generator) -> Planes:
    lab = scene.lab.copy()
    lightness = _curve(lab[..., 0], 0.42) + _grain(scene, 0.006, rng)
    warm = pixels.smoothstep(lab[..., 1] * 0.5 + lab[..., 2], -0.03, 0.07)[..., None]
    bright = pixels.smoothstep(lightness, 0.25, 0.8)[..., None]
    teal = np.array([-0.042, -0.026], np.float32)
    amber = np.array([0.020, 0.038], np.float32)
    pull = np.clip(0.65 * warm + 0.35 * bright, 0, 1)
    lab[..., 1:] = lab[..., 1:] * 0.85 + teal * (1 - pull) + amber * pull * warm
    lab[..., 0] = np.clip(0.02 + 0.96 * lightness * _vignette(lightness.shape, 0.18), 0, 1)
    return _display(lab)


def _flakes(shape: tuple[int, int], factor: float, rng: np.random.Generator) -> Plane:
    """Falling snow as coverage in [0, 1]: many small flakes far away, a few blurred ones close by."""
    cover = np.zeros(shape, np.float32)
    layers = (
        (1400, 0.9, 0.5, 0.75),
        (420, 1.7, 0.9, 0.85),
        (110, 3.0, 1.8, 0.8),
        (26, 6.5, 5.0, 0.55),
    )
    for count, radius, softness, opacity in layers:
        layer = np.zeros(shape, np.float32)
        number = round(count * shape[0] * shape[1] / (768 * 768 * factor**2))
        centres = rng.uniform(0, 1, (number, 2)) * [shape[1], shape[0]]
        sizes = radius * factor * rng.uniform(0.6, 1.4, number)
        for (x, y), size in zip(centres, sizes, strict=True):
            axes = (max(8, round(16 * size)), max(8, round(22 * size)))
            cv2.ellipse(
                layer, (round(16 * x), round(16 * y)), axes, 12, 0, 360, 1.0, -1, cv2.LINE_AA, 4
            )
        cover = np.maximum(cover, opacity * pixels.blur(layer, softness * factor))
    return np.clip(cover, 0, 1)


def _snowfall(scene: Scene, rng: np.random.Generator) -> Planes:
    lab = scene.lab.copy()
    drifts = pixels.fractal_noise(lab.shape[:2], 60 * pixels.size_factor(scene.image), rng, 4)
    cover = scene.green * pixels.smoothstep(1.5 * lab[..., 0] + 0.12 * drifts, 0.30, 0.75)
    lab[..., 0] += 0.92 * cover * (0.78 + 0.24 * lab[..., 0] - lab[..., 0])
    lab[..., 1:] *= (1 - 0.92 * cover)[..., None]
    winter = pixels.to_linear(_chilled(lab, scene.green * (1 - cover)))
    seen = np.exp(-0.55 * distance(scene))[..., None]
    air = np.array([0.62, 0.67, 0.74], np.float32)
    veiled = winter * seen + air * (1 - seen)
    flakes = _flakes(lab.shape[:2], pixels.size_factor(scene.image), rng)[..., None]
    return pixels.from_linear((veiled + flakes * (0.93 - veiled)).astype(np.float32))


_GRADES: dict[str, Callable[[Scene, np.random.Generator], Planes]] = {
    "golden_hour": _golden_hour,
    "night": _night,
    "black_and_white": _black_and_white,
    "sepia": _sepia,
    "faded_film": _faded_film,
    "dramatic": _dramatic,
    "cold_winter": _cold_winter,
    "autumn": _autumn,
    "fog": _fog,
    "teal_orange": _teal_orange,
    "snowfall": _snowfall,
}


def _objection(name: str, scene: Scene) -> tuple[str, str] | None:
    """Why the tone would not be believed, as (reason, detail)."""
    strength = chroma(scene.lab).mean()
    if name in {"night", "golden_hour", "fog", "snowfall", "cold_winter"} and scene.plain_border:
        return "studio_background", "the frame is a plain backdrop"
    if name in {"black_and_white", "sepia"} and strength < 0.012:
        return "already_there", "the photograph has next to no colour"
    if name in {"night", "sepia", "teal_orange", "dramatic"} and scene.lab[..., 0].mean() < 0.22:
        return "too_dark", "the photograph is dark already"
    if name in {"autumn", "snowfall"} and scene.green.mean() < 0.12:
        return "no_foliage", f"green covers {scene.green.mean():.0%} of the frame, 12 % is needed"
    if name in {"night", "fog", "snowfall"} and not scene.open_air:
        return "not_outdoors", "neither blue sky nor much green shows"
    return None


def tone_options(image: RgbImage, matte: Matte | None = None) -> list[str]:
    """The tones that suit the photograph, in catalogue order."""
    pixels.check_image(image)
    scene = read_scene(image, matte)
    return [name for name in TONES if _objection(name, scene) is None]


def tone(image: RgbImage, tone: str, seed: int = 0, matte: Matte | None = None) -> EditResult:
    """The photograph in another tone.

    Args:
        image: RGB uint8 (h, w, 3).
        tone: A name of `TONES`.
        seed: Chooses grain, wisps and flakes; equal seeds give equal bytes.
        matte: The main object where it is known, float32 (h, w) in [0, 1]: mist stays behind it.

    Returns:
        The whole frame regraded; facts: ``sky_share``, ``green_share``.

    Raises:
        BadInputError: one of `REFUSALS`, or an unusable image.
        UnknownNameError: `tone` has no entry.
    """
    look = look_named(TONES, tone, "tone")
    pixels.check_image(image)
    scene = read_scene(image, matte)
    objection = _objection(look.name, scene)
    if objection:
        raise BadInputError(*objection)
    result = pixels.to_bytes(_GRADES[look.name](scene, np.random.default_rng(seed)))
    check_kept(look, image, result)
    return EditResult(
        image=result,
        changed=pixels.changed_pixels(image, result),
        facts={"sky_share": float(scene.sky.mean()), "green_share": float(scene.green.mean())},
    )
