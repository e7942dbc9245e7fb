"""Ridge with departures by task, against plain least squares and by hand."""

from __future__ import annotations

import numpy as np

from editloop.judges.calibrate.ridge import Penalties, expand, fit_ridge

FREE = Penalties(shared=1e-8, task=1e-8, offset=1e-8)
DEAR = Penalties(shared=1e9, task=1e9, offset=1e9)


def test_without_penalties_each_task_gets_its_own_line() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 1))
    tasks = np.repeat([0, 1], 30)
    y = np.where(tasks[:, None] == 0, 1.0 + 2.0 * x, -3.0 - 0.5 * x)
    fitted = fit_ridge(x, y, tasks.tolist(), 2, FREE)
    np.testing.assert_allclose(fitted[0, :, 0] + fitted[1, :, 0], [1.0, 2.0], atol=1e-5)
    np.testing.assert_allclose(fitted[0, :, 0] + fitted[2, :, 0], [-3.0, -0.5], atol=1e-5)


def test_dear_penalties_leave_the_common_mean() -> None:
    x = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    y = np.array([[4.0], [2.0], [5.0], [1.0]])
    fitted = fit_ridge(x, y, [0, 0, 1, 1], 2, DEAR)
    np.testing.assert_allclose(fitted[0], [[3.0], [0.0]], atol=1e-6)
    np.testing.assert_allclose(fitted[1:], 0.0, atol=1e-6)


def test_a_penalty_counts_in_labels() -> None:
    x = np.array([[1.0], [-1.0]] * 5)
    y = 2.0 * x
    fitted = fit_ridge(x, y, [0] * 10, 1, Penalties(shared=10.0, task=1e9, offset=1e9))
    np.testing.assert_allclose(fitted[0, 1], 1.0, atol=1e-6)


def test_rows_of_an_unknown_task_fill_the_shared_block_alone() -> None:
    design = expand(np.array([[2.0], [3.0]]), [1, -1], 2)
    np.testing.assert_array_equal(design, [[1, 2, 0, 0, 1, 2], [1, 3, 0, 0, 0, 0]])
