"""Saving the small pictures of the storybook world."""

from __future__ import annotations

from editloop.core.images import encode_png
from editloop.engine.stage import StageContext
from editloop.models.roles import RgbImage
from editloop.records.image_ref import ImageRef


def save_png(context: StageContext, image: RgbImage) -> ImageRef:
    """Store a picture without loss: JPEG would cost one of 32 px its colours."""
    height, width = image.shape[:2]
    return context.save_bytes(encode_png(image), width, height, "image/png")
