"""Changes the colour of one object and keeps its light and shade.

The object's dominant part is found by hue (or, on a white, grey or black object, by neutrality), its lightness curve is
bent so that the typical shade lands on the wanted one while black stays black and gloss stays white, and chroma
follows. Parts of other colours (text, tyres, eyes, a hand) stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
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
    hue_distance,
    linear_from_oklab,
    named,
    oklab,
)
from editloop.models.roles import EditResult, Matte, RgbImage

REFUSALS = {
    "matte_mismatch": "matte and image differ in size",
    "object_too_small": "the object covers less than 1 % of the frame",
    "object_too_large": "the object covers more than 85 % of the frame",
    "no_dominant_colour": "no single colour covers enough of the object",
    "same_colour": "the object already has the wanted colour",
    "lightness_out_of_range": "the wanted colour is too far from the object's lightness to keep its shading",
    "looks_like_skin": "the part to recolour looks like skin or fur",
}

RECOLOURABLE = frozenset(
    [
        "apron",
        "armchair",
        "backpack",
        "bag",
        "ball",
        "balloon",
        "basket",
        "bathtub",
        "bench",
        "bicycle",
        "bike",
        "blanket",
        "boat",
        "book",
        "boot",
        "bottle",
        "bow",
        "bowl",
        "box",
        "bucket",
        "building",
        "bus",
        "butterfly",
        "camera",
        "can",
        "candle",
        "canoe",
        "cap",
        "car",
        "carpet",
        "chair",
        "clock",
        "coat",
        "couch",
        "cup",
        "curtain",
        "cushion",
        "door",
        "dress",
        "drum",
        "emoji",
        "fence",
        "flag",
        "flower",
        "glass",
        "glove",
        "guitar",
        "handbag",
        "hat",
        "headphones",
        "helmet",
        "hoodie",
        "house",
        "jacket",
        "jar",
        "jeans",
        "jug",
        "kayak",
        "kettle",
        "kite",
        "lamp",
        "lampshade",
        "lantern",
        "laptop",
        "lipstick",
        "lunchbox",
        "mailbox",
        "motorcycle",
        "mug",
        "notebook",
        "pan",
        "parachute",
        "pen",
        "phone",
        "piano",
        "pillow",
        "pitcher",
        "plate",
        "plush",
        "plushie",
        "pot",
        "purse",
        "robot",
        "rope",
        "rose",
        "rucksack",
        "rug",
        "sail",
        "sandal",
        "scarf",
        "scooter",
        "shirt",
        "shoe",
        "shorts",
        "skateboard",
        "skirt",
        "sled",
        "sneaker",
        "sock",
        "sofa",
        "stool",
        "suitcase",
        "sunglasses",
        "surfboard",
        "sweater",
        "t-shirt",
        "teapot",
        "teddy_bear",
        "telephone",
        "tent",
        "tie",
        "toaster",
        "towel",
        "toy",
        "train",
        "tram",
        "tray",
        "truck",
        "tulip",
        "umbrella",
        "van",
        "vase",
        "vehicle",
        "wagon",
        "wall",
        "wallet",
        "watch",
    ]
)
"""Nouns whose colour people do change."""

ODD_TO_RECOLOUR = frozenset(
    [
        "animal",
        "apple",
        "banana",
        "bear",
        "bird",
        "bread",
        "broccoli",
        "cake",
        "camel",
        "carrot",
        "cat",
        "cow",
        "deer",
        "dog",
        "donut",
        "duck",
        "elephant",
        "face",
        "fire",
        "fish",
        "food",
        "fox",
        "giraffe",
        "goat",
        "grass",
        "hand",
        "horse",
        "human",
        "leaf",
        "lion",
        "man",
        "meat",
        "monkey",
        "moon",
        "mountain",
        "orange",
        "person",
        "pizza",
        "plant",
        "potted_plant",
        "rabbit",
        "rhino",
        "river",
        "rock",
        "sandwich",
        "sea",
        "sheep",
        "sky",
        "squirrel",
        "stone",
        "sun",
        "tiger",
        "tree",
        "water",
        "wolf",
        "woman",
        "zebra",
    ]
)
"""Nouns for which a new colour looks like a mistake."""

_CHROMATIC = 0.045
"""OKLab chroma from which a pixel counts as coloured."""
_LEAST_PART = 0.30


@dataclass(frozen=True, slots=True)
class Option:
    """A colour the object can take, and why."""

    colour: str
    part_share: float
    """Share of the object that would change, in [0, 1]."""
    reason: str


@dataclass(frozen=True, slots=True)
class _Part:
    """The dominant part of an object."""

    weight: NDArray[np.float32]
    """Soft membership, (h, w) in [0, 1], not yet multiplied by the matte."""
    share: float
    lab: tuple[float, float, float]
    chromatic: bool


def _dominant_hue(lab: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    strength = chroma(lab)[inside]
    bins = np.bincount(
        (hue(lab)[inside] // 5).astype(np.int64) % 72, weights=strength, minlength=72
    )
    window = np.hanning(9)[1:-1]
    wrapped = np.concatenate([bins[-3:], bins, bins[:3]])
    return float(np.argmax(np.convolve(wrapped, window, mode="valid")) * 5 + 2.5)


def _refine(weight: NDArray[np.float32], image: RgbImage) -> NDArray[np.float32]:
    """Membership smoothed along the picture's own edges, so that speckles vanish."""
    radius = max(2, round(4 * pixels.size_factor(image)))
    smooth = cv2.ximgproc.guidedFilter(pixels.unit(image), weight, radius, 1e-3)
    return pixels.smoothstep(np.asarray(smooth, np.float32), 0.1, 0.75)


def _dominant_part(image: RgbImage, lab: NDArray[np.float32], matte: Matte) -> _Part:
    inside = matte > 0.6
    strength, lightness = chroma(lab), lab[..., 0]
    relative = strength / np.maximum(lightness, 0.25)
    coloured = inside & (relative > 0.075)
    chromatic = bool(coloured.sum() > 0.35 * inside.sum())
    if chromatic:
        centre = _dominant_hue(lab, coloured)
        angle = 1 - pixels.smoothstep(hue_distance(hue(lab), centre), 26, 44)
        weight = angle * pixels.smoothstep(relative, 0.025, 0.075)
    else:
        weight = 1 - pixels.smoothstep(relative, 0.07, 0.13)
        typical = float(np.median(lightness[inside & (weight > 0.5)]))
        weight *= 1 - pixels.smoothstep(np.abs(lightness - typical), 0.28, 0.42)
    weight = _refine(weight.astype(np.float32), image)
    members = inside & (weight > 0.5)
    share = float(members.sum() / max(1, inside.sum()))
    if not members.any():
        return _Part(weight, 0.0, (0.0, 0.0, 0.0), chromatic)
    centre_lab = np.median(lab[members], axis=0)
    return _Part(
        weight, share, (float(centre_lab[0]), float(centre_lab[1]), float(centre_lab[2])), chromatic
    )


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
    return typical + pull * (wanted - typical)


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


def _recoloured(lab: NDArray[np.float32], part: _Part, target: NamedColour) -> NDArray[np.float32]:
    """Display values of `lab` (n, 3) after the change."""
    typical = max(part.lab[0], 0.05)
    wanted = _wanted_lightness(target, typical)
    lightness = np.clip(_bent_lightness(lab[:, 0], typical, wanted), 0, 1)
    target_chroma = float(np.hypot(*target.lab[1:]))
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


def _objection(part: _Part, target: NamedColour) -> tuple[str, str] | None:
    """Why this colour would not look right, as (reason, detail)."""
    if part.share < _LEAST_PART:
        return (
            "no_dominant_colour",
            f"the largest single-coloured part is {part.share:.0%} of the object",
        )
    present = colour_name(part.lab)
    if present == target.name or colour_distance(part.lab, target.lab) < 14:
        return "same_colour", f"the object is {present}, close to {target.name}"
    ratio = _wanted_lightness(target, part.lab[0]) / max(part.lab[0], 0.05)
    if not 0.38 <= ratio <= 1.55:
        return (
            "lightness_out_of_range",
            f"{present} to {target.name} would scale its lightness by {ratio:.2f}",
        )
    if part.lab[0] < 0.24 and target.name != "grey":
        return "lightness_out_of_range", f"a {present} surface this dark shows no shading to colour"
    return None


def recolour_options(image: RgbImage, matte: Matte) -> list[Option]:
    """The colours that would look right on the object, the most different first.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: The object, float32 (h, w) in [0, 1].

    Returns:
        Possibly nothing: a picture that offers no convincing change.
    """
    try:
        pixels.check_matte(image, matte, 0.01, 0.85)
    except BadInputError:
        return []
    part = _dominant_part(image, oklab(image), matte)
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
    pixels.check_matte(image, matte, 0.01, 0.85)
    lab = oklab(image)
    part = _dominant_part(image, lab, matte)
    objection = _objection(part, target)
    if objection:
        raise BadInputError(*objection)
    weight = (part.weight * matte).astype(np.float32)
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
