"""Photographs that adapters are tested on, small enough to be quick."""

from __future__ import annotations

import numpy as np
from PIL import Image

from editloop.models.roles import RgbImage
from editloop.models.samples import sample_photos


def photograph(name: str, side: int = 512) -> RgbImage:
    """The sample photograph called `name`, its long side `side` pixels."""
    (photo,) = [photo for photo in sample_photos() if photo.name == name]
    with Image.open(photo.path) as image:
        small = image.convert("RGB")
    small.thumbnail((side, side))
    return np.asarray(small)
