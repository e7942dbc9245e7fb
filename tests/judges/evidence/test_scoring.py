"""Ramps, axis scores and words."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editloop.judges.evidence.config import EvidenceConfig
from editloop.judges.evidence.scoring import Axis, Finding, axis_score, ramp, words, worst

UNIT = st.floats(0, 1)


def _finding(value, code="a", axis=Axis.NATURAL, praise=""):
    return Finding(code, axis, value, f"{code} is wrong.", praise)


def test_ramps_run_both_ways():
    assert [ramp(x, (2, 4)) for x in (1, 2, 3, 4, 5)] == [0, 0, 0.5, 1, 1]
    assert [ramp(x, (4, 2)) for x in (1, 3, 5)] == [1, 0.5, 0]


def test_every_threshold_ramp_has_two_different_ends():
    for name, value in dataclasses.asdict(EvidenceConfig()).items():
        if isinstance(value, tuple):
            assert value[0] != value[1], name


@given(st.lists(UNIT, min_size=1, max_size=6), st.integers(0, 5), UNIT)
def test_a_better_finding_never_lowers_the_score(values, place, better):
    place %= len(values)
    improved = [*values]
    improved[place] = max(values[place], better)
    before, after = (
        axis_score([_finding(v) for v in vs], Axis.NATURAL) for vs in (values, improved)
    )
    assert 1 <= before <= after + 1e-9 <= 5 + 1e-9


def test_the_worst_finding_rules_and_no_finding_is_the_middle():
    good = [_finding(1.0)] * 9
    assert axis_score(good, Axis.NATURAL) == 5
    assert axis_score([*good, _finding(0.0)], Axis.NATURAL) < 3
    assert axis_score(good, Axis.INSTRUCTION) == pytest.approx(3)
    assert worst([_finding(0.4, "a"), _finding(0.1, "b")], Axis.NATURAL).code == "b"
    assert worst([], Axis.NATURAL) is None


def test_words_name_faults_worst_first_else_praise():
    faults = [_finding(0.3, "b"), _finding(0.1, "a"), _finding(0.9, "c", praise="c is fine.")]
    assert words(faults) == ("a is wrong.", "b is wrong.")
    assert words([faults[2]]) == ("c is fine.",)
