"""The parts that all layouts share: image headers, the image index, sorting, safe paths."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from editloop.core.errors import BadInputError, StoreError, UsageError
from editloop.records.formats.image_bytes import describe, suffix
from editloop.records.formats.locate import ImageIndex, inside, read_image
from editloop.records.formats.spool import sorted_records


def _encoded(kind: str, size=(30, 20), **options) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "media_type", "ending"),
    [("JPEG", "image/jpeg", ".jpg"), ("PNG", "image/png", ".png"), ("WEBP", "image/webp", ".webp")],
)
def test_headers_tell_type_and_size(kind, media_type, ending):
    ref = describe(_encoded(kind))
    assert (ref.media_type, ref.width, ref.height) == (media_type, 30, 20)
    assert suffix(ref.media_type) == ending


def test_a_photograph_lying_on_its_side_counts_as_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    ref = describe(_encoded("JPEG", exif=exif))
    assert (ref.width, ref.height) == (20, 30)


def test_what_is_no_image_or_far_too_large_is_a_reasoned_refusal(monkeypatch):
    for data in (b"", b"hello", _encoded("JPEG")[:20]):
        with pytest.raises(BadInputError, match="not_an_image"):
            describe(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(BadInputError, match="too_large"):
        describe(_encoded("PNG"))


def test_unknown_media_types_still_name_a_file():
    assert suffix("application/octet-stream") == ".bin"


def test_the_index_remembers_the_latest_and_scans_once_for_the_rest():
    scans = []

    def scan():
        scans.append(1)
        return [(f"{n:064}", n) for n in range(100)]

    index = ImageIndex(scan, recent=3)
    for number in range(10):
        index.remember(f"{number:064}", number)
    assert [index.find(f"{number:064}") for number in (9, 8, 7)] == [9, 8, 7]
    assert scans == [], "the latest three need no scan"
    assert index.find(f"{2:064}") == 2
    assert index.find(f"{99:064}") == 99
    assert scans == [1]
    with pytest.raises(StoreError, match="holds no image"):
        index.find("f" * 64)


def test_paths_stay_inside_their_folder(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    assert inside(root, "a/b.jpg") == root.resolve() / "a/b.jpg"
    (root / "link").symlink_to(tmp_path)
    for name in ("../x.jpg", "/etc/passwd", "a/../../x", "link/x.jpg"):
        with pytest.raises(BadInputError, match="unsafe_path"):
            inside(root, name)
    with pytest.raises(BadInputError, match=r"missing_image: x\.jpg"):
        read_image(root / "x.jpg")


def test_sorting_goes_by_key_then_id_and_says_each_record_once(make_record, tmp_path):
    records = [make_record(number) for number in range(6)]
    shuffled = [*records[3:], *records[:4]]
    with sorted_records(shuffled, lambda record: "", tmp_path) as ordered:
        assert [record.id for record in ordered] == sorted(record.id for record in records)
    with sorted_records(shuffled, lambda record: record.instruction, tmp_path) as ordered:
        assert [r.instruction for r in ordered] == sorted(r.instruction for r in records)
    assert list(tmp_path.iterdir()) == [], "the scratch database is gone"


def test_one_id_for_two_records_is_an_error(make_record, tmp_path):
    first = make_record(1)
    clash = first.model_copy(update={"instruction": "Something else."})
    with (
        pytest.raises(UsageError, match="two different records"),
        sorted_records([first, clash], lambda record: "", tmp_path),
    ):
        pass
