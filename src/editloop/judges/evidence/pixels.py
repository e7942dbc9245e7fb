"""The two images of a triplet made comparable, and the map of what changed between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from editloop.judges.evidence.config import EvidenceConfig
from editloop.models.roles import Mask, RgbImage

Plane: TypeAlias = NDArray[np.float32]
"""One value a pixel, shape (h, w)."""
Planes: TypeAlias = NDArray[np.float32]
"""Three values a pixel, shape (h, w, 3)."""


@dataclass(frozen=True)
class Pair:
    """Source and edited image at working size, with everything that is measured once and used often.

    Args:
        source: RGB uint8 (h, w, 3), longest side at most `EvidenceConfig.work_side_px`.
        edited: The edited image, resized to the source's shape.
        mask: Where the edit may change pixels, at working size; None when unknown.
        shape_ratio: Aspect ratio of the edited image over that of the source; 1 = same shape.
        config: Thresholds.
    """

    source: RgbImage
    edited: RgbImage
    mask: Mask | None
    shape_ratio: float
    config: EvidenceConfig

    @cached_property
    def source_lab(self) -> Planes:
        """CIELAB of the source (L in [0, 100])."""
        return cielab(self.source)

    @cached_property
    def edited_lab(self) -> Planes:
        """CIELAB of the edited image."""
        return cielab(self.edited)

    @cached_property
    def source_edges(self) -> Plane:
        """`gradient` of the source."""
        return gradient(self.source_lab)

    @cached_property
    def edited_edges(self) -> Plane:
        """`gradient` of the edited image."""
        return gradient(self.edited_lab)

    @cached_property
    def difference(self) -> Plane:
        """Colour difference (CIE76) of the slightly blurred images: compression noise stays below about 4."""
        sigma = self.config.change_blur_px
        apart = cv2.GaussianBlur(self.source_lab - self.edited_lab, (0, 0), sigma)
        return np.asarray(np.linalg.norm(apart, axis=2), np.float32)

    @cached_property
    def changed(self) -> Mask:
        """Where the edit visibly changed the picture, without specks."""
        return clean_map(
            self.difference > self.config.changed_difference, self.config.smallest_change_frac
        )

    @property
    def pixels(self) -> int:
        """Pixels at working size."""
        return int(self.changed.size)


def make_pair(
    source: RgbImage, edited: RgbImage, mask: Mask | None, config: EvidenceConfig
) -> Pair:
    """Both images at the working size of the source."""
    height, width = source.shape[:2]
    scale = min(1.0, config.work_side_px / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    ratio = (edited.shape[1] / edited.shape[0]) / (width / height)
    small_mask = None
    if mask is not None:
        small_mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return Pair(_resized(source, size), _resized(edited, size), small_mask, ratio, config)


def _resized(image: RgbImage, size: tuple[int, int]) -> RgbImage:
    if (image.shape[1], image.shape[0]) == size:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def cielab(image: RgbImage) -> Planes:
    """CIELAB of an sRGB image, float32 (h, w, 3), L in [0, 100]."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def disc(radius: int) -> NDArray[np.uint8]:
    """A round structuring element."""
    side = 2 * max(1, radius) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def grow(mask: Mask, radius: int) -> Mask:
    """`mask` grown by `radius` pixels."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc(radius)) > 0)


def shrink(mask: Mask, radius: int) -> Mask:
    """`mask` shrunk by `radius` pixels; what lies outside the frame counts as inside."""
    eroded = cv2.erode(mask.astype(np.uint8), disc(radius), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(eroded > 0)


def clean_map(rough: Mask, smallest_frac: float) -> Mask:
    """`rough` with specks removed, small gaps closed, and blobs below `smallest_frac` of the frame dropped."""
    tidy = cv2.morphologyEx(rough.astype(np.uint8), cv2.MORPH_OPEN, disc(1))
    tidy = cv2.morphologyEx(tidy, cv2.MORPH_CLOSE, disc(3))
    labels, areas = blobs(tidy > 0)
    keep = np.flatnonzero(areas >= smallest_frac * rough.size) + 1
    return np.asarray(np.isin(labels, keep))


def blobs(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Label image (0 = background, n = nth blob) and the area of each blob in pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32), np.asarray(stats[1:, cv2.CC_STAT_AREA], np.int64)


def gradient(lab: Planes) -> Plane:
    """Strength of colour edges: the largest Sobel magnitude over L, a and b, in Lab units a pixel."""
    across = cv2.Sobel(lab, cv2.CV_32F, 1, 0, ksize=3) / 4
    down = cv2.Sobel(lab, cv2.CV_32F, 0, 1, ksize=3) / 4
    return np.asarray(np.hypot(across, down).max(axis=2), np.float32)


def mean_in(values: Plane, mask: Mask, default: float = 0.0) -> float:
    """Mean of `values` where `mask`, or `default` for an empty mask."""
    return float(values[mask].mean()) if mask.any() else default


def ssim_map(first: Plane, second: Plane, dynamic_range: float = 100.0) -> Plane:
    """Structural similarity of two planes at every pixel (Wang et al. 2004, Gaussian window of sigma 1.5)."""

    def blurred(plane: Plane) -> Plane:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), 1.5), np.float32)

    c1, c2 = (0.01 * dynamic_range) ** 2, (0.03 * dynamic_range) ** 2
    mean_1, mean_2 = blurred(first), blurred(second)
    var_1 = blurred(first * first) - mean_1**2
    var_2 = blurred(second * second) - mean_2**2
    covariance = blurred(first * second) - mean_1 * mean_2
    top = (2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)
    return np.asarray(top / ((mean_1**2 + mean_2**2 + c1) * (var_1 + var_2 + c2)), np.float32)


def correlation(first: Plane, second: Plane, mask: Mask | None = None) -> float:
    """Pearson correlation of two planes (where `mask`), 0 where one of them is flat."""
    one = (first if mask is None else first[mask]).ravel().astype(np.float64)
    two = (second if mask is None else second[mask]).ravel().astype(np.float64)
    if one.size < 16:
        return 0.0
    one, two = one - one.mean(), two - two.mean()
    norm = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / norm if norm > 1e-6 else 0.0
