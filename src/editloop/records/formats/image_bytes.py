"""Facts about encoded images, read from their headers."""

from __future__ import annotations

import io
import warnings

from editloop.core.errors import BadInputError
from editloop.core.ids import sha256_hex
from editloop.records.image_ref import ImageRef

SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
}
_ORIENTATION_TAG = 0x0112
_QUARTER_TURNS = (5, 6, 7, 8)


def suffix(media_type: str) -> str:
    """File name ending for a media type, `.bin` when it is not an image type we know."""
    return SUFFIXES.get(media_type, ".bin")


def describe(data: bytes) -> ImageRef:
    """The reference of an encoded image: hash, type, and size after EXIF orientation. Pixels are not decoded.

    Raises:
        BadInputError: `not_an_image` or `too_large`.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
                media_type = Image.MIME.get(image.format or "", "application/octet-stream")
                orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInputError("too_large", str(error)) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise BadInputError("not_an_image", f"{len(data)} bytes: {error}") from error
    if orientation in _QUARTER_TURNS:
        width, height = height, width
    return ImageRef(sha256=sha256_hex(data), width=width, height=height, media_type=media_type)
