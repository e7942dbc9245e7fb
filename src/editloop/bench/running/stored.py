"""Pictures of a benchmark run: from files into the run folder, and out of it as pixels."""

from __future__ import annotations

from pathlib import Path

from editloop.bench.running.items import BenchItem
from editloop.core.errors import BadInputError
from editloop.core.images import decode_image, encode_png, read_image_file
from editloop.engine.stage import StageContext
from editloop.models.roles import RgbImage
from editloop.records.image_ref import ImageRef
from editloop.world.cases import Case
from editloop.world.sampling import case_from_json


def store_file(context: StageContext, path: Path) -> ImageRef:
    """The picture of a file in the run folder, bytes unchanged.

    Raises:
        BadInputError: with one of `DECODE_REASONS`, when it cannot be used.
    """
    try:
        data = read_image_file(path)
        facts = decode_image(data).facts
    except BadInputError as error:
        raise BadInputError(error.reason, f"{path.name}: {error.detail}") from error
    return context.save_bytes(data, facts.width_px, facts.height_px, facts.media_type)


def store_pixels(context: StageContext, pixels: RgbImage) -> ImageRef:
    """`pixels` in the run folder, without loss."""
    height, width = pixels.shape[:2]
    return context.save_bytes(encode_png(pixels), width, height, "image/png")


def pixels_of(context: StageContext, ref: ImageRef | None) -> RgbImage:
    """The pixels of a picture of the run folder.

    Raises:
        BadInputError: `unreadable`, where the item has none.
    """
    if ref is None:
        raise BadInputError("unreadable", "the item has no such image")
    return context.load(ref)


def case_of(item: BenchItem, turn: int = 1) -> Case | None:
    """The storybook case of an item that has one; of a dialogue that of the given turn, from 1."""
    return case_from_json(item.plans[turn - 1]) if len(item.plans) >= turn else None
