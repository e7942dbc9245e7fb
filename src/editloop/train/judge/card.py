"""The judges' card: how far each agrees with people that nobody learnt from, on combinations that nobody trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from editloop.core.stats import Interval
from editloop.judges.agreement import agreement_interval, human_ceiling, pearson, spearman, within
from editloop.models.storybook.judge_shape import ANSWERS
from editloop.records.rating import Rating
from editloop.train.judge.study import Study


@dataclass(frozen=True, slots=True)
class AnswerAgreement:
    """One answer of one judge beside people's."""

    answer: str
    spearman: Interval
    """With the mean of the panel; the interval draws whole cases."""
    pearson: Interval
    beside_one: float
    """Spearman with the mean of all raters but one, over the pairs which that one rated, averaged over raters: to be read
    beside the human ceiling, which asks the left-out person the same."""
    within_one: float
    """Share of single ratings at most one point away (ImgEdit-Judge's measure)."""


def judge_card(predicted: NDArray[np.floating[Any]], study: Study) -> list[AnswerAgreement]:
    """Agreement of a judge's scores (pairs, answers) with a study."""
    people = study.people()
    cases = study.pool.case_rows[np.array(study.rows)]
    clusters = [study.pool.case_ids[case] for case in cases]
    card = []
    for place, answer in enumerate(ANSWERS):
        scores = predicted[:, place].astype(np.float64)
        by_name = dict(zip(study.names, scores.tolist(), strict=True))
        single = [rating for rating in study.ratings if rating.axis == answer]
        card.append(
            AnswerAgreement(
                answer,
                _interval(spearman, scores, people[:, place], clusters),
                _interval(pearson, scores, people[:, place], clusters),
                beside_people(by_name, study.ratings, answer),
                within([by_name[r.item] for r in single], [r.score for r in single]),
            )
        )
    return card


def ceilings(study: Study) -> dict[str, Interval]:
    """Spearman of one person with the mean of the others, answer by answer."""
    return {answer: human_ceiling(study.ratings, answer) for answer in ANSWERS}


def beside_people(judge: dict[str, float], ratings: Sequence[Rating], answer: str) -> float:
    """Spearman of a judge with the others' mean where each rater in turn is left out, averaged over raters.

    The judge stands in for the left-out person on that person's pairs, so the figure and `human_ceiling` have the same
    targets: equal figures mean that the judge is as good as one more person.
    """
    by_item: dict[str, dict[str, float]] = {}
    for rating in ratings:
        if rating.axis == answer:
            by_item.setdefault(rating.item, {})[rating.rater] = rating.score
    raters = sorted({rater for answers in by_item.values() for rater in answers})
    found = []
    for rater in raters:
        items = [i for i, answers in by_item.items() if rater in answers and len(answers) > 1]
        others = [fmean(s for r, s in by_item[i].items() if r != rater) for i in items]
        if len(items) > 2:
            found.append(spearman([judge[i] for i in items], others))
    return float(np.nanmean(found))


def by_task(predicted: NDArray[np.floating[Any]], study: Study) -> dict[str, tuple[float, int]]:
    """Spearman of the overall answer with people and the number of pairs, task by task."""
    people = study.people()[:, -1]
    tasks = np.array([study.pool.tasks[study.pool.case_rows[row]] for row in study.rows])
    figures = {}
    for task in sorted(set(tasks.tolist())):
        rows = np.flatnonzero(tasks == task)
        figures[task] = (spearman(predicted[rows, -1], people[rows]), len(rows))
    return figures


def _interval(statistic: Any, scores: Any, people: Any, clusters: list[str]) -> Interval:
    return agreement_interval(statistic, scores, people, clusters=clusters, resamples=500)
