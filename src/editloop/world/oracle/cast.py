"""Finds a colour cast over a whole picture, so that an edit under it can still be recognised."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from editloop.world.oracle.pixels import Pixels, Reference, length, off_the_way, ramp

_GAIN_SPREAD = 0.5
_OFFSET_MOST = 0.2
_OUTLIER = 0.08
_FULL = 0.49
"""Distance from mid-grey from which on a value was cut off, and tells nothing about the gain."""
_STEADY = 0.004
"""Pulls gains towards 1 where the picture has too little contrast to tell a gain from an offset."""


class Cast(NamedTuple):
    """What is left when a cast is taken away."""

    plain: Pixels
    strength: float
    """Mean shift of a pixel by the cast, 0..1; 0 where no cast was found."""


def without_cast(image: Pixels, look: Reference, before: Reference, *, new_look: bool) -> Cast:
    """Takes away one gain and offset a channel, as far as that explains how `image` differs from `look`.

    Args:
        image: The edited picture.
        look: The right result.
        before: The picture before the edit.
        new_look: Whether a look of the whole picture was asked for; then a picture on the straight way from source to goal
            is an edit half done, never a cast.
    """
    none = Cast(image, 0.0)
    astray = float(length(image - look.exact).mean())
    if astray < 0.02:
        return none
    gain, offset = _fitted(look.exact, image)
    if np.abs(gain - 1).max() > _GAIN_SPREAD or np.abs(offset).max() > _OFFSET_MOST:
        return none
    tinted = np.clip(look.exact * gain + offset, 0, 1)
    strength = float(np.abs(tinted - look.exact).mean())
    full = np.abs(image - 0.5) > _FULL
    plain = np.where(full, image + look.exact - tinted, (image - offset) / gain)
    rest = float(length(image - tinted).mean()) / astray
    trust = ramp(rest, 0.55, 0.4) * ramp(strength, 0.015, 0.03)
    if new_look and trust > 0:
        aside = float(length(off_the_way(image, before, look)).mean()) / astray
        trust *= ramp(aside, 0.35, 0.6)
    if trust == 0.0:
        return none
    return Cast(np.asarray(image + trust * (plain - image), np.float32), trust * strength)


def _fitted(look: Pixels, image: Pixels) -> tuple[Pixels, Pixels]:
    """Gain and offset of each channel by least squares, with pixels that follow neither weighed down; shapes (3,)."""
    x, y = look.reshape(-1, 3), image.reshape(-1, 3)
    clear = np.where(np.abs(y - 0.5).max(axis=1, keepdims=True) > _FULL, 0.05, 1.0)
    weights = clear
    gain, offset = np.ones(3, np.float32), np.zeros(3, np.float32)
    for _ in range(3):
        total = weights.sum()
        x_mean, y_mean = (weights * x).sum(axis=0) / total, (weights * y).sum(axis=0) / total
        spread = (weights * (x - x_mean) ** 2).sum(axis=0) / total
        shared = (weights * (x - x_mean) * (y - y_mean)).sum(axis=0) / total
        gain = (shared + _STEADY) / (spread + _STEADY)
        offset = y_mean - gain * x_mean
        misfit = np.abs(y - gain * x - offset).max(axis=1, keepdims=True)
        weights = clear / (1 + (misfit / _OUTLIER) ** 2)
    return gain, offset
