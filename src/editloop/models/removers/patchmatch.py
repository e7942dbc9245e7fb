"""PatchMatch inpainting (Barnes et al. 2009, Wexler et al. 2007) through the package ``pypatchmatch``."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.embedded import identity_of_package
from editloop.models.prerequisites import require
from editloop.models.roles import Mask, ModelIdentity, RgbImage

_CODE_VERSION = 1
_PATCH_RADIUS = 3
_SMALL_HOLE_FRACTION = 0.01
_DIFFUSION_RADIUS_PX = 5
_CONTEXT = 1.0
_LEAST_CONTEXT_PX = 64

# The seed is a global of the native library.
_SEED_LOCK = threading.Lock()


class _Window(NamedTuple):
    rows: slice
    columns: slice


class PatchMatch:
    """Spec ``embedded:patchmatch``: copies texture from around the hole; diffusion for holes under 1 % of the frame.

    The same image, mask and seed give the same pixels.
    """

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and licence."""
        return identity_of_package("embedded:patchmatch", "pypatchmatch", _CODE_VERSION, "MIT")

    def remove(self, image: RgbImage, mask: Mask, *, seed: int) -> RgbImage:
        """`image` with every True pixel of `mask` filled in; all other pixels unchanged.

        Raises:
            BadInputError: ``mask-size`` when the sizes differ, ``mask-covers-all`` when nothing is left to copy.
        """
        if mask.shape != image.shape[:2]:
            raise BadInputError(
                "mask-size", f"the mask is {mask.shape}, the image {image.shape[:2]}"
            )
        if not mask.any():
            return image.copy()
        if mask.all():
            raise BadInputError(
                "mask-covers-all", "the mask covers the image: nothing is left to copy from"
            )
        if mask.mean() < _SMALL_HOLE_FRACTION:
            filled = _diffuse(image, mask)
        else:
            filled = _copy_patches(image, mask, seed)
        return np.where(mask[..., None], filled, image)


def _diffuse(image: RgbImage, mask: Mask) -> RgbImage:
    cv2 = require("cv2", "photos")
    hole = mask.astype(np.uint8)
    result: NDArray[np.uint8] = cv2.inpaint(image, hole, _DIFFUSION_RADIUS_PX, cv2.INPAINT_TELEA)
    return result


def _copy_patches(image: RgbImage, mask: Mask, seed: int) -> RgbImage:
    patchmatch = require("patchmatch", "photos")
    window = _surroundings(mask)
    with _SEED_LOCK:
        patchmatch.set_random_seed(seed % 2**32)
        patch = patchmatch.inpaint(
            np.ascontiguousarray(image[window]),
            np.ascontiguousarray(mask[window]),
            patch_size=_PATCH_RADIUS,
        )
    filled = image.copy()
    filled[window] = patch
    return filled


def _surroundings(mask: Mask) -> _Window:
    """The hole's bounding box, grown by its own size on every side: far enough to copy from, small enough to be quick."""
    height, width = mask.shape
    return _Window(_span(np.any(mask, axis=1), height), _span(np.any(mask, axis=0), width))


def _span(touched: NDArray[np.bool_], length: int) -> slice:
    inside = np.nonzero(touched)[0]
    first, last = int(inside[0]), int(inside[-1]) + 1
    margin = max(_LEAST_CONTEXT_PX, int(_CONTEXT * (last - first)))
    return slice(max(0, first - margin), min(length, last + margin))
