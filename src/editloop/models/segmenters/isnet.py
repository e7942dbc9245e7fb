"""ISNet: mattes of the salient object ("Highly Accurate Dichotomous Image Segmentation", arXiv 2203.03041)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from editloop.models.embedded import identity_of_asset, isnet_onnx
from editloop.models.geometry import grow_box
from editloop.models.onnx_session import OnnxSession
from editloop.models.prerequisites import require
from editloop.models.roles import Matte, ModelIdentity, RgbImage
from editloop.records.record import Box

_CODE_VERSION = 3
DEFAULT_SIZE = 768
_BOX_MARGIN = 0.12
_MEANINGFUL_RANGE = 0.2
_ISLAND_SHORE = 0.05
_LEAST_INSIDE = 0.5


class IsNet:
    """Specs ``embedded:isnet`` (768 pixels, about 1.7 CPU-seconds) and ``embedded:isnet-1024`` (as trained, 3.2).

    With a box, the network sees the box and a margin of 12 % around it.

    Args:
        size: Side of the square the network sees, a multiple of 32.
    """

    def __init__(self, size: int = DEFAULT_SIZE) -> None:
        self._size = size
        self._session = OnnxSession(lambda: isnet_onnx(size))

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and licence."""
        spec = "embedded:isnet" if self._size == DEFAULT_SIZE else f"embedded:isnet-{self._size}"
        return identity_of_asset(spec, "isnet", _CODE_VERSION)

    def matte(self, image: RgbImage, box: Box | None = None) -> Matte:
        """Matte of the object in `box`, or of the salient object(s) of the frame; all zero where there is none."""
        height, width = image.shape[:2]
        if box is None:
            return self._salient(image)
        seen = grow_box(box, _BOX_MARGIN, width, height)
        matte = np.zeros((height, width), np.float32)
        if seen.area:
            crop = np.s_[seen.top : seen.bottom, seen.left : seen.right]
            matte[crop] = self._salient(image[crop])
        return keep_inside(matte, box)

    def _salient(self, image: RgbImage) -> Matte:
        raw = self._session.run(_prepare(image, self._size), [self._session.output_names()[0]])[0][
            0, 0
        ]
        height, width = image.shape[:2]
        resized = Image.fromarray(stretch(raw.astype(np.float32))).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        return np.clip(np.asarray(resized, np.float32), 0, 1)


def isnet_as_trained() -> IsNet:
    """ISNet at the size it was trained at, in about twice the time."""
    return IsNet(1024)


def keep_inside(matte: Matte, box: Box) -> Matte:
    """`matte` without the islands of which less than half lies in `box`: neighbours seen in the margin."""
    cv2 = require("cv2", "photos")
    count, islands = cv2.connectedComponents((matte > _ISLAND_SHORE).astype(np.uint8))
    areas = np.bincount(islands.ravel(), minlength=count)
    within = islands[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
    inside = np.bincount(within.ravel(), minlength=count)
    kept = inside >= _LEAST_INSIDE * areas
    kept[0] = True
    return np.where(kept[islands], matte, np.float32(0))


def stretch(raw: NDArray[np.float32]) -> Matte:
    """Stretches `raw` to [0, 1], as the network's authors do, unless its range is too small to mean an object."""
    low, high = float(raw.min()), float(raw.max())
    if high - low < _MEANINGFUL_RANGE:
        return np.zeros_like(raw)
    return (raw - low) / (high - low)


def _prepare(image: RgbImage, size: int) -> NDArray[np.float32]:
    square = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
    scaled = (np.asarray(square, np.float32) - 128) / 256
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])
