"""Krippendorff's alpha on published and planted cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from editloop.judges.reliability import krippendorff_alpha
from editloop.records.rating import Rating

# The worked example of Krippendorff (2011), section on interval data: four observers, twelve units, gaps.
ROWS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


def ratings(rows: tuple[str, ...] = ROWS) -> list[Rating]:
    return [
        Rating(str(item), str(rater), "x", float(score))
        for rater, row in enumerate(rows)
        for item, score in enumerate(row.split())
        if score != "."
    ]


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_the_published_example(level: str, alpha: float) -> None:
    assert krippendorff_alpha(ratings(), "x", level) == pytest.approx(alpha, abs=0.001)


def test_perfect_agreement_is_one_and_noise_is_near_zero() -> None:
    assert krippendorff_alpha(ratings(("1 2 3", "1 2 3")), "x") == 1.0
    rng = np.random.default_rng(0)
    rows = [
        Rating(str(i), str(r), "x", float(rng.integers(6))) for i in range(400) for r in range(3)
    ]
    assert abs(krippendorff_alpha(rows, "x")) < 0.06


def test_without_two_ratings_of_an_item_there_is_no_alpha() -> None:
    assert math.isnan(krippendorff_alpha(ratings(("1 2 3",)), "x"))
    assert math.isnan(krippendorff_alpha(ratings(("2 2", "2 2")), "x"))
