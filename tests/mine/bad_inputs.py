"""A folder of thirty files that no pipeline should trust, with what must become of each."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

USABLE = "usable"


def texture(width: int = 640, height: int = 480, seed: int = 0) -> Image.Image:
    """A picture with detail, so that nothing is dropped for being flat or blurred."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    large = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    noise = rng.integers(-20, 20, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(large, int) + noise, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its data does not have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\x00" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def rotated_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(texture(seed=5), "JPEG", exif=exif)


def sixteen_bit() -> bytes:
    grey = np.asarray(texture(seed=6).convert("L"), np.uint16) * 257
    return encoded(Image.fromarray(grey), "PNG")


def animated() -> bytes:
    frames = [texture(seed=i).convert("P") for i in (7, 8)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def palette_with_alpha() -> bytes:
    image = texture(seed=9).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return encoded(image.quantize(), "PNG")


JPEG = encoded(texture(), "JPEG", quality=92)
PNG = encoded(texture(seed=1), "PNG")

FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "truncated.jpg": (lambda: JPEG[: len(JPEG) // 2], "truncated"),
    "truncated.png": (lambda: PNG[: len(PNG) // 2], "truncated"),
    "header_only.jpg": (lambda: JPEG[:200], "truncated"),
    "empty.jpg": (lambda: b"", "empty_file"),
    "text.jpg": (lambda: b"this is not a picture, whatever the name says\n" * 20, "not_an_image"),
    "page.png": (lambda: b"<html><body>404</body></html>", "not_an_image"),
    "program.jpg": (lambda: b"\x7fELF" + bytes(2000), "not_an_image"),
    "zeros.jpg": (lambda: bytes(50_000), "not_an_image"),
    "one_byte.png": (lambda: b"\x89", "not_an_image"),
    "bomb.png": (lambda: png_claiming(30_000, 30_000), "too_many_pixels"),
    "lies_about_size.png": (lambda: png_claiming(600, 600), "truncated"),
    "animated.gif": (animated, "animated"),
    "tiny.png": (lambda: encoded(texture(64, 64), "PNG"), "too_small"),
    "one_pixel.png": (lambda: encoded(Image.new("RGB", (1, 1)), "PNG"), "too_small"),
    "ribbon.png": (lambda: encoded(texture(2400, 480), "PNG"), "extreme_aspect"),
    "blank.png": (lambda: encoded(Image.new("RGB", (640, 480), "white"), "PNG"), "flat"),
    "cmyk.jpg": (lambda: encoded(texture(seed=2).convert("CMYK"), "JPEG"), USABLE),
    "grey.jpg": (lambda: encoded(texture(seed=3).convert("L"), "JPEG"), USABLE),
    "sixteen_bit.png": (sixteen_bit, USABLE),
    "rotated.jpg": (rotated_jpeg, USABLE),
    "palette_alpha.png": (palette_with_alpha, USABLE),
    "alpha.webp": (
        lambda: encoded(texture(seed=10).convert("RGBA"), "WEBP", lossless=True),
        USABLE,
    ),
    "bmp.bmp": (lambda: encoded(texture(seed=11), "BMP"), USABLE),
    "tiff.tif": (lambda: encoded(texture(seed=12), "TIFF"), USABLE),
    "png_named.jpg": (lambda: encoded(texture(seed=13), "PNG"), USABLE),
    "no_extension": (lambda: encoded(texture(seed=14), "JPEG"), USABLE),
    "späte Blüte (1) 'quoted' & <b>.jpg": (lambda: encoded(texture(seed=15), "JPEG"), USABLE),
}
"""Name -> (content, drop reason or `USABLE`)."""


def fill(folder: Path) -> dict[str, str]:
    """Write the files, a symbolic loop, a dangling link and an exact copy; return what must become of each."""
    expected = {}
    for name, (content, outcome) in FILES.items():
        (folder / name).write_bytes(content())
        expected[name] = outcome
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "dangling.jpg").symlink_to(folder / "gone.jpg")
    (folder / "zz_copy.jpg").write_bytes((folder / "cmyk.jpg").read_bytes())
    os.mkfifo(folder / "pipe.jpg")
    return expected | {
        "loop.jpg": "unreadable",
        "dangling.jpg": "unreadable",
        "pipe.jpg": "unreadable",
        "zz_copy.jpg": "exact_duplicate",
    }
