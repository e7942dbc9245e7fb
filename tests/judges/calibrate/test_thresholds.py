"""Thresholds read off survival curves: the paper's own, and shapes that other judges give."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from editloop.core.errors import UsageError
from editloop.judges.calibrate.thresholds import (
    between_knees,
    find_knees,
    pick_threshold,
    survival_curve,
)

SCALE = (1.0, 5.0)
TENTHS = [round(1 + step / 10, 1) for step in range(41)]


def scores_of(shares: dict[float, float], count: int = 100_000) -> list[float]:
    """Scores whose survival curve runs through `shares`, straight between them."""
    curve = np.interp(TENTHS, list(shares), list(shares.values()))
    scores: list[float] = []
    for place in range(len(TENTHS) - 1):
        scores += [TENTHS[place] + 0.05] * round(count * (curve[place] - curve[place + 1]))
    return scores + [5.0] * (count - len(scores))


def test_the_papers_knees_give_the_papers_threshold() -> None:
    assert between_knees((4.5, 4.9), TENTHS) == 4.7
    assert between_knees((4.9, 4.5), TENTHS) == 4.7


def test_of_two_equally_distant_thresholds_the_stricter_is_taken() -> None:
    assert between_knees((4.4, 4.7), TENTHS) == 4.6


def test_the_papers_curve_has_the_papers_knees() -> None:
    # 62.1 % are gone at 4.5, 63.2 % at 4.7 and 84.0 % at 4.9, after a slow decline to 4.4.
    shares = {
        1.0: 1.0,
        4.3: 0.56,
        4.4: 0.53,
        4.5: 0.379,
        4.7: 0.368,
        4.8: 0.35,
        4.9: 0.16,
        5.0: 0.1,
    }
    picked = pick_threshold(scores_of(shares), SCALE)
    assert picked.knees == (4.5, 4.9)
    assert picked.threshold == 4.7
    assert picked.curve.at(4.5) == pytest.approx(0.379, abs=0.002)
    assert picked.curve.at(4.9) == pytest.approx(0.16, abs=0.002)


def test_the_threshold_lies_between_two_heaps() -> None:
    rng = np.random.default_rng(0)
    heaps = np.concatenate([rng.normal(3.4, 0.15, 300), rng.normal(4.7, 0.1, 300)])
    picked = pick_threshold(list(np.clip(heaps, *SCALE)), SCALE)
    assert 3.7 < picked.threshold < 4.5


def test_a_heap_at_the_very_top_counts() -> None:
    picked = pick_threshold([5.0] * 50 + [3.3] * 50, SCALE)
    assert picked.knees is not None
    assert picked.knees[1] == 5.0
    assert 3.6 < picked.threshold < 4.8


def test_one_heap_is_cut_in_its_middle() -> None:
    scores = np.clip(np.random.default_rng(1).normal(4.1, 0.25, 2000), *SCALE)
    assert pick_threshold(list(scores), SCALE).threshold == pytest.approx(4.1, abs=0.15)


def test_scores_of_the_lower_half_alone_give_the_middle_of_the_scale() -> None:
    picked = pick_threshold([1.2, 2.0, 2.9], SCALE)
    assert picked.knees is None
    assert picked.threshold == 3.0


def test_another_scale_gives_the_same_cut_on_it() -> None:
    rng = np.random.default_rng(2)
    scores = np.concatenate([rng.uniform(3.2, 3.6, 100), rng.uniform(4.5, 4.8, 100)])
    here = pick_threshold(list(scores), SCALE)
    there = pick_threshold(list((scores - 1) * 25), (0.0, 100.0))
    assert there.threshold == pytest.approx((here.threshold - 1) * 25)


def test_a_curve_needs_scores() -> None:
    with pytest.raises(UsageError, match="at least one score"):
        survival_curve([], SCALE)


@given(st.lists(st.floats(1, 5), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_a_curve_falls_and_the_threshold_lies_between_its_knees(scores: list[float]) -> None:
    picked = pick_threshold(scores, SCALE)
    shares = picked.curve.shares
    assert shares[0] == 1.0
    assert all(before >= after for before, after in pairwise(shares))
    assert picked.curve.at(4.0) == pytest.approx(np.mean(np.array(scores) >= 4.0 - 1e-9))
    knees = find_knees(picked.curve)
    if knees is not None:
        assert knees[0] <= picked.threshold <= knees[1]
