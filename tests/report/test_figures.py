from __future__ import annotations

from collections.abc import Callable

import pytest

from editloop.records.record import EditRecord
from editloop.records.verdict import Outcome, Verdict
from editloop.report import RejectedRecord, ReportInput, StageCounts
from editloop.report.figures import (
    Headline,
    duration,
    headlines,
    score_histograms,
    stage_bars,
    type_bars,
)

MakeRecord = Callable[..., EditRecord]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.44, "0.4 s"),
        (9.96, "10.0 s"),
        (48.2, "48 s"),
        (59.7, "1 min 00 s"),
        (372, "6 min 12 s"),
        (3599.6, "1 h 00 min"),
        (11130, "3 h 05 min"),
    ],
)
def test_durations_read_like_speech(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_headlines_of_a_run_count_what_stages_dropped(report_input: ReportInput) -> None:
    assert headlines(report_input) == [
        Headline("9", "accepted"),
        Headline("3", "edit types"),
        Headline("2", "dropped"),
        Headline("1", "failed"),
        Headline("6 min 12 s", "wall time"),
    ]


def test_headlines_of_a_plain_list_claim_nothing_about_drops(make_record: MakeRecord) -> None:
    data = ReportInput(title="t", records=[make_record(1)], load=lambda _: b"")
    assert headlines(data) == [Headline("1", "triplets"), Headline("1", "edit type")]


def test_stage_bars_share_one_scale_and_leave_no_gap() -> None:
    stages = [
        StageCounts("a", received=200, kept=120, dropped={"x": 50, "y": 20}, failed=10),
        StageCounts("b", received=50, kept=50),
    ]
    wide, narrow = stage_bars(stages)
    assert wide.counts == (120, 70, 10)
    assert wide.segments == ((0.0, 60.0), (60.0, 35.0), (95.0, 5.0))
    assert narrow.segments == ((0.0, 25.0), (25.0, 0.0), (25.0, 0.0))


def test_type_bars_put_the_most_accepted_first_and_count_dialogues_by_kind(
    report_input: ReportInput,
) -> None:
    bars = type_bars(report_input.records, report_input.rejected)
    assert [(bar.label, bar.counts) for bar in bars] == [
        ("remove", (5, 0)),
        ("add", (2, 1)),
        ("version_backtracking", (2, 0)),
    ]


def test_no_types_no_bars() -> None:
    assert type_bars([], []) == []


def test_histograms_keep_outcomes_apart_and_the_top_score_inside(make_record: MakeRecord) -> None:
    rejected = [RejectedRecord(make_record(3, 1.0), "x", "verify", "r")]
    following, natural = score_histograms([make_record(1, 5.0), make_record(2, 5.0)], rejected)
    assert (following.axis, natural.axis) == ("instruction_following", "naturalness")
    assert following.columns[-1] == (100.0, 0.0)
    assert following.columns[0] == (0.0, 50.0)
    assert following.mean == pytest.approx(11 / 3)
    assert (following.scored, following.judged) == (3, 3)


def test_an_unscored_verdict_is_judged_but_never_counted_as_a_score(
    make_record: MakeRecord,
) -> None:
    silent = Verdict(judge="evidence", judge_version="3", scale=(1, 5), outcome=Outcome.UNPARSABLE)
    histogram, *_ = score_histograms([make_record(1, 4.0), make_record(2, verdicts=(silent,))], [])
    assert (histogram.scored, histogram.judged, histogram.mean) == (1, 2, 4.0)
