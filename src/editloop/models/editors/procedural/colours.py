"""Names of colours, and which colours a region has.

Everything is measured in OKLab (Ottosson 2020): lightness 0..1, and two opponent axes whose polar form (chroma, hue)
follows the eye better than CIELAB does, above all for blue. NumPy only, so that judges can use it cheaply.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import UnknownNameError
from editloop.core.registry import did_you_mean
from editloop.models.roles import Mask, RgbImage

_LMS_FROM_RGB = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_LAB_FROM_LMS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)
_RGB_FROM_LMS = np.linalg.inv(_LMS_FROM_RGB.astype(np.float64)).astype(np.float32)
_LMS_FROM_LAB = np.linalg.inv(_LAB_FROM_LMS.astype(np.float64)).astype(np.float32)

_BYTES = np.arange(256) / 255
_LINEAR_OF_BYTE = np.where(
    _BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4
).astype(np.float32)


@dataclass(frozen=True, slots=True)
class ColourShare:
    """How much of a region has one named colour."""

    name: str
    share: float
    """Part of the region's pixels, in [0, 1]."""
    lab: tuple[float, float, float]
    """Their mean in OKLab."""


@dataclass(frozen=True, slots=True)
class NamedColour:
    """A colour that an instruction can ask for; the triple is its most typical shade in sRGB."""

    name: str
    rgb: tuple[int, int, int]

    @property
    def lab(self) -> tuple[float, float, float]:
        """The shade in OKLab."""
        lightness, a, b = oklab(np.array([[self.rgb]], np.uint8))[0, 0]
        return float(lightness), float(a), float(b)


COLOURS: dict[str, NamedColour] = {
    colour.name: colour
    for colour in (
        NamedColour("red", (205, 28, 36)),
        NamedColour("orange", (240, 125, 20)),
        NamedColour("yellow", (245, 205, 40)),
        NamedColour("green", (45, 140, 60)),
        NamedColour("teal", (20, 145, 145)),
        NamedColour("blue", (35, 90, 200)),
        NamedColour("purple", (120, 60, 170)),
        NamedColour("pink", (240, 120, 170)),
        NamedColour("brown", (115, 70, 40)),
        NamedColour("beige", (222, 200, 170)),
        NamedColour("black", (32, 32, 34)),
        NamedColour("grey", (128, 128, 130)),
        NamedColour("white", (240, 240, 238)),
    )
}
NEUTRALS = frozenset({"black", "grey", "white"})

_NAMES = tuple(COLOURS)
_HUE_NAMES = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "red")
_HUE_EDGES = (40.0, 76.0, 117.0, 172.0, 222.0, 284.0, 328.0, 372.0)
"""Upper hue (degrees, counted from 12) of each name in `_HUE_NAMES`."""


def named(name: str) -> NamedColour:
    """The colour called `name`.

    Raises:
        UnknownNameError: with the nearest name.
    """
    if name not in COLOURS:
        known = sorted(COLOURS)
        raise UnknownNameError(
            f"no colour is called {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}"
        )
    return COLOURS[name]


def oklab(image: RgbImage) -> NDArray[np.float32]:
    """OKLab of an sRGB uint8 image, shape (..., 3)."""
    lms = np.cbrt(_LINEAR_OF_BYTE[image] @ _LMS_FROM_RGB.T)
    return np.asarray(lms @ _LAB_FROM_LMS.T, np.float32)


def linear_from_oklab(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light of OKLab values; outside [0, 1] where the colour has no sRGB value."""
    return np.asarray(((lab @ _LMS_FROM_LAB.T) ** 3) @ _RGB_FROM_LMS.T, np.float32)


def chroma(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance from grey, about 0..0.3."""
    return np.asarray(np.hypot(lab[..., 1], lab[..., 2]), np.float32)


def hue(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hue angle in degrees, [0, 360)."""
    return np.asarray(np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360, np.float32)


def hue_distance(first: NDArray[np.float32], second: float) -> NDArray[np.float32]:
    """Shortest angle between hues, degrees in [0, 180]."""
    return np.asarray(np.abs((first - second + 180) % 360 - 180), np.float32)


def colour_distance(first: tuple[float, float, float], second: tuple[float, float, float]) -> float:
    """Euclidean OKLab distance times 100: about 2 is just visible, 10 another shade, 25 another colour."""
    return float(100 * np.linalg.norm(np.subtract(first, second)))


def _name_indices(lab: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index into `_NAMES` for OKLab values of shape (n, 3)."""
    lightness, strength, angle = lab[:, 0], chroma(lab), hue(lab)
    turned = (angle - 12) % 360 + 12
    by_hue = np.array([_NAMES.index(name) for name in _HUE_NAMES])
    index = by_hue[np.searchsorted(np.array(_HUE_EDGES), turned, side="right")]

    def put(where: NDArray[np.bool_], name: str) -> None:
        index[where] = _NAMES.index(name)

    reddish = turned < 40
    warm = (turned >= 40) & (turned < 100)
    put(reddish & (lightness > 0.70) & (strength < 0.16), "pink")
    put((turned >= 328) & (lightness < 0.42), "purple")
    put((turned >= 352) & (lightness < 0.50), "red")
    put(reddish & (strength < 0.095) & (lightness < 0.58), "brown")
    put(warm & (lightness < 0.60) & (strength < 0.135), "brown")
    put(warm & (lightness < 0.46), "brown")
    put((turned >= 30) & (turned < 115) & (strength < 0.075) & (lightness > 0.72), "beige")
    neutral = strength < np.where(lightness > 0.85, 0.022, 0.034)
    put(neutral, "grey")
    put(neutral & (lightness > 0.84), "white")
    put((neutral | (strength < 0.05)) & (lightness < 0.33), "black")
    put(lightness < 0.17, "black")
    return np.asarray(index, np.int64)


def colour_name(lab: tuple[float, float, float]) -> str:
    """The everyday name of one OKLab colour."""
    return _NAMES[int(_name_indices(np.array([lab], np.float32))[0])]


def dominant_colours(
    image: RgbImage, mask: Mask | None = None, least_share: float = 0.05
) -> list[ColourShare]:
    """The named colours of a region, largest share first.

    Args:
        image: RGB uint8 (h, w, 3).
        mask: The region, bool (h, w); the whole frame when None. An empty region has no colours.
        least_share: Names with a smaller share are left out.
    """
    pixels = image[mask] if mask is not None else image.reshape(-1, 3)
    if len(pixels) == 0:
        return []
    lab = oklab(pixels[:: max(1, len(pixels) // 40_000)])
    indices = _name_indices(lab)
    shares = []
    for index in np.unique(indices):
        members = lab[indices == index]
        share = len(members) / len(lab)
        if share >= least_share:
            lightness, a, b = (float(value) for value in members.mean(axis=0))
            shares.append(ColourShare(_NAMES[index], share, (lightness, a, b)))
    return sorted(shares, key=lambda colour: -colour.share)
