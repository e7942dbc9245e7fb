"""Procedural materials: albedo in linear light over a grid of surface coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.pixels import Plane, Planes


@dataclass(frozen=True, slots=True)
class Surface:
    """Where a material is painted."""

    u: Plane
    """Surface coordinate to the right; 1 = the object's typical width."""
    v: Plane
    """Surface coordinate downwards, in the same unit."""
    unit: float
    """Pixels per unit."""
    rng: np.random.Generator

    def noise(self, across: float, down: float, octaves: int = 3) -> Plane:
        """Noise that sticks to the surface, mean 0, deviation about 1; features `across` x `down` units."""
        total = np.zeros(self.u.shape, np.float32)
        for octave in range(octaves):
            lattice = self.rng.standard_normal((256, 256)).astype(np.float32)
            scale = 2.0**octave
            x = (self.u / across * scale * 1.0 + 61.3) % 255
            y = (self.v / down * scale * 1.0 + 17.9) % 255
            sampled = cv2.remap(
                lattice,
                x.astype(np.float32),
                y.astype(np.float32),
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_WRAP,
            )
            total += sampled / scale
        return total / np.float32(1.15)


def _ramp(position: Plane, stops: list[tuple[float, tuple[int, int, int]]]) -> Planes:
    """Colours between stops (sRGB bytes), interpolated in linear light."""
    places = [place for place, _ in stops]
    colours = pixels.to_linear(np.array([[colour for _, colour in stops]], np.float32) / 255)[0]
    return np.stack([np.interp(position, places, colours[:, k]) for k in range(3)], axis=2).astype(
        np.float32
    )


def wood(surface: Surface) -> Planes:
    """Walnut with long grain."""
    bend = surface.noise(0.9, 0.30)
    rings = 9.0 * (surface.v + 0.10 * bend + 0.12 * surface.u)
    growth = (rings % 1.0).astype(np.float32)
    band = growth**2.2
    fibre = surface.noise(0.35, 0.012, 2)
    pores = pixels.smoothstep(surface.noise(0.12, 0.006, 2), 1.1, 2.0)
    position = np.clip(0.50 * band + 0.10 * fibre + 0.10 * bend + 0.30, 0, 1)
    albedo = _ramp(position, [(0.0, (196, 140, 88)), (0.5, (150, 96, 54)), (1.0, (92, 52, 28))])
    return np.asarray(albedo * (1 - 0.35 * pores)[..., None], np.float32)


def marble(surface: Surface) -> Planes:
    """White marble with grey veins."""
    turbulence = surface.noise(0.40, 0.40, 5)
    first = np.abs(np.sin(np.pi * (1.3 * surface.u + 1.9 * surface.v + 0.42 * turbulence)))
    second = np.abs(
        np.sin(np.pi * (2.9 * surface.u - 1.7 * surface.v + 0.55 * surface.noise(0.3, 0.3, 5)))
    )
    strength = 0.5 + 0.5 * np.clip(surface.noise(0.5, 0.5, 2), -1, 1)
    vein = (
        np.exp(-first / 0.10) * (0.35 + 0.65 * strength) + 0.45 * np.exp(-second / 0.045) * strength
    )
    cloud = 0.10 * np.clip(0.5 + 0.35 * surface.noise(0.6, 0.6, 3), 0, 1)
    position = np.clip(cloud + 0.85 * vein, 0, 1)
    return _ramp(position, [(0.0, (222, 219, 213)), (0.45, (172, 172, 175)), (1.0, (84, 86, 92))])


def denim(surface: Surface) -> Planes:
    """Indigo twill."""
    pitch = max(3.2 / surface.unit, 0.009)
    twill = np.sin(2 * np.pi * (surface.u * 0.82 + surface.v) / pitch)
    warp = np.sin(2 * np.pi * (surface.u - surface.v * 0.25) / (pitch * 0.8))
    slub = surface.noise(0.010, 0.30, 2)
    wear = surface.noise(0.35, 0.35, 3)
    position = np.clip(0.42 + 0.16 * twill + 0.06 * warp + 0.10 * slub + 0.08 * wear, 0, 1)
    return _ramp(position, [(0.0, (28, 42, 78)), (0.5, (62, 86, 132)), (1.0, (150, 172, 204))])


MAKERS: dict[str, Callable[[Surface], Planes]] = {
    "wood": wood,
    "marble": marble,
    "denim": denim,
}
"""Materials with an albedo; metals are made from reflections instead (see `retexture`)."""
