"""Cases from the storybook and from records."""

from __future__ import annotations

import numpy as np
import pytest
from tests.train.toy_policy import toy_request

from editloop.core.errors import UsageError
from editloop.core.ids import sha256_hex
from editloop.core.images import encode_jpeg
from editloop.models.roles import RgbImage
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Provenance
from editloop.records.record import EditRecord
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome, Verdict
from editloop.train.align.cases import OracleReward, record_cases, storybook_cases
from editloop.world.sampling import cases

PROVENANCE = Provenance(recipe="toy", recipe_version="1", run_seed=0, origin=Origin(name="a.jpg"))
REFUSED = Verdict(judge="j", judge_version="1", scale=(1, 5), outcome=Outcome.REFUSED)


def test_the_oracle_prefers_the_target_to_the_source() -> None:
    found = storybook_cases(cases(0, 6))
    requests = [case.request for case in found]
    targets = [case.target for case in found if case.target is not None]
    right = OracleReward().score_many(requests, targets)
    wrong = OracleReward().score_many(requests, [request.image for request in requests])
    for good, bad in zip(right, wrong, strict=True):
        assert good is not None
        assert bad is not None
        assert good["overall"] > bad["overall"]
    assert len({case.id for case in found}) == 6


def test_the_oracle_scores_storybook_cases_alone() -> None:
    request = toy_request(0)
    with pytest.raises(UsageError, match="storybook"):
        OracleReward().score_many([request], [request.image])


class Store:
    """Encoded images by hash."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def add(self, level: int) -> ImageRef:
        pixels: RgbImage = np.full((8, 8, 3), level, np.uint8)
        data = encode_jpeg(pixels)
        self.blobs[sha256_hex(data)] = data
        return ImageRef(sha256=sha256_hex(data), width=8, height=8)

    def load(self, ref: ImageRef) -> bytes:
        return self.blobs[ref.sha256]


def record(name: str, source: ImageRef, target: ImageRef | None, *verdicts: Verdict) -> EditRecord:
    return EditRecord(
        id=name,
        source=source,
        instruction="make it brighter",
        edit_type=EditType.ADJUST,
        target=target,
        provenance=PROVENANCE,
        verdicts=verdicts,
    )


def verdict(score: float) -> Verdict:
    return Verdict(judge="j", judge_version="1", scale=(1, 5), axes={"a": score, "b": 5.0})


def test_records_of_one_instruction_are_one_case_with_scored_results() -> None:
    store = Store()
    source = store.add(50)
    records = [
        record("good", source, store.add(200), verdict(5.0)),
        record("bad", source, store.add(60), verdict(1.0)),
        record("silent", source, store.add(70), REFUSED),
        record("unmade", source, None),
        record("elsewhere", store.add(90), store.add(210), verdict(4.0)),
    ]
    here, there = record_cases(records, store.load)
    assert [result.scores["overall"] for result in here.scored] == [5.0, 3.0]
    assert here.request.instruction == "make it brighter"
    assert abs(int(here.request.image.mean()) - 50) <= 1
    assert abs(int(here.scored[0].image.mean()) - 200) <= 1
    assert len(there.scored) == 1
    assert here.id != there.id
