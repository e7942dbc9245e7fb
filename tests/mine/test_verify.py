"""The post-filter with a judge that only scores: the threshold decides, and a judge without an answer never counts as a bad edit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from tests.models.vlms.conftest import Serve
from tests.models.vlms.conftest import serve as serve
from tests.models.vlms.scripted import Call, answer
from tests.records.formats.conftest import ImageShelf, MakeRecord
from tests.records.formats.conftest import make_record as make_record
from tests.records.formats.conftest import shelf as shelf

from editloop.core.images import decode_image
from editloop.engine.stage import Kept
from editloop.mine.stages.verify import Verify, VerifyConfig
from editloop.records.image_ref import ImageRef
from editloop.records.verdict import Outcome


class OfShelf:
    """What a stage is handed, for images on a shelf."""

    run_seed = 0

    def __init__(self, shelf: ImageShelf) -> None:
        self._shelf = shelf

    def load(self, ref: ImageRef) -> np.ndarray:
        return decode_image(self._shelf.load(ref)).pixels

    def load_mask(self, ref: ImageRef) -> np.ndarray:
        return self.load(ref)[..., 0]


@pytest.mark.parametrize(
    ("reply", "reason", "outcome"),
    [
        ("5", None, Outcome.SCORED),
        ("3", "below_threshold", Outcome.SCORED),
        ("I can't help with that.", "unscored", Outcome.REFUSED),
    ],
)
def test_scores_without_a_decision(
    serve: Serve,
    tmp_path: Path,
    shelf: ImageShelf,
    make_record: MakeRecord,
    reply: str,
    reason: str | None,
    outcome: Outcome,
) -> None:
    async def script(call: Call) -> web.StreamResponse:
        assert (
            "How cleanly was it removed?" in call.words
        )  # the record's edit type chose the question
        return answer(reply)

    spec = f"rubric:hp-scorer@openai:m@{serve(script).url}?cache={tmp_path / 'calls.sqlite'}"
    stage = Verify(VerifyConfig(judge=spec))
    stage.open(OfShelf(shelf))  # type: ignore[arg-type]
    record = make_record(target=shelf.add(3), mask=None)
    (result,) = stage.run([record])
    if reason is None:
        assert isinstance(result, Kept)
        judged = result.records[0]
    else:
        assert not isinstance(result, Kept)
        assert result.reason == reason
        judged = result.record
    assert judged.verdicts[-1].outcome is outcome
