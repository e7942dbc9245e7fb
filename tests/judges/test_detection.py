"""Detection tables: counts, intervals, and the little judge on planted flaws."""

from __future__ import annotations

import math

import pytest
from tests.judges.pictures import disc_mask, textured, with_thing

from editloop.judges.base import JudgeRequest
from editloop.judges.corruptors import FLAWS, Specimen
from editloop.judges.detection import Rate, measure_detection
from editloop.judges.evidence.pixels import grow
from editloop.records.taxonomy import EditType


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (95, 100, 0.8882, 0.9785),
    ],
)
def test_wilson_intervals_match_published_values(hits, n, low, high):
    found = Rate(hits, n).interval()
    assert found == pytest.approx((low, high), abs=5e-4)


def test_nothing_counted_says_nothing():
    assert math.isnan(Rate(0, 0).share)
    assert Rate(0, 0).interval() == (0.0, 1.0)


@pytest.fixture(scope="module")
def specimens():
    made = []
    for seed, centre in enumerate([(110, 150), (290, 130), (200, 190)]):
        meadow = textured(seed)
        mask = grow(disc_mask(centre, 36), 4)
        fruit = with_thing(meadow, "apple", centre)
        made.append(
            Specimen(JudgeRequest(fruit, "Remove the apple.", meadow, mask), EditType.REMOVE)
        )
        made.append(Specimen(JudgeRequest(meadow, "Add an apple.", fruit, mask), EditType.ADD))
    return made


def test_the_table_counts_flaws_and_false_alarms(judge, specimens):
    done = []
    flaws = {name: FLAWS[name] for name in ("no_op", "other_photo", "half_done", "wrong_colour")}
    report = measure_detection(judge, specimens, flaws=flaws, progress=done.append)
    assert done == [1, 2, 3, 4, 5, 6]
    assert report.false_alarm == Rate(0, 6)
    assert report.false_alarms == {"add": Rate(0, 3), "remove": Rate(0, 3)}
    assert report.detected["no_op"] == Rate(6, 6)
    assert report.detected["other_photo"] == Rate(6, 6)
    assert report.detected["half_done"] == Rate(3, 3)
    assert "wrong_colour" not in report.detected
    assert report.reasons["no_op"] == {"no_change": 6}


def test_a_rejected_specimen_gets_no_flaws_unless_asked(judge, specimens):
    bad = Specimen(
        JudgeRequest(
            specimens[0].request.source, "Remove the banana.", specimens[0].request.edited
        ),
        EditType.REMOVE,
    )
    flaws = {"no_op": FLAWS["no_op"]}
    assert measure_detection(judge, [bad], flaws=flaws).detected == {}
    assert (
        measure_detection(judge, [bad], flaws=flaws, only_accepted=False).detected["no_op"].n == 1
    )
