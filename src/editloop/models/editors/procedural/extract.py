"""The object alone on pure white."""

from __future__ import annotations

import cv2
import numpy as np

from editloop.core.errors import BadInputError
from editloop.models.editors.procedural.cutout import CutoutLimits, make_cutout
from editloop.models.editors.procedural.edges import erode
from editloop.models.roles import EditResult, Matte, RgbImage
from editloop.records.record import Box

WHITE = 255
MIN_CONTRAST = 6.0
"""Mean Lab lightness by which the object's rim must be darker than white to be seen at all."""


def extract(
    image: RgbImage,
    matte: Matte,
    box: Box | None = None,
    *,
    recentre: bool = False,
    limits: CutoutLimits | None = None,
) -> EditResult:
    """The object on #FFFFFF, where it stood or, with `recentre`, in the middle of the frame.

    Args:
        image: RGB uint8 (h, w, 3).
        matte: float32 (h, w) in 0..1.
        box: Which object, where the matte holds several.
        recentre: Move the object to the middle; its size stays.
        limits: When to refuse, as for a cut-out.

    Returns:
        Image of the same size; facts ``background_purity`` (share of pixels outside the object that are exactly
        white) and the cut-out's.

    Raises:
        BadInputError: ``white_on_white`` and every reason of `make_cutout`.
    """
    cutout = make_cutout(
        image, matte, box, limits=limits or CutoutLimits(max_edge_width_px=6.5, must_stand=False)
    )
    height, width = image.shape[:2]
    top, left = int(cutout.facts["top"]), int(cutout.facts["left"])
    if recentre:
        top, left = (height - cutout.height) // 2, (width - cutout.width) // 2
    alpha = cutout.alpha[..., None]
    over_white = np.rint(cutout.rgb * alpha + WHITE * (1 - alpha)).astype(np.uint8)
    result = np.full_like(image, WHITE)
    result[top : top + cutout.height, left : left + cutout.width] = over_white
    outside = np.ones(image.shape[:2], bool)
    outside[top : top + cutout.height, left : left + cutout.width] = cutout.alpha <= 0
    contrast = _rim_contrast(cutout.rgb, cutout.alpha)
    if contrast < MIN_CONTRAST:
        raise BadInputError(
            "white_on_white", f"the object's rim is only {contrast:.1f} L darker than white"
        )
    facts = cutout.facts | {
        "background_purity": float((result[outside] == WHITE).all(1).mean()),
        "rim_contrast": contrast,
    }
    return EditResult(result, (result != image).any(2), facts)


def _rim_contrast(rgb: RgbImage, alpha: Matte) -> float:
    solid = alpha > 0.9
    rim = solid & ~erode(solid, max(2, 0.02 * min(solid.shape)))
    light = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 0][rim].astype(np.float32) * (100 / 255)
    return float(100 - light.mean()) if light.size else 0.0
