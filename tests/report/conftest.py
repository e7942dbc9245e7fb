"""Small drawn triplets: real pictures, real records, nothing from disk."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw

from editloop.core.ids import sha256_hex
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Provenance, Step
from editloop.records.record import EditRecord, Phrasing, Turn, record_id
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict
from editloop.report import Failure, RejectedRecord, ReportInput, StageCounts

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"


class Drawings:
    """Draws pictures and keeps their bytes, as a store would."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def load(self, ref: ImageRef) -> bytes:
        return self.blobs[ref.sha256]

    def keep(self, image: Image.Image, kind: str = "JPEG") -> ImageRef:
        buffer = io.BytesIO()
        image.save(buffer, kind)
        digest = sha256_hex(buffer.getvalue())
        self.blobs[digest] = buffer.getvalue()
        return ImageRef(
            sha256=digest,
            width=image.width,
            height=image.height,
            media_type=f"image/{kind.lower()}",
        )

    def photo(self, shade: int, dot: str | None = None) -> ImageRef:
        image = Image.new("RGB", (480, 320), (shade, 120, 200 - shade))
        if dot:
            ImageDraw.Draw(image).ellipse((120, 80, 280, 240), fill=dot)
        return self.keep(image)

    def mask(self) -> ImageRef:
        image = Image.new("L", (480, 320))
        ImageDraw.Draw(image).ellipse((120, 80, 280, 240), fill=255)
        return self.keep(image, "PNG")


@pytest.fixture
def drawings() -> Drawings:
    return Drawings()


@pytest.fixture
def make_record(drawings: Drawings) -> Callable[..., EditRecord]:
    """A triplet; keyword arguments replace fields."""

    def make(number: int = 0, score: float = 4.0, **fields: object) -> EditRecord:
        source = drawings.photo(number % 200)
        values: dict[str, object] = {
            "id": record_id(source.sha256, "drawn", str(number), 7),
            "source": source,
            "target": drawings.photo(number % 200, "orange"),
            "mask": drawings.mask(),
            "instruction": f"Add orange dot number {number}",
            "edit_type": EditType.ADD,
            "phrasings": (Phrasing(style="terse", text=f"dot {number}"),),
            "provenance": Provenance(
                recipe="drawn",
                recipe_version="1",
                run_seed=7,
                origin=Origin(name=f"photo_{number}.jpg", licence="CC0-1.0"),
                steps=(
                    Step(
                        stage="draw",
                        version="2",
                        seed=2**62 + number,
                        parameters={
                            "dots": [{"shape": "ellipse", "size": {"width_px": 160}}],
                            "note": None,
                        },
                    ),
                ),
            ),
            "verdicts": (
                Verdict(
                    judge="evidence",
                    judge_version="3",
                    scale=(1, 5),
                    axes={"instruction_following": score, "naturalness": score},
                    evidence={"seam": 0.0123456},
                    reasons=("the dot is there",),
                    accepted=score >= 3,
                ),
            ),
        }
        return EditRecord.model_validate(values | fields)

    return make


@pytest.fixture
def dialogue(make_record: Callable[..., EditRecord]) -> list[EditRecord]:
    first = make_record(100)
    turns = []
    for turn, base in ((1, 0), (2, 0)):
        place = Turn(
            dialogue_id="talk",
            kind=EditType.VERSION_BACKTRACKING,
            turn=turn,
            turns=2,
            base_turn=base,
            history=("Everything shall be orange.", first.instruction)[:turn],
        )
        turns.append(make_record(99 + turn, turn=place, parents=(first.id,) if turn > 1 else ()))
    return turns


@pytest.fixture
def report_input(
    drawings: Drawings, make_record: Callable[..., EditRecord], dialogue: list[EditRecord]
) -> ReportInput:
    """Three types, a dialogue, two kinds of rejection, one hostile text in every place that shows text."""
    removed = [make_record(n, 3.0 + n / 10, edit_type=EditType.REMOVE) for n in range(10, 15)]
    plain = make_record(20)
    origin = Origin(name=HOSTILE, author=HOSTILE, url="javascript:alert(1)")
    hostile = plain.model_copy(
        update={
            "instruction": f"Add {HOSTILE}",
            "phrasings": (Phrasing(style="casual", text=HOSTILE),),
            "provenance": plain.provenance.model_copy(update={"origin": origin}),
        }
    )
    refused = make_record(30, 1.5)
    return ReportInput(
        title=f"Drawn triplets {HOSTILE}",
        records=[make_record(1), *removed, hostile, *dialogue],
        load=drawings.load,
        rejected=[
            RejectedRecord(
                refused, "photo_30.jpg", "verify", "visible_seam", HOSTILE, {"seam": 0.4}
            ),
            RejectedRecord(None, "tiny.jpg", "source_filter", "too_small", "90 px", {}),
        ],
        stages=[
            StageCounts("source_filter", "thread", 12, 10, 10, {"too_small": 1}, 1, 0, 0.4),
            StageCounts("verify", "process", 10, 9, 9, {"visible_seam": 1}, 0, 4, 61),
        ],
        failures=[Failure("broken.jpg", "source_filter", "ValueError", HOSTILE)],
        seconds=372,
        facts={"run seed": "7", "note": HOSTILE},
        unavailable={"action": f"needs a generator {HOSTILE}"},
        notes=[HOSTILE],
    )
