"""Editors in the order that people and a judge put them in: the rank correlation of their mean scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from editloop.core.stats import Interval
from editloop.judges.agreement import kendall, spearman
from editloop.judges.people.figures import Scores, cluster_weights
from editloop.records.formats.rated_edits import RatedEdit

LABELS: Final = ("editor", "system", "model", "method")
"""Labels that name who made an edit, the most telling first."""
LEAST_SYSTEMS: Final = 3


@dataclass(frozen=True, slots=True)
class SystemRank:
    """Agreement on the order of editors, each at the mean of its scored edits.

    The interval is a bootstrap over whole photographs; NaN where there is one photograph. With few editors it is wide, and a
    Spearman of 1 is no surprise.
    """

    label: str
    n: int
    spearman: Interval
    kendall: float

    def as_json(self) -> dict[str, Any]:
        """Flat, with undefined figures as null."""
        ends = [_number(self.spearman.low), _number(self.spearman.high)]
        return {
            "label": self.label,
            "n_systems": self.n,
            "spearman": _number(self.spearman.value),
            "ci": None if None in ends else ends,
            "kendall": _number(self.kendall),
        }


def system_label(edits: Sequence[RatedEdit]) -> str | None:
    """The label that tells editors apart; None where the file names fewer than three."""
    for label in LABELS:
        if len({edit.labels[label] for edit in edits if label in edit.labels}) >= LEAST_SYSTEMS:
            return label
    return None


def system_rank(
    label: str,
    rows: Sequence[tuple[str, str, float, float]],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> SystemRank | None:
    """The rank correlation of editors' means; None for fewer than three editors.

    Args:
        label: What names the editors.
        rows: Editor, photograph, the judge's score and people's mean of every scored edit.
        resamples: Bootstrap draws of whole photographs; one that leaves an editor without edits is left out.
        seed: Of the draws.
    """
    names, places = np.unique([row[0] for row in rows], return_inverse=True)
    if len(names) < LEAST_SYSTEMS:
        return None
    weights = cluster_weights([row[1] for row in rows], resamples, seed)
    judge, people = (np.array([row[at] for row in rows], np.float64) for at in (2, 3))
    means = [_means(scores, places, len(names), weights) for scores in (judge, people)]
    drawn = np.array(
        [
            spearman(*pair) if np.isfinite(pair).all() else math.nan
            for pair in zip(*means, strict=True)
        ]
    )
    others = drawn[1:][np.isfinite(drawn[1:])]
    low, high = np.quantile(others, [0.025, 0.975]) if others.size else (math.nan, math.nan)
    value = Interval(float(drawn[0]), float(low), float(high))
    return SystemRank(label, len(names), value, kendall(means[0][0], means[1][0]))


def _means(scores: Scores, places: NDArray[np.intp], count: int, weights: Scores) -> Scores:
    """Weighted mean of every editor under every row of weights, (draws, editors); NaN where none was drawn."""
    member = (places[:, None] == np.arange(count)[None, :]).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.round((weights * scores) @ member / (weights @ member), 9))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
