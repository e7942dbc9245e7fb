"""How agreement with people grows with the number of labels a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from editloop.core.seeds import generator
from editloop.judges.agreement import mean_absolute_error, pearson, spearman, within
from editloop.judges.calibrate.calibration import Calibration, fit_calibration
from editloop.judges.calibrate.described import Described


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Triplets that a judge described and people scored."""

    described: Described
    targets: NDArray[np.float64]
    """What people say, (n, answers)."""
    answers: tuple[str, ...]
    clusters: tuple[str, ...]
    """Name of each triplet's image."""

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> LabelledSet:
        """Some rows."""
        chosen = np.asarray(rows, np.int64)
        clusters = tuple(self.clusters[row] for row in chosen)
        return LabelledSet(
            self.described.take(chosen), self.targets[chosen], self.answers, clusters
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of predictions with people on one answer."""

    pearson: float
    spearman: float
    mean_absolute_error: float
    within_one: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Agreement on held-out triplets after calibration with `labels` a task, over several draws of the labels."""

    labels: int
    mean: Agreement
    worst: Agreement
    """Of the draws, figure by figure."""


def labels_per_task(
    tasks: Sequence[str], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of a random draw of at most `count` triplets of each task."""
    chosen: list[int] = []
    for task in sorted(set(tasks)):
        rows = [row for row, name in enumerate(tasks) if name == task]
        chosen += rng.permutation(rows)[:count].tolist()
    return np.array(sorted(chosen), np.int64)


def calibrate(
    labelled: LabelledSet, judge: str, judge_version: str, columns: Sequence[str] | None = None
) -> Calibration:
    """`fit_calibration` on a whole labelled set."""
    return fit_calibration(
        labelled.described,
        labelled.targets,
        labelled.answers,
        judge=judge,
        judge_version=judge_version,
        columns=columns,
        clusters=labelled.clusters,
    )


def agreement(predicted: NDArray[np.float64], people: NDArray[np.float64]) -> Agreement:
    """All four figures of one answer."""
    return Agreement(
        pearson(predicted, people),
        spearman(predicted, people),
        mean_absolute_error(predicted, people),
        within(predicted, people),
    )


def learning_curve(
    labelled: LabelledSet,
    held_out: LabelledSet,
    counts: Sequence[int],
    *,
    answer: str = "overall",
    columns: Sequence[str] | None = None,
    draws: int = 5,
    seed: int = 0,
) -> list[CurvePoint]:
    """Agreement on `held_out` by number of labels a task; a count of 0 is the judge as it came.

    Args:
        labelled: Where labels are drawn from; shares no image with `held_out`.
        held_out: Scored by people who labelled nothing in `labelled`.
        counts: Labels a task.
        answer: The answer that is compared.
        columns: What the calibration reads; all by default.
        draws: Number of draws a count.
        seed: Of the draws.
    """
    place = held_out.answers.index(answer)
    people = held_out.targets[:, place]
    points = []
    for count in counts:
        if count == 0:
            found = [agreement(held_out.described.column(answer), people)]
        else:
            found = []
            for draw in range(draws):
                rng = generator(seed, "labels", count, draw)
                rows = labels_per_task(labelled.described.tasks, count, rng)
                fitted = calibrate(labelled.take(rows), "", "", columns)
                found.append(agreement(fitted.predict(held_out.described)[:, place], people))
        points.append(_point(count, found))
    return points


def _point(count: int, found: Sequence[Agreement]) -> CurvePoint:
    figures = [[getattr(one, field.name) for one in found] for field in fields(Agreement)]
    # The error is the one figure whose worst value is its largest.
    worst = [
        max(values) if field.name == "mean_absolute_error" else min(values)
        for field, values in zip(fields(Agreement), figures, strict=True)
    ]
    return CurvePoint(count, Agreement(*map(fmean, figures)), Agreement(*worst))
