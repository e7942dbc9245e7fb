"""Printed styles: comic, halftone, woodblock print, pixel art."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.models.editors.procedural import pixels, strokes
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.roles import RgbImage


def _screen(shape: tuple[int, int], degrees: float, pitch: float) -> Plane:
    """A dot screen: distance to the nearest dot centre over half the pitch, about 0..1.41."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    turn = np.radians(degrees)
    u = (columns * np.cos(turn) + rows * np.sin(turn)) / pitch
    v = (-columns * np.sin(turn) + rows * np.cos(turn)) / pitch
    return np.asarray(2 * np.hypot((u % 1.0) - 0.5, (v % 1.0) - 0.5), np.float32)


def _dots(amount: Plane, degrees: float, pitch: float) -> Plane:
    """Dots that cover the share `amount` of the paper, soft by one pixel."""
    radius = np.sqrt(np.clip(amount, 0, 1) * 4 / np.pi)
    radius = np.where(amount > 0.02, radius, 0).astype(np.float32)
    soft = (radius - _screen(amount.shape, degrees, pitch)) * pitch / 2 + 0.5
    return pixels.clipped(np.where(radius > 0, soft, 0))


def _stepped(lightness: Plane, steps: int, softness: float = 0.08) -> Plane:
    """Lightness in `steps` flat levels with slightly soft borders."""
    level = lightness * steps
    rise = pixels.smoothstep(level % 1.0, 0.5 - softness, 0.5 + softness)
    return pixels.clipped((np.floor(level) + rise) / steps)


def comic(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Flat bright colours, printed dots in the half-tones and bold ink outlines."""
    factor = pixels.size_factor(image)
    flat = strokes.flattened(strokes.saturated(image, 1.55), 1.3)
    lab = cv2.cvtColor(pixels.unit(flat), cv2.COLOR_RGB2LAB)
    lightness = strokes.stretched(np.ascontiguousarray(lab[..., 0] / 100))
    levels = _stepped(lightness, 4)
    lab[..., 0] = 100 * (0.14 + 0.84 * levels)
    colour = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1)
    middle = np.clip(1 - np.abs(lightness - 0.45) / 0.28, 0, 1) * 0.30
    dots = _dots(middle.astype(np.float32), 45, max(4.0, 7.0 * factor))
    grain = strokes.paper(lightness.shape, factor, rng)
    printed = colour * (1 - 0.22 * dots - 0.010 * grain)[..., None]
    ink = strokes.ink_lines(pixels.grey(flat), 1.7 * factor, 90.0, -0.006)
    shadow = pixels.smoothstep(pixels.blur(lightness, 1.5 * factor), 0.10, 0.16)
    return strokes.multiplied(printed.astype(np.float32), np.minimum(ink, 0.08 + 0.92 * shadow))


def halftone(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Cyan, magenta, yellow and black dots on cream newsprint."""
    factor = pixels.size_factor(image)
    colour = pixels.unit(strokes.saturated(strokes.flattened(image, 0.7), 1.25))
    colour = np.clip((colour - 0.04) / 0.92, 0, 1)
    black = 1 - colour.max(axis=2)
    key = np.clip((black - 0.34) / 0.66, 0, 1) ** 1.2
    rest = 1 - np.clip(colour, 0, 1) ** 0.8
    inks = (
        (rest[..., 0] - 0.75 * key, 15.0, (0.0, 0.62, 0.86)),
        (rest[..., 1] - 0.75 * key, 75.0, (0.89, 0.10, 0.50)),
        (rest[..., 2] - 0.75 * key, 0.0, (1.0, 0.90, 0.05)),
        (key, 45.0, (0.10, 0.09, 0.10)),
    )
    pitch = max(5.0, 6.4 * factor)
    sheet = np.broadcast_to(np.array([0.965, 0.945, 0.895], np.float32), colour.shape)
    for amount, degrees, ink in inks:
        dots = _dots(amount.astype(np.float32), degrees, pitch)[..., None]
        sheet = sheet * (1 - dots * (1 - np.array(ink, np.float32)))
    fibre = strokes.paper(colour.shape[:2], factor, rng)
    return pixels.clipped(sheet + 0.008 * fibre[..., None])


def woodblock_print(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Flat muted inks, dark blue outlines, shaded sky band and washi paper."""
    factor = pixels.size_factor(image)
    flat = strokes.flattened(strokes.flattened(image), 1.4)
    palette = strokes.palette_of(flat, 9, int(rng.integers(2**31)))
    hsv = cv2.cvtColor(palette[None], cv2.COLOR_RGB2HSV)[0]
    hsv[:, 1] = np.clip(hsv[:, 1] * 1.05 + 0.04, 0, 0.72)
    inks = cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]
    washi = np.array([0.95, 0.90, 0.79], np.float32)
    inks = inks * (0.35 + 0.65 * washi) * 0.94 + 0.05
    index = strokes.nearest_in_palette(flat, palette)
    index = cv2.medianBlur(index.astype(np.uint8), pixels.odd(5 * factor))
    colour = pixels.blur(inks[index].astype(np.float32), 0.8 * factor)
    wood = strokes.along_flow(
        pixels.smooth_noise(index.shape, 2.2 * factor, rng),
        np.full(index.shape, 0.03, np.float32),
        max(8, round(28 * factor)),
    )
    grain = 1 + 0.030 * wood / (wood.std() + 1e-6)
    rows = np.linspace(0, 1, index.shape[0], dtype=np.float32)[:, None]
    band = 0.55 * (1 - pixels.smoothstep(np.broadcast_to(rows, index.shape), 0.0, 0.17))
    indigo = np.array([0.13, 0.22, 0.40], np.float32)
    colour = colour * grain[..., None]
    colour = colour + band[..., None] * (colour * indigo * 1.6 - colour)
    ink = strokes.ink_lines(pixels.grey(flat), 1.5 * factor, 90.0, -0.005)
    colour = colour * ink[..., None] + indigo * 0.55 * (1 - ink[..., None])
    fibre = strokes.paper(index.shape, factor, rng)
    return pixels.clipped(colour + 0.010 * fibre[..., None])


def pixel_art(image: RgbImage, rng: np.random.Generator) -> Planes:
    """Large square pixels in a small palette, like a 16-bit game."""
    side = 112
    scale = side / min(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    crisp = strokes.flattened(strokes.saturated(image, 1.3))
    small = cv2.resize(crisp, size, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(pixels.unit(small), cv2.COLOR_RGB2LAB)
    lab[..., 0] += 0.5 * (lab[..., 0] - cv2.GaussianBlur(lab[..., 0], (0, 0), 1.5))
    small = pixels.to_bytes(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))
    palette = strokes.palette_of(small, 28, int(rng.integers(2**31)))
    bayer = (
        np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16
        - 0.47
    )
    tiles = np.tile(bayer, (size[1] // 4 + 1, size[0] // 4 + 1))[: size[1], : size[0], None]
    dithered = pixels.to_bytes(pixels.unit(small) + 0.035 * tiles)
    quantised = palette[strokes.nearest_in_palette(dithered, palette)]
    large = cv2.resize(quantised, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(large, np.float32)
