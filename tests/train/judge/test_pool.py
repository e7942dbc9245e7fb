"""Variants of cases, and the pool that keeps them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from editloop.train.judge import pool as pools
from editloop.train.judge.pool import Pool, join_pools, make_pairs, open_pool
from editloop.train.judge.variants import EXACT, PART_WAY, SOFT, Variant, part_way, soften, variants
from editloop.world.corruptors import FLAWS
from editloop.world.render import render
from editloop.world.sampling import cases


def grey(level: int) -> np.ndarray:
    return np.full((32, 32, 3), level, np.uint8)


def test_six_variants_from_perfect_to_flawed() -> None:
    for case in cases(7, 8):
        source = render(case.source)
        made = variants(case, source, np.random.default_rng(0))
        assert [variant.name for variant in made[:3]] == [EXACT, SOFT, PART_WAY]
        assert {made[3].name, made[4].name} < set(FLAWS)
        assert made[5].name.removeprefix(f"{SOFT}:") in FLAWS
        assert all(variant.image.shape == source.shape for variant in made)


def test_part_way_lies_between_its_ends_and_is_neither() -> None:
    rng = np.random.default_rng(0)
    drawn = [part_way(grey(50), grey(200), rng) for _ in range(30)]
    assert all(picture.min() >= 50 and picture.max() <= 200 for picture in drawn)
    assert np.mean([50 < picture.mean() < 200 for picture in drawn]) > 0.8
    patchy = [picture for picture in drawn if np.ptp(picture) > 0]
    assert 5 < len(patchy) < 25


def test_softening_goes_from_hardly_to_clearly_visible() -> None:
    picture = render(next(iter(cases(7, 1))).source)
    rng = np.random.default_rng(0)
    moved = [np.abs(soften(picture, rng).astype(int) - picture).mean() for _ in range(60)]
    assert min(moved) < 2.0
    assert max(moved) > 8.0


def test_a_pool_says_what_the_oracle_says(pool: Pool) -> None:
    exact = [row for row, name in enumerate(pool.variants) if name == EXACT]
    assert pool.right[exact].all()
    np.testing.assert_array_equal(pool.scores[exact], 5.0)
    untouched = [row for row, name in enumerate(pool.variants) if name == "no_op"]
    assert (pool.scores[untouched, 0] < 2.0).all()
    scores = pool.oracle_scores()
    assert scores[exact[0]].failure is None
    assert scores[untouched[0]].failure == pool.failures[untouched[0]]


def test_pairs_have_distinct_names(pool: Pool) -> None:
    assert len(set(pool.pair_names())) == len(pool) == 6 * len(pool.case_ids)


def test_edits_of_an_editor_stand_beside_the_right_one() -> None:
    batch = list(cases(3, 2))
    made = make_pairs(batch, 1, lambda _, sources: [[Variant("editor", s)] for s in sources])
    assert made.variants == [EXACT, "editor"] * 2
    assert made.right.tolist()[::2] == [True, True]


def test_pools_are_joined_with_their_cases(pool: Pool) -> None:
    joined = join_pools([pool, pool])
    assert len(joined) == 2 * len(pool)
    shown = joined.sources[joined.case_rows[len(pool)]]
    np.testing.assert_array_equal(shown, pool.sources[pool.case_rows[0]])


def test_a_pool_is_kept_in_shards_and_finished_after_a_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "CASES_PER_SHARD", 2)
    whole = open_pool(tmp_path, 5, 4, "train")
    shards = sorted(tmp_path.glob("*.npz"))
    assert len(shards) == 2
    shards[1].unlink()
    again = open_pool(tmp_path, 5, 4, "train")
    for field in fields(Pool):
        first, second = getattr(again, field.name), getattr(whole, field.name)
        same = first == second
        assert same if isinstance(same, bool) else same.all(), field.name
    assert whole.case_rows.max() == 3
