"""Images as raters get them: the pixels that a judge sees, and nothing that tells how they were made.

Files of editors often name the editor inside (PNG text chunks, EXIF, provenance manifests). Plain JPEG and PNG lose such parts
without touching a pixel; everything else is decoded as judges decode it (upright, transparency on white) and sent as PNG.
"""

from __future__ import annotations

import io
import struct
from typing import Final

from PIL import Image

from editloop.core.errors import BadInputError
from editloop.core.images import decode_image, encode_png

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"}
)
_ORIENTATION: Final = 0x0112
_JFIF, _ICC, _ADOBE, _COMMENT, _SCAN = 0xE0, 0xE2, 0xEE, 0xFE, 0xDA


def blind_copy(data: bytes) -> tuple[bytes, str]:
    """An image without metadata, and its media type.

    Raises:
        BadInputError: with one of `core.images.DECODE_REASONS`.
    """
    kind = _plain_kind(data)
    if kind == "JPEG" and (stripped := _strip_jpeg(data)):
        return stripped, "image/jpeg"
    if kind == "PNG" and (stripped := _strip_png(data)):
        return stripped, "image/png"
    return encode_png(decode_image(data).pixels), "image/png"


def _plain_kind(data: bytes) -> str:
    """JPEG or PNG where a browser shows the same pixels as `decode_image` gives, else an empty string."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            upright = image.getexif().get(_ORIENTATION, 1) in (0, 1)
            plain = image.mode in {"RGB", "L", "P"} and not image.has_transparency_data
            return (image.format or "") if upright and plain else ""
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInputError("unreadable", f"{error}") from error


def _strip_jpeg(data: bytes) -> bytes:
    """`data` without application segments and comments; empty where its segments cannot be followed."""
    kept, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _SCAN:
            end = data.rfind(b"\xff\xd9")
            return b"".join([*kept, data[at : end + 2]]) if end > at else b""
        end = at + 2 + int(struct.unpack(">H", data[at + 2 : at + 4])[0])
        body = data[at + 4 : end]
        colour = marker == _ICC and body.startswith(b"ICC_PROFILE\0")
        named = 0xE0 <= marker <= 0xEF or marker == _COMMENT
        if not named or marker in (_JFIF, _ADOBE) or colour:
            kept.append(data[at:end])
        at = end
    return b""


def _strip_png(data: bytes) -> bytes:
    """`data` without chunks that browsers do not draw; empty where its chunks cannot be followed."""
    kept, at = [_PNG_SIGNATURE], len(_PNG_SIGNATURE)
    while at + 12 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if name in _PNG_KEPT:
            kept.append(data[at:end])
        if name == b"IEND":
            return b"".join(kept)
        at = end
    return b""
