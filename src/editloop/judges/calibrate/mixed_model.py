"""Item scores without rater bias by a mixed model: raters as fixed effects, items as random ones, variances by REML.

With s_ij the score of rater j on item i:  s_ij = m + b_j + u_i + e_ij,  u_i ~ N(0, t2),  e_ij ~ N(0, s2),  sum of b_j = 0.

NoHumansRequired's formula (`rater_bias`) takes off what a rater adds but trusts one rating of an item as much as five; here an item
with few ratings is drawn towards the mean as far as the ratings' noise asks for (best linear unbiased prediction), and the
variances say how reliable the mean of k raters is. Restricted maximum likelihood: Patterson and Thompson 1971.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import UsageError
from editloop.records.rating import Rating

_RATIOS: Final = (-6.0, 6.0)
"""Range of log(t2 / s2) that is searched."""
_STEPS: Final = 60


@dataclass(frozen=True, slots=True)
class MixedFit:
    """A fitted rating model; all scores in points of the ratings' own scale.

    `item_scores` are m + u_i, shrunk; `rater_biases` are b_j (positive is lenient); `between` and `noise` are the standard
    deviations t and s.
    """

    item_scores: Mapping[str, float]
    rater_biases: Mapping[str, float]
    mean: float
    between: float
    noise: float

    def reliability(self, raters: float = 1.0) -> float:
        """Share of the variance of a mean of `raters` ratings that is the items' own, in [0, 1]."""
        variance = self.between**2 + self.noise**2 / raters
        return self.between**2 / variance if variance > 0 else math.nan


def fit_mixed_model(ratings: Iterable[Rating], axis: str) -> MixedFit:
    """The model above for one axis.

    Args:
        ratings: Rows of any axes; only `axis` is read. Items may have different raters.
        axis: For example ``instruction``.

    Raises:
        UsageError: nothing was rated on `axis`, or no item has two ratings.
    """
    rows = [rating for rating in ratings if rating.axis == axis]
    if not rows:
        raise UsageError(f"no rating on axis {axis!r}")
    items = sorted({row.item for row in rows})
    raters = sorted({row.rater for row in rows})
    of_item = np.searchsorted(items, [row.item for row in rows])
    of_rater = np.searchsorted(raters, [row.rater for row in rows])
    scores = np.array([row.score for row in rows])
    if len(rows) <= len(items):
        raise UsageError(
            f"{len(rows)} ratings of {len(items)} items on {axis!r}: a mixed model needs items that two people rated"
        )
    design = np.zeros((len(rows), len(raters)))
    design[np.arange(len(rows)), of_rater] = 1.0
    problem = _Problem(design, scores, of_item, len(items))
    ratio = problem.best_ratio()
    biases, noise, effects = problem.solve(ratio)
    mean = float(biases.mean())
    return MixedFit(
        item_scores={item: mean + float(u) for item, u in zip(items, effects, strict=True)},
        rater_biases={name: float(b) - mean for name, b in zip(raters, biases, strict=True)},
        mean=mean,
        between=math.sqrt(ratio * noise),
        noise=math.sqrt(noise),
    )


@dataclass(frozen=True)
class _Problem:
    """Least squares with one random effect an item, solved item by item (the inverse of a block is known)."""

    design: NDArray[np.float64]
    scores: NDArray[np.float64]
    of_item: NDArray[np.int64]
    items: int

    def best_ratio(self) -> float:
        """The t2 / s2 of greatest restricted likelihood, by a grid and golden-section search."""
        grid = np.linspace(*_RATIOS, _STEPS)
        values = [self._criterion(math.exp(x)) for x in grid]
        place = int(np.argmin(values))
        low, high = grid[max(0, place - 1)], grid[min(_STEPS - 1, place + 1)]
        golden = (math.sqrt(5) - 1) / 2
        for _ in range(40):
            one, two = high - golden * (high - low), low + golden * (high - low)
            if self._criterion(math.exp(one)) < self._criterion(math.exp(two)):
                high = two
            else:
                low = one
        return math.exp((low + high) / 2)

    def solve(self, ratio: float) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
        """Rater effects, noise variance and item effects at a ratio."""
        gram, target, total = self._weighted(ratio)
        biases = np.linalg.lstsq(gram, target, rcond=None)[0]
        freedom = max(1, len(self.scores) - self._rank(gram))
        noise = max(1e-12, float(total - target @ biases) / freedom)
        left = self.scores - self.design @ biases
        counts = np.bincount(self.of_item, minlength=self.items)
        sums = np.bincount(self.of_item, left, minlength=self.items)
        return (
            np.asarray(biases, np.float64),
            noise,
            np.asarray(sums * ratio / (1 + ratio * counts)),
        )

    def _criterion(self, ratio: float) -> float:
        """Minus twice the restricted log-likelihood, up to a constant."""
        gram, target, total = self._weighted(ratio)
        biases = np.linalg.lstsq(gram, target, rcond=None)[0]
        freedom = max(1, len(self.scores) - self._rank(gram))
        rest = max(1e-12, float(total - target @ biases))
        counts = np.bincount(self.of_item, minlength=self.items)
        values = np.linalg.eigvalsh(gram)
        log_gram = float(np.log(values[values > 1e-9 * values.max()]).sum())
        return freedom * math.log(rest) + float(np.log1p(ratio * counts).sum()) + log_gram

    def _weighted(self, ratio: float) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """X'WX, X'Wy and y'Wy with W the inverse covariance over the noise variance."""
        counts = np.bincount(self.of_item, minlength=self.items)
        shrink = ratio / (1 + ratio * counts)
        sums = np.zeros((self.items, self.design.shape[1]))
        np.add.at(sums, self.of_item, self.design)
        score_sums = np.bincount(self.of_item, self.scores, minlength=self.items)
        gram = self.design.T @ self.design - (sums * shrink[:, None]).T @ sums
        target = self.design.T @ self.scores - (sums * shrink[:, None]).T @ score_sums
        total = float(self.scores @ self.scores - (shrink * score_sums) @ score_sums)
        return gram, target, total

    @staticmethod
    def _rank(gram: NDArray[np.float64]) -> int:
        return int(np.linalg.matrix_rank(gram))
