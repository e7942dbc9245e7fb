from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from tests.report.conftest import Drawings

from editloop.core.errors import BadInputError
from editloop.records.image_ref import ImageRef
from editloop.report.pictures import THUMBNAIL_PX, PictureFolder, thumbnail, write_atomically


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_picture_is_stored_unchanged_and_with_a_small_jpeg(
    tmp_path: Path, drawings: Drawings
) -> None:
    ref = drawings.photo(5)
    name = PictureFolder(tmp_path, drawings.load).photograph(ref)
    assert name is not None
    assert (tmp_path / "full" / name).read_bytes() == drawings.load(ref)
    with Image.open(tmp_path / "thumb" / name) as small:
        assert small.format == "JPEG"
        assert small.size == (THUMBNAIL_PX, 256)


def test_a_picture_that_is_there_already_is_not_loaded_again(
    tmp_path: Path, drawings: Drawings
) -> None:
    ref = drawings.photo(5)
    first = PictureFolder(tmp_path, drawings.load).photograph(ref)

    def refuse(_: ImageRef) -> bytes:
        raise AssertionError("loaded twice")

    assert PictureFolder(tmp_path, refuse).photograph(ref) == first


def test_a_mask_has_no_thumbnail(tmp_path: Path, drawings: Drawings) -> None:
    name = PictureFolder(tmp_path, drawings.load).mask(drawings.mask())
    assert name is not None
    assert name.endswith(".png")
    assert not (tmp_path / "thumb").exists()


@pytest.mark.parametrize(
    "error", [KeyError("gone"), OSError("disk"), BadInputError("truncated", "half a file")]
)
def test_a_picture_that_cannot_be_loaded_is_a_gap_with_a_reason(
    tmp_path: Path, drawings: Drawings, error: Exception
) -> None:
    def fail(_: ImageRef) -> bytes:
        raise error

    ref = drawings.photo(5)
    folder = PictureFolder(tmp_path, fail)
    assert folder.photograph(ref) is None
    assert type(error).__name__ in folder.missing[ref.sha256]


def test_bytes_that_are_no_picture_are_a_gap_and_leave_no_file(
    tmp_path: Path, drawings: Drawings
) -> None:
    folder = PictureFolder(tmp_path, lambda _: b"not a picture")
    assert folder.photograph(drawings.photo(5)) is None
    assert not list(tmp_path.rglob("*.*"))


def test_a_format_that_browsers_do_not_show_is_a_gap(tmp_path: Path, drawings: Drawings) -> None:
    ref = drawings.photo(5).model_copy(update={"media_type": "image/tiff"})
    folder = PictureFolder(tmp_path, drawings.load)
    assert folder.photograph(ref) is None
    assert folder.missing == {ref.sha256: "browsers do not show image/tiff"}


def test_pruning_removes_earlier_pictures_and_nothing_else(
    tmp_path: Path, drawings: Drawings
) -> None:
    earlier = PictureFolder(tmp_path, drawings.load)
    earlier.photograph(drawings.photo(1))
    kept = PictureFolder(tmp_path, drawings.load)
    name = kept.photograph(drawings.photo(2))
    (tmp_path / "full" / "my notes.txt").write_text("mine")
    kept.prune()
    assert {p.name for p in (tmp_path / "full").iterdir()} == {name, "my notes.txt"}
    assert {p.name for p in (tmp_path / "thumb").iterdir()} == {name}


def test_transparent_parts_of_a_thumbnail_are_white() -> None:
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    with Image.open(io.BytesIO(thumbnail(encoded(clear, "PNG")))) as small:
        assert small.getpixel((20, 20)) == (255, 255, 255)


def test_a_thumbnail_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.new("RGB", (800, 400)), "JPEG", exif=exif)
    with Image.open(io.BytesIO(thumbnail(data))) as small:
        assert small.size == (THUMBNAIL_PX // 2, THUMBNAIL_PX)


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_atomically(path, b"old")
    (tmp_path / ".page.html.part").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
