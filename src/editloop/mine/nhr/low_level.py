"""NHR's low-level check: is the change one connected edit, or noise all over?"""

from __future__ import annotations

import numpy as np

from editloop.models.roles import RgbImage


def largest_component_share(before: RgbImage, after: RgbImage, threshold: int) -> float | None:
    """Share of the changed pixels that lie in their largest 4-connected part, or None when nothing changed.

    A pixel counts as changed when a channel differs by more than `threshold` of 255 (arXiv 2507.14119 leaves the reduction of the
    channels open).
    """
    import cv2

    changed = np.abs(before.astype(np.int16) - after.astype(np.int16)).max(axis=2) > threshold
    total = int(changed.sum())
    if total == 0:
        return None
    count, _, statistics, _ = cv2.connectedComponentsWithStats(
        changed.astype(np.uint8), connectivity=4, ltype=cv2.CV_32S
    )
    areas = statistics[1:count, cv2.CC_STAT_AREA]
    return float(areas.max()) / total
