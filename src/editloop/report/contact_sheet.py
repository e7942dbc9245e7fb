"""A contact sheet: many triplets on one picture, for looking at a random sample in a minute."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from editloop.core.errors import UsageError
from editloop.records.image_ref import ImageRef
from editloop.records.record import EditRecord
from editloop.report.pictures import write_atomically

PICTURE_PX = 220
GAP_PX = 12
TEXT_LINES = 3
FONT_PX = 14
LINE_PX = 18

_CELL = (2 * PICTURE_PX, PICTURE_PX + (TEXT_LINES + 1) * LINE_PX)
_INK, _MUTED, _PAPER, _GAP = "#23211d", "#686257", "#f6f4ee", "#ded8cb"


def contact_sheet(
    records: Sequence[EditRecord],
    load: Callable[[ImageRef], bytes],
    path: Path,
    columns: int = 4,
) -> Path:
    """Write before and after of `records` with their instructions to `path`, `columns` triplets a row.

    Args:
        records: At least one; all of them go on the sheet, in this order, each numbered from 1.
        load: The encoded bytes of an image.
        path: Where to write; the suffix names the format (``.png``, ``.jpg``).
        columns: Triplets a row, at least 1.

    Returns:
        `path`.

    Raises:
        UsageError: when there is nothing to show or `columns` is below 1.
    """
    if not records or columns < 1:
        raise UsageError(
            f"a contact sheet needs records and at least one column, got {len(records)} and {columns}"
        )
    columns = min(columns, len(records))
    rows = -(-len(records) // columns)
    width, height = _CELL
    sheet = Image.new(
        "RGB", (columns * (width + GAP_PX) + GAP_PX, rows * (height + GAP_PX) + GAP_PX), _PAPER
    )
    for index, record in enumerate(records):
        row, column = divmod(index, columns)
        corner = (GAP_PX + column * (width + GAP_PX), GAP_PX + row * (height + GAP_PX))
        _draw_triplet(sheet, corner, index + 1, record, load)
    buffer = io.BytesIO()
    sheet.save(buffer, Image.registered_extensions().get(path.suffix.lower(), "PNG"))
    write_atomically(path, buffer.getvalue())
    return path


def _draw_triplet(
    sheet: Image.Image,
    corner: tuple[int, int],
    number: int,
    record: EditRecord,
    load: Callable[[ImageRef], bytes],
) -> None:
    left, top = corner
    for offset, ref in enumerate((record.source, record.target)):
        sheet.paste(_tile(ref, load), (left + offset * PICTURE_PX, top))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_PX)
    turn = f", turn {record.turn.turn} of {record.turn.turns}" if record.turn else ""
    score = record.verdict.overall if record.verdict else None
    shown = "unscored" if score is None else f"{score:.1f}"
    below = top + PICTURE_PX + 4
    draw.text(
        (left, below), f"{number}  {record.kind}{turn}  {shown}  {record.id[:8]}", _MUTED, font
    )
    for line in _lines(record.instruction, font):
        below += LINE_PX
        draw.text((left, below), line, _INK, font)


def _lines(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    characters = int(_CELL[0] / (font.getlength("average text") / len("average text")))
    return textwrap.wrap(text, characters, max_lines=TEXT_LINES, placeholder=" ...")


def _tile(ref: ImageRef | None, load: Callable[[ImageRef], bytes]) -> Image.Image:
    """The picture fitted into a square, never cropped: an edit may sit at the border."""
    tile = Image.new("RGB", (PICTURE_PX, PICTURE_PX), _GAP)
    if ref is None:
        return tile
    with Image.open(io.BytesIO(load(ref))) as image:
        fitted = ImageOps.contain(
            ImageOps.exif_transpose(image).convert("RGB"), (PICTURE_PX - 4, PICTURE_PX - 4)
        )
    tile.paste(fitted, ((PICTURE_PX - fitted.width) // 2, (PICTURE_PX - fitted.height) // 2))
    return tile
