"""Imperfect triplets: how many are flawed, and that each is a function of its draw."""

from __future__ import annotations

from collections import Counter

import numpy as np

from editloop.core.seeds import generator
from editloop.world.imperfect import FLAW_SHARES, imperfect_target
from editloop.world.render import render
from editloop.world.sampling import cases


def test_flaws_come_in_their_shares_and_unflawed_pictures_are_the_target() -> None:
    flaws: Counter[str | None] = Counter()
    for number, case in enumerate(cases(3, 300)):
        picture, flaw = imperfect_target(case, generator(3, number))
        flaws[flaw] += 1
        if flaw is None:
            assert np.array_equal(picture, render(case.target))
    flawed = sum(FLAW_SHARES.values())
    assert 0.5 * flawed < 1 - flaws[None] / 300 <= 1.3 * flawed
    assert set(flaws) - {None} <= set(FLAW_SHARES)


def test_the_same_draw_gives_the_same_triplet() -> None:
    case = next(cases(4, 1))
    first, second = (imperfect_target(case, np.random.default_rng(8)) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert first[1] == second[1]
