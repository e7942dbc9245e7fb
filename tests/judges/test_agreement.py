from __future__ import annotations

import math

import numpy as np
import pytest

from editloop.judges.agreement import (
    agreement_interval,
    human_ceiling,
    kendall,
    mean_absolute_error,
    pair_accuracy,
    pearson,
    ranks,
    spearman,
    within,
)
from editloop.records.rating import Rating


def test_pearson_by_hand() -> None:
    # Deviations (-1, 0, 1) and (-1, 1, 0): 1 / sqrt(2 * 2).
    assert pearson([1, 2, 3], [1, 3, 2]) == pytest.approx(0.5)
    assert pearson([1, 2, 3], [10, 20, 30]) == pytest.approx(1.0)


def test_ties_share_their_mean_rank() -> None:
    np.testing.assert_allclose(ranks([30, 10, 30, 20]), [3.5, 1, 3.5, 2])


def test_spearman_sees_order_alone() -> None:
    assert spearman([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1.0)
    # Ranks (1, 2.5, 2.5, 4) and (1, 2, 3, 4): 4.5 / sqrt(4.5 * 5).
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))


def test_kendall_corrects_for_ties() -> None:
    # Of the six pairs one is tied on the left and none on the right: 5 / sqrt(5 * 6).
    assert kendall([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(5 / math.sqrt(30))
    assert kendall([3, 2, 1], [1, 2, 3]) == pytest.approx(-1.0)


def test_within_and_mean_absolute_error() -> None:
    assert within([1, 2, 3, 5], [2, 2, 5, 4.5]) == 0.75
    assert mean_absolute_error([1, 2, 3, 5], [2, 2, 5, 4.5]) == pytest.approx(3.5 / 4)


def test_pair_accuracy_leaves_ties_of_the_truth_out_and_halves_ties_of_the_guess() -> None:
    # Pairs of the truth (1, 1, 2): the tied one is out; of the other two the guess has one right and one tied.
    assert pair_accuracy([1, 3, 3], [1, 1, 2]) == 0.75


@pytest.mark.parametrize("measure", [pearson, spearman, kendall])
def test_a_constant_has_no_correlation(measure) -> None:
    assert math.isnan(measure([2, 2, 2], [1, 2, 3]))
    assert math.isnan(pair_accuracy([1, 2, 3], [2, 2, 2]))


def test_unequal_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        spearman([1, 2, 3], [1, 2])


def test_the_interval_holds_the_truth_and_clusters_widen_it() -> None:
    rng = np.random.default_rng(5)
    by_image = rng.normal(size=30).repeat(4)
    first = by_image + 0.1 * rng.normal(size=120)
    second = by_image + rng.normal(size=30).repeat(4)
    images = [f"image {place // 4}" for place in range(120)]
    single = agreement_interval(spearman, first, second, resamples=300)
    clustered = agreement_interval(spearman, first, second, clusters=images, resamples=300)
    assert single.value == clustered.value == pytest.approx(spearman(first, second))
    assert clustered.low < single.low < single.value < single.high < clustered.high


def test_the_ceiling_by_hand() -> None:
    rows = [
        Rating(item, rater, "overall", score)
        for item, scores in {"a": (1, 1, 2), "b": (2, 2, 3), "c": (3, 4, 1)}.items()
        for rater, score in zip(("ann", "bob", "cem"), scores, strict=True)
    ]
    # Means of the two others rise and fall with "a < b < c" for nobody but ann and bob; cem orders the items "c < a < b".
    expected = [
        pearson([1, 2, 3], [1.5, 2.5, 2.5]),
        pearson([1, 2, 4], [1.5, 2.5, 2.0]),
        pearson([2, 3, 1], [1, 2, 3.5]),
    ]
    assert human_ceiling(rows, "overall", pearson).value == pytest.approx(np.mean(expected))


def test_no_ceiling_without_shared_items() -> None:
    rows = [Rating(f"item {place}", f"rater {place}", "overall", 3.0) for place in range(4)]
    with pytest.raises(ValueError, match="no ceiling on 'overall'"):
        human_ceiling(rows, "overall")
