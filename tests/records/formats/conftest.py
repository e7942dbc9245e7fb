"""A handful of records that use every field, with tiny real images behind them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from editloop.core.errors import StoreError
from editloop.records.formats.image_bytes import describe
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Provenance, Step
from editloop.records.record import Box, EditRecord, Phrasing, Subject, Turn, record_id
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome, Verdict


@dataclass
class ImageShelf:
    """Images by hash, and a way to make new ones."""

    held: dict[str, bytes] = field(default_factory=dict)

    def add(self, seed: int, kind: str = "JPEG", size: tuple[int, int] = (24, 16)) -> ImageRef:
        pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).convert("L" if kind == "PNG" else "RGB").save(buffer, kind)
        ref = describe(buffer.getvalue())
        self.held[ref.sha256] = buffer.getvalue()
        return ref

    def load(self, ref: ImageRef) -> bytes:
        if ref.sha256 not in self.held:
            raise StoreError(f"no image {ref.sha256}")
        return self.held[ref.sha256]


@pytest.fixture
def shelf() -> ImageShelf:
    return ImageShelf()


MakeRecord = Callable[..., EditRecord]


@pytest.fixture
def make_record(shelf: ImageShelf) -> MakeRecord:
    def make(
        number: int = 0, edit_type: EditType = EditType.REMOVE, **changes: object
    ) -> EditRecord:
        source = shelf.add(number * 10)
        fields: dict[str, object] = {
            "id": record_id(source.sha256, "photos", f"candidate {number}", 7),
            "source": source,
            "instruction": f'Remove the "dog" number {number},\ncafé, 犬 🐕.',
            "edit_type": edit_type,
            "phrasings": (Phrasing(style="terse", text="Remove dog."),),
            "target": shelf.add(number * 10 + 1),
            "mask": shelf.add(number * 10 + 2, "PNG"),
            "references": (shelf.add(number * 10 + 3), shelf.add(number * 10 + 4, "WEBP")),
            "subjects": (
                Subject(
                    label="dog",
                    box=Box(left=1, top=2, right=11, bottom=9),
                    area_frac=0.18,
                    score=0.9,
                ),
            ),
            "parents": ("first", "second"),
            "provenance": Provenance(
                recipe="photos",
                recipe_version="1",
                run_seed=2**62,
                origin=Origin(name="dog.jpg", collection="samples", licence="CC0-1.0"),
                steps=(
                    Step(
                        stage="edit", version="2", seed=5, parameters={"grow": 4, "soft": [1, "a"]}
                    ),
                ),
            ),
            "verdicts": (
                Verdict(
                    judge="second",
                    judge_version="1",
                    scale=(0, 5),
                    outcome=Outcome.UNPARSABLE,
                    raw_reply="???",
                ),
                Verdict(
                    judge="evidence",
                    judge_version="1",
                    scale=(1, 5),
                    axes={"instruction": 4.5, "naturalness": 4.0},
                    flags={"objects_match": True},
                    evidence={"outside_delta_e": 0.4},
                    reasons=("the dog is gone",),
                    accepted=True,
                ),
            ),
        }
        return EditRecord.model_validate(fields | changes)

    return make


@pytest.fixture
def records(make_record: MakeRecord, shelf: ImageShelf) -> list[EditRecord]:
    """Three single triplets (one bare, one sharing a source) and a dialogue of two turns."""
    full = make_record(1)
    bare = make_record(
        2,
        EditType.STYLE,
        target=None,
        mask=None,
        references=(),
        subjects=(),
        parents=(),
        verdicts=(),
        phrasings=(),
    )
    sibling = make_record(3, EditType.REPLACE, source=full.source)
    turns = [
        make_record(
            3 + turn,
            EditType.ADJUST if turn == 2 else EditType.ADD,
            turn=Turn(
                dialogue_id="d1",
                kind=EditType.CONTENT_UNDERSTANDING,
                turn=turn,
                turns=2,
                base_turn=turn - 1,
                history=("Add a cup.",) if turn == 2 else (),
            ),
        )
        for turn in (1, 2)
    ]
    return [full, bare, sibling, *turns]
