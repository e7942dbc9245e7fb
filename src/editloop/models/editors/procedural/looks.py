"""What an appearance edit promises, in words for instructions and in numbers for whoever checks it.

Each editor module exports a catalogue of `Look`s. `measure` compares two pictures; every look lists the measurements
that must hold after the edit, so that a judge can verify the promise without knowing how it was kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError, UnknownNameError
from editloop.core.registry import did_you_mean
from editloop.models.editors.procedural.colours import chroma, oklab
from editloop.models.roles import RgbImage

MEASURED_SIDE = 256


@dataclass(frozen=True, slots=True)
class Expectation:
    """One measurement of `measure` with the interval it must fall in after the edit."""

    measurement: str
    low: float
    high: float

    def holds(self, measured: dict[str, float]) -> bool:
        """Whether the measured value lies in [low, high]."""
        return self.low <= measured[self.measurement] <= self.high


@dataclass(frozen=True, slots=True)
class Look:
    """One entry of a catalogue."""

    name: str
    phrase: str
    """Noun phrase that completes "Make it look like ...", with its article."""
    description: str
    """One clause of visible detail, for longer instructions."""
    expectations: tuple[Expectation, ...] = field(default=())


def catalogue(*looks: Look) -> dict[str, Look]:
    """The looks by name."""
    return {look.name: look for look in looks}


def look_named(looks: dict[str, Look], name: str, kind: str) -> Look:
    """The look called `name`.

    Raises:
        UnknownNameError: with the nearest name of this `kind` of look.
    """
    if name not in looks:
        known = sorted(looks)
        raise UnknownNameError(
            f"no {kind} is called {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}"
        )
    return looks[name]


def check_kept(look: Look, before: RgbImage, after: RgbImage) -> None:
    """Refuse a result that breaks one of the look's expectations.

    Raises:
        BadInputError: ``promise_not_kept``.
    """
    measured = measure(before, after)
    for expected in look.expectations:
        if not expected.holds(measured):
            raise BadInputError(
                "promise_not_kept",
                f"{look.name}: {expected.measurement} is {measured[expected.measurement]:.3f}, "
                f"expected {expected.low} to {expected.high}",
            )


def _small(image: RgbImage) -> RgbImage:
    factor = MEASURED_SIDE / min(image.shape[:2])
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _edge_strength(lightness: NDArray[np.float32]) -> float:
    horizontal = cv2.Sobel(lightness, cv2.CV_32F, 1, 0)
    vertical = cv2.Sobel(lightness, cv2.CV_32F, 0, 1)
    return float(np.hypot(horizontal, vertical).mean())


def _statistics(image: RgbImage) -> dict[str, float]:
    lab = oklab(_small(image))
    lightness = lab[..., 0]
    low, high = np.percentile(lightness, [5, 95])
    return {
        "lightness": float(lightness.mean()),
        "shadows": float(low),
        "highlights": float(high),
        "contrast": float(high - low),
        "chroma": float(chroma(lab).mean()),
        "warmth": float(lab[..., 2].mean()),
        "redness": float(lab[..., 1].mean()),
        "edges": _edge_strength(lightness),
        "levels": float(len(np.unique(_small(image).reshape(-1, 3) // 16, axis=0))),
    }


def measure(before: RgbImage, after: RgbImage) -> dict[str, float]:
    """How the whole frame changed.

    Returns:
        For each statistic (OKLab lightness, shadows and highlights as 5 % and 95 % points, contrast, chroma, warmth =
        yellow minus blue, redness = red minus green, edges, levels = count of distinct colours) its value ``after``
        under its own name, and ``<name>_change`` = after - before; ``difference`` = mean OKLab distance x 100 between
        the two; ``structure`` = correlation of blurred lightness, 1 when the layout is the same.
    """
    old, new = _statistics(before), _statistics(after)
    result = dict(new)
    result.update({f"{name}_change": new[name] - old[name] for name in new})
    first, second = oklab(_small(before)), oklab(_small(after))
    if first.shape == second.shape:
        result["difference"] = float(100 * np.linalg.norm(first - second, axis=2).mean())
        blurred = [cv2.GaussianBlur(lab[..., 0], (0, 0), 4).ravel() for lab in (first, second)]
        deviations = [float(values.std()) for values in blurred]
        flat = min(deviations) < 1e-4
        result["structure"] = 0.0 if flat else float(np.corrcoef(*blurred)[0, 1])
    return result
