"""Removes what each rater adds to every score, so that items rated by different people can be compared.

Source: NoHumansRequired (arXiv 2507.14119), aggregation of its human ratings. With s_ij the score of rater j on item i,
N_j the items of rater j and R_i the raters of item i:

    s_i = mean over R_i of s_ij
    b_j = mean over N_j of s_ij  -  mean over N_j of s_i
    S_i = mean over R_i of (s_ij - b_j)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from editloop.core.errors import UsageError
from editloop.records.rating import Rating


@dataclass(frozen=True, slots=True)
class Debiased:
    """Scores of one axis after rater bias was removed.

    `item_scores` are S_i and `rater_biases` b_j, both in points of the ratings' own scale; a positive bias is a lenient
    rater. S_i is not clipped to the scale.
    """

    item_scores: Mapping[str, float]
    rater_biases: Mapping[str, float]


def remove_rater_bias(ratings: Iterable[Rating], axis: str, passes: int = 1) -> Debiased:
    """Item scores without rater bias.

    Args:
        ratings: Rows of any axes; only `axis` is read. Items may have different raters.
        axis: For example ``instruction``.
        passes: 1 is the paper's formula. It finds only a share of a bias where few people rate each item, since the biased
            score is part of the mean it is compared with; more passes measure each rater against the last pass's S_i and
            converge to the least-squares additive fit.

    Raises:
        UsageError: nothing was rated on `axis`, a person rated an item twice, or `passes` is below 1.
    """
    if passes < 1:
        raise UsageError(f"the formula runs once or more, got passes={passes}")
    by_rater, by_item = _tables(ratings, axis)
    item_scores = {item: fmean(answers.values()) for item, answers in by_item.items()}
    biases: dict[str, float] = {}
    for _ in range(passes):
        biases = {
            rater: fmean(answers.values()) - fmean(item_scores[item] for item in answers)
            for rater, answers in by_rater.items()
        }
        item_scores = {
            item: fmean(score - biases[rater] for rater, score in answers.items())
            for item, answers in by_item.items()
        }
    return Debiased(item_scores, biases)


def _tables(
    ratings: Iterable[Rating], axis: str
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    by_rater: dict[str, dict[str, float]] = defaultdict(dict)
    by_item: dict[str, dict[str, float]] = defaultdict(dict)
    for rating in ratings:
        if rating.axis != axis:
            continue
        if rating.rater in by_item[rating.item]:
            raise UsageError(
                f"{rating.rater!r} rated {rating.item!r} twice on {axis!r}; keep one answer a person and item"
            )
        by_rater[rating.rater][rating.item] = rating.score
        by_item[rating.item][rating.rater] = rating.score
    if not by_item:
        raise UsageError(f"no rating on axis {axis!r}")
    return by_rater, by_item
