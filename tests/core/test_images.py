from __future__ import annotations

import contextlib
import io
import os
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from editloop.core.errors import BadInputError
from editloop.core.images import (
    decode_image,
    decode_mask,
    encode_jpeg,
    encode_png_mask,
    hamming,
    perceptual_hash,
    read_image_file,
    upright_size,
)


def photo(width: int = 48, height: int = 32, seed: int = 0) -> np.ndarray:
    """A smooth random picture."""
    small = np.random.default_rng(seed).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


JPEG = encoded(Image.fromarray(photo()), "JPEG", quality=95)
FRAMES = [Image.fromarray(photo(seed=seed)) for seed in range(3)]

BAD = {
    "nothing": (b"", "empty_file"),
    "text named .jpg": (b"this is no picture at all", "not_an_image"),
    "web page": (b"<!doctype html><html></html>", "not_an_image"),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "truncated"),
    "only a JPEG's head": (JPEG[:20], "truncated"),
    "half a PNG": (encoded(Image.fromarray(photo()), "PNG")[:400], "truncated"),
    "half a WebP": (encoded(Image.fromarray(photo()), "WEBP")[:60], "truncated"),
    "half a TIFF": (encoded(Image.fromarray(photo()), "TIFF")[:500], "truncated"),
    "half a GIF": (encoded(FRAMES[0], "GIF")[:300], "truncated"),
    "bomb": (png_header(30_000, 30_000), "too_many_pixels"),
    "small bomb": (png_header(12_000, 12_000), "too_many_pixels"),
    "GIF film": (encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), "animated"),
    "PNG film": (encoded(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]), "animated"),
    "WebP film": (encoded(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:]), "animated"),
    "TIFF pages": (encoded(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:]), "animated"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_bytes_have_a_reason(name: str) -> None:
    data, reason = BAD[name]
    with pytest.raises(BadInputError) as caught:
        decode_image(data)
    assert caught.value.reason == reason


def test_a_bomb_costs_no_memory() -> None:
    data = png_header(30_000, 30_000)
    tracemalloc.start()
    with pytest.raises(BadInputError, match="pixels"):
        decode_image(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_damage_anywhere_is_a_reason_or_a_picture() -> None:
    """Random bytes overwritten, random ends cut off: never another exception."""
    random = np.random.default_rng(0)
    sources = [
        JPEG,
        encoded(Image.fromarray(photo()), "PNG"),
        encoded(Image.fromarray(photo()), "WEBP"),
    ]
    sources += [encoded(FRAMES[0], kind) for kind in ("GIF", "TIFF", "BMP")]
    for source in sources:
        for _ in range(60):
            data = bytearray(source[: random.integers(1, len(source) + 1)])
            for place in random.integers(0, len(data), 5):
                data[place] = random.integers(0, 256)
            with contextlib.suppress(BadInputError):
                assert decode_image(bytes(data)).pixels.dtype == np.uint8


def grey16(kind: str) -> bytes:
    ramp = np.linspace(0, 65535, 48 * 32).reshape(32, 48).astype(np.uint16)
    return encoded(Image.fromarray(ramp), kind)


def rgba() -> Image.Image:
    pixels = np.zeros((32, 48, 4), np.uint8)
    pixels[:, 24:] = (255, 0, 0, 255)
    return Image.fromarray(pixels)


GOOD: dict[str, tuple[bytes, Callable[[np.ndarray], bool]]] = {
    "CMYK JPEG": (
        encoded(Image.new("CMYK", (48, 32), (0, 255, 255, 0)), "JPEG"),
        lambda p: p[..., 0].min() > 200 and p[..., 1].max() < 60,
    ),
    "16-bit PNG": (grey16("PNG"), lambda p: p[0, 0, 0] == 0 and p[-1, -1, 0] == 255),
    "16-bit TIFF": (grey16("TIFF"), lambda p: abs(int(p[16, 0, 0]) - 128) < 3),
    "float TIFF": (
        encoded(Image.fromarray(np.full((32, 48), 0.5, np.float32)), "TIFF"),
        lambda p: p.mean() == 128,
    ),
    "one-bit PNG": (
        encoded(Image.new("1", (48, 32), 1), "PNG"),
        lambda p: bool((p == 255).all()),
    ),
    "transparent PNG": (
        encoded(rgba(), "PNG"),
        lambda p: (p[0, 0] == 255).all() and (p[0, -1] == (255, 0, 0)).all(),
    ),
    "palette with alpha": (
        encoded(rgba().quantize(8), "PNG"),
        lambda p: (p[0, 0] == 255).all() and p[0, -1, 1] < 10,
    ),
    "grey JPEG": (encoded(Image.new("L", (48, 32), 77), "JPEG"), lambda p: p.mean() == 77),
    "one-frame GIF": (encoded(FRAMES[0], "GIF"), lambda p: p.std() > 5),
    "phone's two pictures": (
        encoded(FRAMES[0], "MPO", save_all=True, append_images=FRAMES[1:2]),
        lambda p: p.std() > 5,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_odd_pictures_become_rgb(name: str) -> None:
    data, check = GOOD[name]
    decoded = decode_image(data)
    assert decoded.pixels.shape == (32, 48, 3)
    assert (decoded.facts.width_px, decoded.facts.height_px) == (48, 32)
    assert check(decoded.pixels)
    assert decoded.facts.flattened == (name in {"transparent PNG", "palette with alpha"})


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(photo()), "JPEG", exif=exif)
    decoded = decode_image(data)
    expected = (48, 32) if orientation <= 4 else (32, 48)
    assert (decoded.facts.width_px, decoded.facts.height_px) == expected == upright_size(data)
    if orientation == 6:
        turned = np.rot90(photo(), k=-1).astype(int)
        assert np.abs(decoded.pixels - turned).mean() < 6


def test_files_that_are_none(tmp_path: Path) -> None:
    loop = tmp_path / "loop.jpg"
    loop.symlink_to(loop)
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "empty.jpg").touch()
    for path, reason in {
        loop: "unreadable",
        tmp_path / "pipe.jpg": "unreadable",
        tmp_path: "unreadable",
        tmp_path / "missing.jpg": "unreadable",
        tmp_path / "empty.jpg": "empty_file",
        tmp_path / "nul\0byte.jpg": "unreadable",
    }.items():
        with pytest.raises(BadInputError) as caught:
            read_image_file(path)
        assert caught.value.reason == reason
        assert str(tmp_path) not in caught.value.detail


def test_odd_names_and_wrong_extensions_are_fine(tmp_path: Path) -> None:
    for name in ("a\nb.jpg", "ünïcode 🦊.png", "-rf", "no extension", "x" * 200 + ".txt"):
        path = tmp_path / name
        path.write_bytes(JPEG)
        assert decode_image(read_image_file(path)).facts.media_type == "image/jpeg"
    surrogate = os.fsdecode(bytes(tmp_path) + b"/\xff\xfe.jpg")
    Path(surrogate).write_bytes(JPEG)
    assert read_image_file(Path(surrogate)) == JPEG


def test_too_many_bytes(tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(JPEG)
    with pytest.raises(BadInputError, match="too_many_bytes"):
        read_image_file(tmp_path / "large.jpg", max_bytes=100)


def test_encodings_are_deterministic_and_exact_enough() -> None:
    pixels = photo(64, 64)
    assert encode_jpeg(pixels) == encode_jpeg(pixels.copy())
    error = np.abs(decode_image(encode_jpeg(pixels)).pixels.astype(int) - pixels)
    assert error.mean() < 1.5
    mask = (photo()[..., 0] > 128).astype(np.uint8) * 255
    np.testing.assert_array_equal(decode_mask(encode_png_mask(mask)), mask)


def test_encoding_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match="RGB uint8"):
        encode_jpeg(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="a mask is"):
        encode_png_mask(np.zeros((4, 4, 3), np.uint8))


def test_perceptual_hash_tells_copies_from_strangers() -> None:
    pictures = [photo(256, 192, seed) for seed in range(20)]
    hashes = [perceptual_hash(picture) for picture in pictures]
    for picture, own in zip(pictures, hashes, strict=True):
        smaller = np.asarray(Image.fromarray(picture).resize((128, 96)))
        copy = decode_image(encode_jpeg(smaller, quality=60)).pixels
        assert hamming(own, perceptual_hash(copy)) <= 6
    strangers = [hamming(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(strangers) > 10
    assert all(0 <= value < 2**64 for value in hashes)
