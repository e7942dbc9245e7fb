"""JPEGs that cost a codec what photographs do: detail at every scale, soft edges, some sensor noise."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_FIELD = 2048
_QUALITY = 90
_NOISE_LEVELS = 1.2


def make_jpegs(folder: Path, count: int, side: int = 512) -> Path:
    """Write `count` pictures of `side` x `side` pixels to `folder`; the same arguments give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    field = _natural_field(random)
    for number in range(count):
        encoded = cv2.imencode(
            ".jpg", _view(field, random, side), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        )[1]
        (folder / f"{number:05d}.jpg").write_bytes(bytes(encoded))
    return folder


def _natural_field(random: np.random.Generator) -> NDArray[np.float32]:
    """Colour noise (2048, 2048, 3) whose amplitude falls with frequency as that of photographs, levels 0-255."""
    frequency = np.hypot(np.fft.fftfreq(_FIELD)[:, None], np.fft.rfftfreq(_FIELD)[None, :])
    falloff = 1.0 / np.maximum(frequency, 1.0 / _FIELD) ** 1.35
    channels = []
    for _ in range(3):
        phase = np.exp(2j * np.pi * random.random(frequency.shape))
        wave = np.fft.irfft2(falloff * phase, s=(_FIELD, _FIELD))
        channels.append(wave / wave.std())
    grey = channels[0]
    mixed = [0.9 * grey + 0.35 * channel for channel in channels]
    return np.stack([128 + 48 * channel for channel in mixed], axis=2).astype(np.float32)


def _view(field: NDArray[np.float32], random: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """One window of the field with its own light, an object with a hard edge, and noise."""
    top, left = random.integers(0, _FIELD - side, 2)
    window = field[top : top + side, left : left + side] * random.uniform(0.7, 1.2)
    centre = tuple(int(value) for value in random.integers(side // 4, 3 * side // 4, 2))
    colour = tuple(float(value) for value in random.uniform(20, 235, 3))
    cv2.circle(drawn := window.copy(), centre, int(side * random.uniform(0.08, 0.25)), colour, -1)
    mixed = cv2.addWeighted(window, 0.4, drawn, 0.6, 0)
    noise = random.normal(0, _NOISE_LEVELS, (side, side, 1))
    return np.asarray(np.clip(mixed + noise, 0, 255), dtype=np.uint8)
