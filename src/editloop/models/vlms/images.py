"""Images on their way to a model: scaled, encoded, and named in cache keys by what they hold."""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import BadInputError
from editloop.models.vlms.messages import ImageEncoding

_SUBSAMPLING = {"4:4:4": 0, "4:2:0": 2}
PNG_LEVEL = 1
"""A picture is sent once and thrown away: level 6 saves a tenth of the bytes for three times the CPU."""


def check_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`image`, if it is one.

    Raises:
        BadInputError: `not_an_image`, for another shape or type than RGB uint8 (h, w, 3).
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise BadInputError(
            "not_an_image", f"expected RGB uint8 (h, w, 3), got {image.dtype} {image.shape}"
        )
    return image


def scaled_size(image: NDArray[np.uint8], encoding: ImageEncoding) -> tuple[int, int]:
    """(width, height) at which `image` is shown to the model."""
    height, width = image.shape[:2]
    longest = max(width, height)
    if encoding.max_side is None or longest <= encoding.max_side:
        return width, height
    factor = encoding.max_side / longest
    return max(1, round(width * factor)), max(1, round(height * factor))


def encode(image: NDArray[np.uint8], encoding: ImageEncoding) -> tuple[bytes, str]:
    """The file that is sent, and its media type."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(check_image(image)))
    size = scaled_size(image, encoding)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if encoding.format == "jpeg":
        subsampling = _SUBSAMPLING[encoding.chroma]
        picture.save(buffer, "JPEG", quality=encoding.quality, subsampling=subsampling)
    else:
        picture.save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue(), f"image/{encoding.format}"


def as_shown(image: NDArray[np.uint8], encoding: ImageEncoding) -> NDArray[np.uint8]:
    """The pixels that a model sees through `encoding`: scaled, and with JPEG's losses where it is JPEG."""
    from PIL import Image

    if encoding.format == "png" and scaled_size(image, encoding) == image.shape[1::-1]:
        return check_image(image)
    data, _ = encode(image, encoding)
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def image_key(image: NDArray[np.uint8], encoding: ImageEncoding) -> dict[str, Any]:
    """What stands for `image` in a cache key: its pixels and how they are sent; nothing is encoded for it."""
    check_image(image)
    digest = hashlib.sha256(f"{image.shape[0]}x{image.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(image).data)
    return {"pixels": digest.hexdigest(), **encoding_key(encoding)}


def encoding_key(encoding: ImageEncoding) -> dict[str, Any]:
    """The settings of `encoding` that reach the pixels."""
    chosen = asdict(encoding)
    if encoding.format == "png":
        del chosen["quality"], chosen["chroma"]
    return chosen
