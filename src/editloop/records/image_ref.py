"""A reference to an image in a store: what records carry instead of pixels."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ImageRef(BaseModel):
    """Names an encoded image by the SHA-256 of its bytes.

    `width` and `height` are pixels *after* EXIF orientation has been applied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    media_type: str = "image/jpeg"
