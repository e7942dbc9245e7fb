"""What is done to each JPEG, the same for every engine: decode, 384 x 384, perceptual hash, JPEG quality 90.

Two sets: `plain` (OpenCV throughout) and `best` (a JPEG codec that scales to 6/8 while it decodes, so that the resize
vanishes). Only OpenCV and numpy, and simplejpeg for `best`: this module runs in every peer's environment.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

cv2.setNumThreads(1)
SIDE = 384
QUALITY = 90


class Shrunk(NamedTuple):
    """A perceptual hash of 64 bits and the encoded small picture."""

    hash: int
    jpeg: bytes


Kernel = Callable[[bytes], Shrunk]


def plain(data: bytes) -> Shrunk:
    """Full decode, area resize, DCT hash and encode, all by OpenCV."""
    return finish(resize(decode(data)))


def best(data: bytes) -> Shrunk:
    """Scaled decode and encode by libjpeg-turbo."""
    import simplejpeg

    small = simplejpeg.decode_jpeg(data, "BGR", min_height=SIDE, min_width=SIDE)
    if small.shape[:2] != (SIDE, SIDE):
        small = resize(small)
    jpeg = simplejpeg.encode_jpeg(small, quality=QUALITY, colorspace="BGR", colorsubsampling="420")
    return Shrunk(perceptual_hash(small), jpeg)


KERNELS: dict[str, Kernel] = {"plain": plain, "best": best}


def decode(data: bytes) -> Any:
    """BGR pixels of a JPEG."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def resize(pixels: Any) -> Any:
    """384 x 384."""
    return cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def perceptual_hash(pixels: Any) -> int:
    """Which of the 8 x 8 lowest DCT frequencies lie above their median."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big", signed=True)


def encode(pixels: Any) -> bytes:
    """JPEG of quality 90."""
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])


def finish(pixels: Any) -> Shrunk:
    """Hash and encode a small picture."""
    return Shrunk(perceptual_hash(pixels), encode(pixels))


def paths(folder: str) -> list[str]:
    """The pictures of a folder, in name order."""
    return [str(path) for path in sorted(Path(folder).glob("*.jpg"))]


def read(path: str) -> bytes:
    """The bytes of a file."""
    return Path(path).read_bytes()


def check(found: int, expected: int) -> None:
    """Hold an engine to its count.

    Raises:
        ValueError: when pictures are missing.
    """
    if found != expected:
        raise ValueError(f"{found} pictures came out, {expected} went in")
