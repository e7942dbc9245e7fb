"""Rough geometry from a matte and a picture: an inflated height field and its normals."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.models.editors.procedural import pixels
from editloop.models.editors.procedural.pixels import Plane, Planes
from editloop.models.roles import Matte, RgbImage


def inflated(matte: Matte) -> Plane:
    """A pillow over the matte: 0 at its outline, 1 on the ridge of its widest part."""
    solid = (matte > 0.5).astype(np.uint8)
    distance = np.asarray(cv2.distanceTransform(solid, cv2.DIST_L2, 5), np.float32)
    deepest = float(distance.max())
    if deepest <= 0:
        return np.zeros(matte.shape, np.float32)
    t = np.clip(distance / deepest, 0, 1)
    dome = np.sqrt(np.clip(1 - (1 - t) ** 2, 0, 1)).astype(np.float32)
    return pixels.blur(dome, max(1.0, 0.12 * deepest))


def normals(image: RgbImage, matte: Matte, relief: float = 1.0) -> Planes:
    """Unit surface normals (x right, y down, z to the camera), shape (h, w, 3).

    The object swells towards the camera; finer form comes from smoothed lightness, which is right often enough for
    light that is meant to be seen, not measured. The background faces the camera.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: The object, float32 (h, w) in [0, 1].
        relief: How much the lightness adds to the form.
    """
    factor = pixels.size_factor(image)
    solid = (matte > 0.5).astype(np.uint8)
    reach = float(cv2.distanceTransform(solid, cv2.DIST_L2, 5).max())
    height = inflated(matte) * reach * 0.9
    lightness = pixels.grey(image)
    form = pixels.blur(lightness, 3 * factor) * 0.5 + pixels.blur(lightness, 9 * factor)
    height = height + relief * 14 * factor * form
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8
    field = np.stack([-across, -down, np.ones_like(height)], axis=2)
    return np.asarray(field / np.linalg.norm(field, axis=2, keepdims=True), np.float32)


def unmixed_foreground(image: RgbImage, matte: Matte) -> NDArray[np.float32]:
    """The object's own colours in its soft edge, display values (h, w, 3).

    A pixel of the edge mixes object and background; it is replaced by the average of the solid object around it in
    the measure that it is background (blur fusion, Forte 2021, in one pass).
    """
    source = pixels.unit(image)
    sigma = max(1.5, 5 * pixels.size_factor(image))
    solid = pixels.smoothstep(matte, 0.75, 1.0)
    weight = pixels.blur(solid, sigma)
    mean = pixels.blur(source * solid[..., None], sigma) / np.maximum(weight, 1e-4)[..., None]
    known = np.clip(weight / 0.02, 0, 1)[..., None]
    trust = pixels.smoothstep(matte, 0.35, 0.97)[..., None]
    estimate = mean * known + source * (1 - known)
    return np.asarray(source * trust + estimate * (1 - trust), np.float32)
