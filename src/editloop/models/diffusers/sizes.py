"""Working sizes: what a request's pictures are scaled to before a network sees them, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from editloop.models.roles import RgbImage


def fit_area(width: int, height: int, pixels: int, multiple: int) -> tuple[int, int]:
    """Width and height of about `pixels` in area, of the given aspect ratio, both multiples of `multiple`.

    Sides are rounded down, and are never less than one multiple.
    """
    ratio = width / height
    wide, high = round((pixels * ratio) ** 0.5), round((pixels / ratio) ** 0.5)
    return max(wide // multiple, 1) * multiple, max(high // multiple, 1) * multiple


def to_pil(image: RgbImage, size: tuple[int, int] | None = None) -> Any:
    """The picture for a pipeline, scaled to `size` (width, height) with Lanczos where it differs."""
    picture = Image.fromarray(image)
    if size is None or size == picture.size:
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS)


def back_to(image: RgbImage, like: RgbImage) -> RgbImage:
    """A network's picture at the size of `like`."""
    height, width = like.shape[:2]
    return np.asarray(to_pil(image, (width, height)))
