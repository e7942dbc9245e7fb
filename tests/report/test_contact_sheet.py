from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tests.report.conftest import Drawings

from editloop.core.errors import UsageError
from editloop.records.record import EditRecord
from editloop.report import contact_sheet
from editloop.report.contact_sheet import GAP_PX, PICTURE_PX


def test_before_stands_left_of_after(
    tmp_path: Path, drawings: Drawings, make_record: Callable[..., EditRecord]
) -> None:
    path = contact_sheet([make_record(50)], drawings.load, tmp_path / "sheet.png")
    with Image.open(path) as sheet:
        middle = GAP_PX + PICTURE_PX // 2
        before = sheet.getpixel((middle - 8, middle))
        after = sheet.getpixel((middle - 8 + PICTURE_PX, middle))
    assert before == pytest.approx((50, 120, 150), abs=6)
    assert after == pytest.approx((255, 165, 0), abs=6)


def test_records_fill_rows_of_the_asked_width(
    tmp_path: Path, drawings: Drawings, make_record: Callable[..., EditRecord]
) -> None:
    sizes = {}
    for count in (3, 6, 7):
        records = [make_record(n) for n in range(count)]
        path = contact_sheet(records, drawings.load, tmp_path / f"{count}.jpg", columns=3)
        with Image.open(path) as sheet:
            sizes[count] = sheet.size
    assert sizes[3][0] == sizes[6][0] == sizes[7][0] == 3 * (2 * PICTURE_PX + GAP_PX) + GAP_PX
    row = sizes[6][1] - sizes[3][1]
    assert sizes[7][1] - sizes[6][1] == row > PICTURE_PX


def test_the_instruction_is_written_below(
    tmp_path: Path, drawings: Drawings, make_record: Callable[..., EditRecord]
) -> None:
    spoken, long = make_record(1), make_record(1, instruction="Paint it blue again. " * 40)
    ink = []
    for name, record in (("spoken", spoken), ("long", long)):
        path = contact_sheet([record], drawings.load, tmp_path / f"{name}.png")
        with Image.open(path) as sheet:
            text = sheet.convert("L").crop((0, GAP_PX + PICTURE_PX + 20, *sheet.size))
        ink.append(sum(text.histogram()[:100]))
    assert 0 < ink[0] < ink[1]


def test_a_triplet_without_an_edit_yet_shows_a_gap(
    tmp_path: Path, drawings: Drawings, make_record: Callable[..., EditRecord]
) -> None:
    path = contact_sheet([make_record(1, target=None)], drawings.load, tmp_path / "sheet.png")
    assert path.stat().st_size > 0


def test_an_empty_sheet_is_refused(tmp_path: Path, drawings: Drawings) -> None:
    with pytest.raises(UsageError, match="got 0 and 4"):
        contact_sheet([], drawings.load, tmp_path / "sheet.png")
