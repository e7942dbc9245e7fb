"""Ridge regression that weighs whole blocks of features against each other, and photographs against chance.

    y = m + sum over blocks of X_b c_b + g(photograph) + e,   c_b ~ N(0, s_b / d_b),  g ~ N(0, s_g),  e ~ N(0, s_e / raters)

The variances s are those of greatest restricted likelihood, found by the MM iteration of Zhou et al. 2019 ("MM Algorithms for Variance
Components Models"), so that a block that says nothing gets no weight and there is nothing left to choose by hand. The effect of
the photograph takes up what edits of one picture share; it is unknown for a new picture and left out of predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.judges.features.table import Table, block_of

_STEPS: Final = 40
_ENOUGH: Final = 1e-3
"""Relative change of the variances at which the iteration stops."""
_FLOOR: Final = 1e-7


@dataclass(frozen=True, slots=True)
class BlockFit:
    """A fitted line: ``intercept + x @ coefficients`` with x the standardised features.

    `shares` says how much of the variance of y each block, the photograph and the noise carry.
    """

    intercept: float
    coefficients: NDArray[np.float64]
    shares: Mapping[str, float]

    def predict(self, columns: Table) -> NDArray[np.float64]:
        """Scores, (n,)."""
        return np.asarray(self.intercept + columns @ self.coefficients)


def fit_block_ridge(
    columns: Table,
    names: Sequence[str],
    target: NDArray[np.float64],
    clusters: Sequence[str],
    raters: NDArray[np.float64] | None = None,
) -> BlockFit:
    """Fit the model above.

    Args:
        columns: Standardised features, (n, d).
        names: Their names, ``block.feature``.
        target: People's scores, (n,).
        clusters: Name of the photograph of each row.
        raters: Number of people behind each score; more people make less noise.
    """
    blocks = sorted({block_of(name) for name in names})
    of_block = np.array([blocks.index(block_of(name)) for name in names])
    parts = [columns[:, of_block == place] for place in range(len(blocks))]
    scales = [max(_FLOOR, float(np.square(part).sum(axis=1).mean())) for part in parts]
    kernels = [part @ part.T / scale for part, scale in zip(parts, scales, strict=True)]
    known = np.asarray(clusters, dtype=object)
    kernels.append((known[:, None] == known[None, :]).astype(np.float64))
    people = np.ones(len(target)) if raters is None else np.asarray(raters, np.float64)
    kernels.append(np.diag(people.mean() / people))
    spread = float(target.var())
    if spread < _FLOOR:
        return BlockFit(float(target.mean()), np.zeros(columns.shape[1]), {})
    weights = _variances(kernels, (target - target.mean()) / np.sqrt(spread)) * spread
    cover = _sum(kernels, weights)
    inverse = np.linalg.inv(cover)
    ones = np.ones(len(target))
    intercept = float(ones @ inverse @ target / (ones @ inverse @ ones))
    pull = inverse @ (target - intercept)
    coefficients = np.zeros(columns.shape[1])
    for place, (part, scale) in enumerate(zip(parts, scales, strict=True)):
        coefficients[of_block == place] = weights[place] / scale * (part.T @ pull)
    shares = dict(zip([*blocks, "photograph", "noise"], (weights / spread).tolist(), strict=True))
    return BlockFit(intercept, coefficients, shares)


def _variances(kernels: Sequence[Table], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variances of greatest restricted likelihood for a target of unit variance."""
    weights = np.full(len(kernels), 0.3 / (len(kernels) - 1))
    weights[-1] = 0.7
    ones = np.ones(len(target))
    for _ in range(_STEPS):
        inverse = np.linalg.inv(_sum(kernels, weights))
        side = inverse @ ones
        project = inverse - np.outer(side, side) / (ones @ side)
        pulled = project @ target
        top = np.array([pulled @ kernel @ pulled for kernel in kernels])
        bottom = np.array([float((project * kernel).sum()) for kernel in kernels])
        moved = np.maximum(
            weights * np.sqrt(np.maximum(top, 0) / np.maximum(bottom, _FLOOR)), _FLOOR
        )
        done = np.abs(moved - weights).max() < _ENOUGH * moved.sum()
        weights = moved
        if done:
            break
    return weights


def _sum(kernels: Sequence[Table], weights: NDArray[np.float64]) -> Table:
    total = _FLOOR * np.eye(len(kernels[0]))
    for weight, kernel in zip(weights, kernels, strict=True):
        total += weight * kernel
    return total
