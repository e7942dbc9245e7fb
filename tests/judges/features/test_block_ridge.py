"""The ridge over blocks, and cross-validation by photograph, on planted tables."""

from __future__ import annotations

import numpy as np
import pytest

from editloop.judges.agreement import spearman
from editloop.judges.features.block_ridge import fit_block_ridge
from editloop.judges.features.crossval import cross_validate, importance, photograph_folds
from editloop.judges.features.table import FeatureTable, Standardiser

N = 90
CLUSTERS = [str(i // 2) for i in range(N)]
NAMES = tuple(f"{block}.f{i}" for block, count in (("good", 4), ("idle", 40)) for i in range(count))
ONES = np.ones(N)


def planted(signal: float, seed: int = 0) -> tuple[FeatureTable, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(N, len(NAMES)))
    target = signal * values[:, :4].sum(axis=1) / 2 + rng.normal(size=N)
    return FeatureTable(NAMES, values), 5 + target


def test_a_block_that_says_nothing_gets_next_to_no_weight() -> None:
    table, target = planted(1.5)
    fit = fit_block_ridge(table.values, NAMES, target, CLUSTERS)
    assert fit.shares["good"] > 5 * fit.shares["idle"]
    assert fit.coefficients[:4] == pytest.approx(np.full(4, 0.75), abs=0.3)
    assert fit.predict(table.values).mean() == pytest.approx(target.mean(), abs=0.3)


def test_what_edits_of_a_photograph_share_is_not_mistaken_for_a_feature() -> None:
    rng = np.random.default_rng(2)
    shared = np.repeat(rng.normal(size=N // 2), 2)
    table = FeatureTable(NAMES, rng.normal(size=(N, len(NAMES))))
    fit = fit_block_ridge(table.values, NAMES, 2 * shared + 0.3 * rng.normal(size=N), CLUSTERS)
    assert fit.shares["photograph"] > 0.6


def test_constant_scores_are_predicted_as_they_are() -> None:
    table, _ = planted(1)
    fit = fit_block_ridge(table.values, NAMES, np.full(N, 4.0), CLUSTERS)
    assert fit.predict(table.values) == pytest.approx(np.full(N, 4.0))


def test_no_photograph_is_in_two_folds_and_folds_are_of_like_size() -> None:
    clusters = [f"p{i % 23}" for i in range(100)]
    folds = photograph_folds(clusters, 5, seed=1)
    for name in set(clusters):
        assert len({fold for fold, own in zip(folds, clusters, strict=True) if own == name}) == 1
    assert np.ptp(np.bincount(folds)) <= 5


def test_out_of_fold_figures_find_a_planted_signal_and_what_carries_it() -> None:
    table, target = planted(1.5)
    out = cross_validate(table, target, CLUSTERS, ONES, folds=5, draws=2)
    assert min(out.per_draw) > 0.5
    assert spearman(out.predicted, target) == pytest.approx(out.per_draw[0])
    blocks, features = importance(out, target, shuffles=4)
    assert next(iter(blocks)) == "good"
    assert next(iter(features)).startswith("good.")


def test_out_of_fold_figures_of_noise_are_noise() -> None:
    found = []
    for seed in range(6):
        table, target = planted(0.0, seed)
        found += cross_validate(table, target, CLUSTERS, ONES, folds=5, draws=1).per_draw
    assert abs(np.nanmean(found)) < 0.15


def test_an_unmeasured_value_counts_as_the_mean_and_rare_features_are_left_out() -> None:
    rows = [{"a.x": float(i), "a.same": 1.0} for i in range(20)]
    rows[0]["a.rare"] = 1.0
    del rows[3]["a.x"]
    standard = Standardiser.learn(FeatureTable.of(rows))
    assert standard.names == ("a.x",)
    columns = standard(FeatureTable.of(rows))
    assert columns[3, 0] == 0.0
    assert np.abs(columns).max() <= 3.0
    assert standard(FeatureTable.of([{"other.y": 1.0}])).tolist() == [[0.0]]
