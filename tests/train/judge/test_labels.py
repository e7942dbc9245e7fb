"""What judges learn from."""

from __future__ import annotations

import numpy as np

from editloop.models.storybook.judge_shape import SCORE_STEPS
from editloop.train.judge.labels import BROKEN_AXES, balance, flaw_labels, rating_labels, two_step
from editloop.train.judge.pool import Pool
from editloop.train.judge.variants import EXACT
from editloop.world.corruptors import FLAWS

STEPS = np.array(SCORE_STEPS)


def test_a_score_is_the_mean_of_its_distribution() -> None:
    points = np.array([[1.0, 2.2, 3.5, 5.0], [7.0, -1.0, 4.9, 1.1]], np.float32)
    shares = two_step(points)
    np.testing.assert_allclose(shares.sum(-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(shares @ STEPS, np.clip(points, 1.0, 5.0), atol=1e-5)
    assert ((shares > 0).sum(-1) <= 2).all()


def test_every_flaw_spoils_something_and_perfection_nothing() -> None:
    assert set(BROKEN_AXES) == {EXACT, *FLAWS}
    assert [name for name, broken in BROKEN_AXES.items() if not broken] == [EXACT]


def test_flaw_labels_know_how_a_picture_was_made_and_no_score(pool: Pool) -> None:
    labels = flaw_labels(pool)
    assert {pool.variants[row] for row in labels.rows} <= set(BROKEN_AXES)
    for row, scores, failure in zip(labels.rows, labels.scores, labels.failures, strict=True):
        name = pool.variants[row]
        assert failure == (0 if name == EXACT else 1 + FLAWS.index(name))
        broken = scores @ STEPS < 3.0
        assert broken[3] == (name != EXACT)
        assert broken[0] == ("instruction" in BROKEN_AXES[name])


def test_rating_labels_follow_the_raters(pool: Pool) -> None:
    labels = rating_labels(pool, panel=6, per_pair=3, seed=0)
    np.testing.assert_allclose(labels.scores.sum(-1), 1.0, atol=1e-5)
    expected = labels.scores @ STEPS
    for place in range(4):
        assert np.corrcoef(expected[:, place], pool.scores[:, place])[0, 1] > 0.6
    other = rating_labels(pool, panel=6, per_pair=3, seed=1)
    assert not np.array_equal(labels.scores, other.scores)


def test_draws_are_even_over_tasks_and_favour_rare_scores(pool: Pool) -> None:
    rows = np.arange(len(pool))
    weights = balance(pool, rows, pool.scores[:, 3])
    tasks = np.array([pool.tasks[row] for row in pool.case_rows])
    shares = {task: float(weights[tasks == task].sum()) for task in set(tasks)}
    np.testing.assert_allclose(list(shares.values()), 1.0 / len(shares), atol=1e-5)
    task = str(tasks[0])
    inside = tasks == task
    points = np.round(pool.scores[inside, 3])
    values, counts = np.unique(points, return_counts=True)
    common, rare = values[counts.argmax()], values[counts.argmin()]
    if counts.max() > counts.min():
        chosen = weights[inside]
        assert chosen[points == rare].mean() > chosen[points == common].mean()
