"""Cross-validation by photograph: how well a fitted judge agrees with people about edits of pictures it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from editloop.core.seeds import generator
from editloop.judges.agreement import spearman
from editloop.judges.features.block_ridge import BlockFit, fit_block_ridge
from editloop.judges.features.table import FeatureTable, Standardiser, Table, block_of


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model of one axis with the standardisation it was learnt with."""

    standard: Standardiser
    line: BlockFit

    def predict(self, table: FeatureTable) -> NDArray[np.float64]:
        """Scores of people, (n,)."""
        return self.line.predict(self.standard(table))


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions of edits by models that saw no edit of the same photograph.

    `contributions` are what each feature added to each prediction, (n, features), so that the importance of a feature can be had by
    shuffling them. `per_draw` is the Spearman with people for each drawing of the folds; the other fields are of the first.
    """

    predicted: NDArray[np.float64]
    names: tuple[str, ...]
    contributions: Table
    per_draw: tuple[float, ...]


def fit_axis(
    table: FeatureTable,
    target: NDArray[np.float64],
    clusters: Sequence[str],
    raters: NDArray[np.float64],
) -> Fitted:
    """The model of one axis; variances are chosen inside, from the same rows alone."""
    standard = Standardiser.learn(table)
    return Fitted(
        standard, fit_block_ridge(standard(table), standard.names, target, clusters, raters)
    )


def photograph_folds(clusters: Sequence[str], count: int, seed: int) -> NDArray[np.intp]:
    """Fold of each row: all edits of a photograph in one, folds of about equal size."""
    names, sizes = np.unique(np.asarray(clusters, dtype=str), return_counts=True)
    order = generator(seed, "photograph-folds").permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load = np.zeros(count)
    fold_of: dict[str, int] = {}
    for place in order:
        fold = int(load.argmin())
        fold_of[str(names[place])] = fold
        load[fold] += sizes[place]
    return np.array([fold_of[str(name)] for name in clusters], np.intp)


def cross_validate(
    table: FeatureTable,
    target: NDArray[np.float64],
    clusters: Sequence[str],
    raters: NDArray[np.float64],
    *,
    people: NDArray[np.float64] | None = None,
    folds: int = 10,
    draws: int = 3,
    seed: int = 0,
    progress: Callable[[], None] | None = None,
) -> OutOfFold:
    """Predict every edit from models of the other photographs.

    A model's constant is replaced by the constant of all rows: leaving a fold out lowers the mean of the others when the fold is
    good, so that constants alone would rank folds upside down.

    Args:
        table: Features.
        target: What the model is fitted to.
        clusters: Name of each row's photograph.
        raters: People behind each score.
        people: What predictions are compared with; `target` by default.
        folds: Number of parts; no more than there are photographs.
        draws: Drawings of the folds.
        seed: Of the drawings.
        progress: Called after every fit.
    """
    truth = target if people is None else people
    names = table.names
    places = {name: place for place, name in enumerate(names)}
    parts = min(folds, len(set(clusters)))
    first: tuple[NDArray[np.float64], Table] | None = None
    found = []
    known = np.asarray(clusters, dtype=object)
    for draw in range(draws):
        fold_of = photograph_folds(clusters, parts, seed + draw)
        predicted = np.zeros(len(target))
        added = np.zeros((len(target), len(names)))
        for fold in range(parts):
            kept, left = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
            model = fit_axis(table.take(kept), target[kept], known[kept].tolist(), raters[kept])
            columns = model.standard(table.take(left)) * model.line.coefficients
            chosen = np.array([places[name] for name in model.standard.names], np.intp)
            added[left[:, None], chosen[None, :]] = columns
            predicted[left] = columns.sum(axis=1)
            if progress is not None:
                progress()
        found.append(spearman(predicted, truth))
        if first is None:
            first = predicted + target.mean(), added
    assert first is not None
    return OutOfFold(first[0], names, first[1], tuple(found))


def importance(
    out: OutOfFold, truth: NDArray[np.float64], *, shuffles: int = 8, most: int = 40, seed: int = 0
) -> tuple[dict[str, float], dict[str, float]]:
    """Loss of out-of-fold Spearman when a block, or a feature, is shuffled among the edits.

    Args:
        out: Predictions with their contributions.
        truth: People's scores.
        shuffles: Draws, over which the loss is averaged.
        most: Single features that are tried: those that move the predictions most.
        seed: Of the draws.

    Returns:
        Losses of blocks and of single features, largest first; blocks that no model used are left out.
    """
    rng = generator(seed, "importance")
    base = spearman(out.predicted, truth)
    orders = [rng.permutation(len(truth)) for _ in range(shuffles)]

    def loss(own: NDArray[np.float64]) -> float:
        shuffled = [spearman(out.predicted - own + own[order], truth) for order in orders]
        return base - float(np.nanmean(shuffled))

    used = np.flatnonzero(np.abs(out.contributions).max(axis=0) > 0)
    blocks: dict[str, list[int]] = {}
    for place in used:
        blocks.setdefault(block_of(out.names[place]), []).append(int(place))
    of_blocks = {name: loss(out.contributions[:, own].sum(axis=1)) for name, own in blocks.items()}
    moving = used[np.argsort(-out.contributions[:, used].std(axis=0), kind="stable")][:most]
    of_features = {out.names[place]: loss(out.contributions[:, place]) for place in moving}
    return _sorted(of_blocks), _sorted(of_features)


def _sorted(losses: dict[str, float]) -> dict[str, float]:
    return dict(sorted(losses.items(), key=lambda item: -item[1]))
