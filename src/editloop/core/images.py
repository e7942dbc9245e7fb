"""Any user file in, RGB out; and the two encodings that the store writes.

Decoding reads the header first, so a picture that claims 30,000 x 30,000 pixels is refused before a byte of pixel
memory is asked for. Whatever cannot be used raises `BadInputError` with one of `DECODE_REASONS`.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from editloop.core.errors import BadInputError
from editloop.core.ids import sha256_hex

DEFAULT_MAX_PIXELS: Final = 100_000_000
"""Largest picture that is decoded: about 300 MB of RGB."""

DEFAULT_MAX_BYTES: Final = 512 * 1024 * 1024
"""Largest file that is read."""

DECODE_REASONS: Final = (
    "empty_file",
    "not_an_image",
    "truncated",
    "too_many_pixels",
    "too_many_bytes",
    "animated",
    "unreadable",
)
"""Every reason that `read_image_file` and `decode_image` give."""

_MAGIC: Final = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"RIFF",
    b"\x00\x00\x01\x00",
)
"""First bytes of common formats: with them an unreadable header means a damaged picture, not another kind of file."""

_DECODER_ERRORS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    IndexError,
    KeyError,
)
"""What Pillow's decoders raise on damaged data (`PIL.UnidentifiedImageError` is an `OSError`)."""

_ORIENTATION_TAG: Final = 0x0112
_SWAPPED_ORIENTATIONS: Final = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What was found in an encoded picture.

    `width_px` and `height_px` count after EXIF orientation. `mode` is the mode as stored (``CMYK``, ``I;16``, ``P``).
    `flattened` says that transparent pixels were laid on white.
    """

    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    media_type: str
    mode: str
    orientation: int
    flattened: bool


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """Pixels, RGB uint8 of shape (h, w, 3), with the facts of the file they came from."""

    pixels: NDArray[np.uint8]
    facts: ImageFacts


class _QuietPillow:
    """Holds Pillow's warnings back while any thread decodes: what they say is handled here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._catcher: warnings.catch_warnings | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._catcher = warnings.catch_warnings()
                self._catcher.__enter__()
                warnings.simplefilter("ignore")
            self._users += 1

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._catcher is not None:
                self._catcher.__exit__(None, None, None)
                self._catcher = None


_quiet_pillow = _QuietPillow()


def read_image_file(path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
    """The bytes of a regular file.

    Raises:
        BadInputError: ``unreadable`` (no permission, a loop of links, a folder, a pipe), ``empty_file`` or
            ``too_many_bytes``.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadInputError("unreadable", f"{path.name!r} is not a regular file")
        if status.st_size > max_bytes:
            raise BadInputError(
                "too_many_bytes",
                f"{path.name!r} has {status.st_size:,} bytes, more than {max_bytes:,}",
            )
        data = path.read_bytes()
    except (OSError, RuntimeError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise BadInputError("unreadable", f"{path.name!r}: {why}") from error
    if not data:
        raise BadInputError("empty_file", f"{path.name!r} has no bytes")
    return data


def decode_image(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> DecodedImage:
    """Decode any still picture to RGB.

    EXIF orientation is applied; CMYK, grey, palette, 16-bit and float pictures are converted; transparency is laid
    on white. The file's name plays no part. A phone's multi-picture JPEG gives its first picture; any other file
    with more than one frame or page is refused as ``animated``.

    Args:
        data: Encoded bytes.
        max_pixels: Larger pictures are refused from their header alone.

    Raises:
        BadInputError: with one of `DECODE_REASONS`.
    """
    if not data:
        raise BadInputError("empty_file", "no bytes")
    with _quiet_pillow, _opened(data, max_pixels) as image:
        try:
            orientation = int(image.getexif().get(_ORIENTATION_TAG, 1) or 1)
        except (*_DECODER_ERRORS, TypeError):
            orientation = 1
        mode, media_type = image.mode, _media_type(image)
        try:
            image.load()
            upright = ImageOps.exif_transpose(image) if orientation != 1 else image
            rgb, flattened = _to_rgb(upright)
        except _DECODER_ERRORS as error:
            raise BadInputError(
                "truncated", f"the picture data ends early or is damaged: {error}"
            ) from error
    pixels = np.array(rgb, dtype=np.uint8)
    facts = ImageFacts(
        sha256_hex(data), len(data), rgb.width, rgb.height, media_type, mode, orientation, flattened
    )
    return DecodedImage(pixels, facts)


def decode_mask(data: bytes) -> NDArray[np.uint8]:
    """An 8-bit single-channel picture of shape (h, w), as `encode_png_mask` wrote it.

    Raises:
        BadInputError: with one of `DECODE_REASONS`.
    """
    with _quiet_pillow, _opened(data, DEFAULT_MAX_PIXELS) as image:
        try:
            return np.asarray(image.convert("L"), dtype=np.uint8)
        except _DECODER_ERRORS as error:
            raise BadInputError("truncated", f"damaged mask: {error}") from error


def upright_size(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels after EXIF orientation, from the header alone.

    Raises:
        BadInputError: with one of `DECODE_REASONS`.
    """
    with _quiet_pillow, _opened(data, DEFAULT_MAX_PIXELS) as image:
        width, height = image.size
        turned = image.getexif().get(_ORIENTATION_TAG, 1) in _SWAPPED_ORIENTATIONS
    return (height, width) if turned else (width, height)


def encode_jpeg(pixels: NDArray[np.uint8], *, quality: int = 95) -> bytes:
    """RGB (h, w, 3) as JPEG without chroma subsampling; the same pixels always give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(_rgb_array(pixels)).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """RGB pixels (h, w, 3) as PNG, without loss: for pictures so small that JPEG would blur their colours."""
    buffer = io.BytesIO()
    Image.fromarray(_rgb_array(pixels)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def encode_png_mask(pixels: NDArray[np.uint8]) -> bytes:
    """Single-channel uint8 (h, w) as PNG.

    Raises:
        ValueError: for another shape or type.
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise ValueError(f"a mask is uint8 (h, w), got {pixels.dtype} {pixels.shape}")
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode="L").save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def perceptual_hash(pixels: NDArray[np.uint8]) -> int:
    """64-bit hash of the low DCT frequencies of RGB (h, w, 3): alike pictures differ in few bits.

    The picture is brought to 32 x 32 grey; a bit says whether one of the 8 x 8 lowest frequencies lies above their
    median.
    """
    grey = Image.fromarray(_rgb_array(pixels)).convert("L").resize((32, 32), Image.Resampling.BOX)
    basis = _dct_basis()
    frequencies = basis @ np.asarray(grey, dtype=np.float64) @ basis.T
    bits = frequencies > np.median(frequencies.ravel()[1:])
    return int.from_bytes(np.packbits(bits.ravel()).tobytes())


def hamming(first: int, second: int) -> int:
    """Number of bits in which two hashes differ."""
    return (first ^ second).bit_count()


@cache
def _dct_basis() -> NDArray[np.float64]:
    """The 8 lowest rows of the orthonormal DCT-II of 32 samples."""
    rows = np.arange(8)[:, None]
    columns = np.arange(32)[None, :]
    basis: NDArray[np.float64] = np.cos(np.pi * (2 * columns + 1) * rows / 64) / 4.0
    basis[0] /= np.sqrt(2)
    return basis


@contextlib.contextmanager
def _opened(data: bytes, max_pixels: int) -> Iterator[Image.Image]:
    try:
        image = Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as error:
        raise BadInputError("too_many_pixels", f"{error}".rstrip(".")) from error
    except UnidentifiedImageError as error:
        raise BadInputError(*_unidentified(data)) from error
    except _DECODER_ERRORS as error:
        raise BadInputError("truncated", f"the header is damaged: {error}") from error
    with image:
        if image.width * image.height > max_pixels:
            raise BadInputError(
                "too_many_pixels",
                f"{image.width:,} x {image.height:,} pixels, more than {max_pixels:,}",
            )
        if image.format != "MPO" and getattr(image, "is_animated", False):
            raise BadInputError("animated", f"{image.format} with several frames or pages")
        yield image


def _unidentified(data: bytes) -> tuple[str, str]:
    if data.startswith(_MAGIC) or data[4:8] == b"ftyp":
        return (
            "truncated",
            "the header of the picture is cut off or damaged, or its format is not supported",
        )
    return "not_an_image", f"the file begins with {data[:8]!r}, which is no picture format"


def _media_type(image: Image.Image) -> str:
    return (
        "image/jpeg"
        if image.format == "MPO"
        else Image.MIME.get(image.format or "", "image/unknown")
    )


def _to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """RGB, and whether transparent pixels were laid on white."""
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(image)).convert("RGB"), False
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        lowest, _ = rgba.getchannel("A").getextrema()
        if isinstance(lowest, int | float) and lowest < 255:
            white = Image.new("RGBA", rgba.size, "white")
            return Image.alpha_composite(white, rgba).convert("RGB"), True
        return rgba.convert("RGB"), False
    return image.convert("RGB"), False


def _eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    """Grey levels brought to 0-255: floats from 0-1 where they fit, integers from 16 bits."""
    levels = np.nan_to_num(np.asarray(image, dtype=np.float64))
    highest = float(levels.max(initial=0.0))
    if image.mode == "F" and highest <= 1.0:
        levels = levels * 255.0
    elif image.mode != "F" or highest > 255.0:
        levels = levels / 257.0
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _rgb_array(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"an image is RGB uint8 (h, w, 3), got {pixels.dtype} {pixels.shape}")
    return np.ascontiguousarray(pixels)
