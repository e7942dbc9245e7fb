"""Agreement by number of labels."""

from __future__ import annotations

import numpy as np
from tests.judges.calibrate.worlds import TASKS, crooked_judge

from editloop.judges.calibrate.learning_curve import agreement, labels_per_task, learning_curve


def test_more_labels_agree_better_and_none_is_the_judge_as_it_came() -> None:
    labelled, held_out = crooked_judge(600, 0), crooked_judge(400, 1)
    curve = learning_curve(labelled, held_out, (0, 4, 100), draws=3)
    raw = agreement(held_out.described.column("overall"), held_out.targets[:, 0])
    assert curve[0].mean == curve[0].worst == raw
    assert curve[0].mean.pearson < curve[1].mean.pearson < curve[2].mean.pearson
    errors = [point.mean.mean_absolute_error for point in curve]
    assert errors[0] > errors[1] > errors[2]


def test_the_worst_draw_is_the_lowest_correlation_and_the_largest_error() -> None:
    (point,) = learning_curve(crooked_judge(300, 0), crooked_judge(200, 1), (4,), draws=4)
    assert point.worst.pearson < point.mean.pearson
    assert point.worst.mean_absolute_error > point.mean.mean_absolute_error


def test_labels_are_drawn_evenly_over_tasks() -> None:
    tasks = [*["add"] * 50, *["remove"] * 3, *["style"] * 20]
    rows = labels_per_task(tasks, 10, np.random.default_rng(0))
    counts = [sum(tasks[row] == task for row in rows) for task in TASKS]
    assert counts == [10, 3, 10]
    assert len(set(rows.tolist())) == len(rows)
