"""GrabCut (Rother et al. 2004) from a box: the segmenter that needs no weights."""

from __future__ import annotations

import numpy as np

from editloop.models.embedded import identity_of_package
from editloop.models.geometry import grow_box
from editloop.models.prerequisites import require
from editloop.models.roles import Matte, ModelIdentity, RgbImage
from editloop.records.record import Box

_CODE_VERSION = 1
_PACKAGE = "opencv-contrib-python-headless"
_ITERATIONS = 4
_CONTEXT = 0.25
_FRAME_INSET = 0.05
_FEATHER_PX = 1.0


class GrabCut:
    """Spec ``embedded:grabcut``: colour models of the inside and the surroundings of a box, then a graph cut."""

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and licence."""
        return identity_of_package("embedded:grabcut", _PACKAGE, _CODE_VERSION, "Apache-2.0")

    def matte(self, image: RgbImage, box: Box | None = None) -> Matte:
        """Matte of the object in `box`, or of whatever differs from the border of the frame."""
        cv2 = require("cv2", "photos")
        height, width = image.shape[:2]
        box = box or _inset(width, height)
        seen = grow_box(box, _CONTEXT, width, height)
        matte = np.zeros((height, width), np.float32)
        if min(box.width, box.height) < 4 or box.area >= seen.area:
            return matte
        crop = np.ascontiguousarray(image[seen.top : seen.bottom, seen.left : seen.right, ::-1])
        labels = np.zeros(crop.shape[:2], np.uint8)
        inside = (box.left - seen.left, box.top - seen.top, box.width, box.height)
        cv2.setRNGSeed(0)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(crop, labels, inside, *models, _ITERATIONS, cv2.GC_INIT_WITH_RECT)
        mask = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
        soft = cv2.GaussianBlur(mask, (0, 0), _FEATHER_PX)
        matte[seen.top : seen.bottom, seen.left : seen.right] = soft
        return matte


def _inset(width: int, height: int) -> Box:
    across, down = int(_FRAME_INSET * width), int(_FRAME_INSET * height)
    return Box(left=across, top=down, right=width - across, bottom=height - down)
