"""One triplet, made by hand: a page that shows it, and a data set that holds it.

It writes the folders ``example_page`` and ``example_data_set`` into the current one.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from editloop.core.ids import sha256_hex
from editloop.core.images import encode_jpeg, encode_png_mask
from editloop.records.formats import export, read_dataset
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Provenance, Step
from editloop.records.record import EditRecord, record_id
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict
from editloop.report import ReportInput, write_report

BALL = (90, 60, 170, 140)
images: dict[str, bytes] = {}


def draw(colour: str) -> Image.Image:
    scene = Image.new("RGB", (256, 192), "#dfe7ef")
    ImageDraw.Draw(scene).ellipse(BALL, fill=colour)
    return scene


def keep(data: bytes, media_type: str) -> ImageRef:
    """A record names an image by the hash of its bytes; a store does this with packs on disk."""
    images[sha256_hex(data)] = data
    return ImageRef(sha256=sha256_hex(data), width=256, height=192, media_type=media_type)


source = keep(encode_jpeg(np.asarray(draw("crimson"))), "image/jpeg")
target = keep(encode_jpeg(np.asarray(draw("royalblue"))), "image/jpeg")

may_change = Image.new("L", (256, 192))
ImageDraw.Draw(may_change).ellipse(BALL, fill=255)

record = EditRecord(
    id=record_id(source.sha256, "by-hand", "recolour the ball", 0),
    source=source,
    target=target,
    mask=keep(encode_png_mask(np.asarray(may_change)), "image/png"),
    instruction="Make the red ball blue.",
    edit_type=EditType.ADJUST,
    provenance=Provenance(
        recipe="by-hand",
        recipe_version="1",
        run_seed=0,
        origin=Origin(name="drawn.jpg", licence="CC0-1.0"),
        steps=(Step(stage="draw", version="1"),),
    ),
    verdicts=(
        Verdict(
            judge="the author",
            judge_version="1",
            scale=(1, 5),
            axes={"instruction_following": 5.0, "naturalness": 4.0},
            reasons=("the ball is blue", "the ball is a little flat"),
            accepted=True,
        ),
    ),
)


def load(ref: ImageRef) -> bytes:
    """Pages and exports ask for bytes by reference, wherever they are kept."""
    return images[ref.sha256]


page = write_report(
    ReportInput(title="One triplet", records=[record], load=load), Path("example_page")
)
export([record], load, Path("example_data_set"), "parquet")
[read_back] = read_dataset(Path("example_data_set"))

print(
    f"{record.kind}: {record.instruction} scored {record.verdict.overall} of {record.verdict.scale[1]}"
)
print(f"open {page}")
print(f"read back from Parquet: {'equal' if read_back == record else 'different'}")
