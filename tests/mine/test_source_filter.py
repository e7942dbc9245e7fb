from __future__ import annotations

from pathlib import Path

import pytest
from tests.mine.bad_inputs import USABLE, fill

from editloop.engine import run_pipeline
from editloop.mine.photos import photo_files, unique
from editloop.mine.scene import Photo
from editloop.mine.stages.source_filter import SourceFilter, SourceFilterConfig

pytestmark = pytest.mark.weights


def test_thirty_bad_inputs_are_each_handled_or_dropped_with_their_reason(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    expected = fill(folder)
    assert len(expected) >= 30
    files = list(unique(photo_files(folder)))
    names = {file.id: file.origin.name for file in files}
    stage = SourceFilter(SourceFilterConfig(min_quality=0.0))
    with run_pipeline([stage], files, run_dir=tmp_path / "run", workers=1) as result:
        photos = [record for record in result.records() if isinstance(record, Photo)]
        found = {names[r.record_id]: r.reason for r in result.rejected()}
        found |= {photo.origin.name: USABLE for photo in photos}
        sizes = {p.origin.name: result.images.load(p.image).shape for p in photos}
    assert found == expected
    assert result.counts[0].failed == 0
    assert sizes["rotated.jpg"] == (640, 480, 3)
    notes = {p.origin.name: p.notes for p in photos}
    assert notes["palette_alpha.png"] == ("transparency flattened on white",)
