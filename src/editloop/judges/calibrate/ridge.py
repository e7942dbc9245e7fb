"""Ridge regression whose coefficients a task may depart from, as far as its few labels support it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalties:
    """How dear a coefficient is, in labels: with as many labels of unit variance it is shrunk by half.

    `shared` holds for coefficients of all tasks, `task` for a task's departure from them, `offset` for a task's own
    constant. The constant of all tasks is free.
    """

    shared: float = 10.0
    task: float = 30.0
    offset: float = 3.0


def fit_ridge(
    columns: Table, targets: Table, tasks: Sequence[int], count: int, penalties: Penalties
) -> Table:
    """Coefficients that minimise squared error plus penalties.

    With x a row of `columns` and t its task, the model is ``a + a_t + x (b + b_t)`` for each target.

    Args:
        columns: Standardised predictors, (n, d).
        targets: (n, k).
        tasks: Number of each row's task, 0 to `count` - 1.
        count: Number of tasks.
        penalties: On b, b_t and a_t.

    Returns:
        (1 + count, 1 + d, k): first [a; b], then [a_t; b_t] of each task.
    """
    width = 1 + columns.shape[1]
    design = expand(columns, tasks, count)
    price = np.zeros((1 + count, width))
    price[0, 1:] = penalties.shared
    price[1:, 0] = penalties.offset
    price[1:, 1:] = penalties.task
    # The tiny floor keeps a free constant solvable when there are no rows at all.
    gram = design.T @ design + np.diag(price.ravel() + 1e-9)
    return np.asarray(
        np.linalg.solve(gram, design.T @ targets).reshape(1 + count, width, targets.shape[1])
    )


def expand(columns: Table, tasks: Sequence[int], count: int) -> Table:
    """The design matrix, (n, (1 + count) * (1 + d)): a shared block, then one a task that is zero for rows of other tasks.

    A task of -1 is unknown and fills the shared block alone.
    """
    rows, own = len(columns), np.asarray(tasks, np.int64)
    plain = np.hstack([np.ones((rows, 1)), columns])
    design = np.zeros((rows, 1 + count, plain.shape[1]))
    design[:, 0] = plain
    known = np.flatnonzero(own >= 0)
    design[known, 1 + own[known]] = plain[known]
    return design.reshape(rows, -1)
