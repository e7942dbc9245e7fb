"""What a judge learns from: synthetic flaws that nobody rated, or the ratings of simulated people.

The first stands for a pretrained model with a generic prompt (HP-Edit's Base-Scorer, arXiv 2604.19406): it knows from broken
pictures what may go wrong, every flaw counts the same whatever was asked, and nobody has told it how much people mind. The second
is ImgEdit-Judge's way (arXiv 2505.20275): many ratings, balanced over task and score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.judges.calibrate.rater_bias import remove_rater_bias
from editloop.models.storybook.judge_shape import ANSWERS, SCORE_STEPS
from editloop.train.judge.pool import Pool
from editloop.train.judge.variants import EXACT
from editloop.world.corruptors import FLAWS
from editloop.world.oracle import FAILURES
from editloop.world.raters import Rater, rate_many, rater_panel

BROKEN_AXES: Final[dict[str, tuple[str, ...]]] = {
    EXACT: (),
    "no_op": ("instruction",),
    "wrong_object": ("instruction", "preservation"),
    "wrong_attribute": ("instruction",),
    "over_edit": ("preservation",),
    "identity_drift": ("preservation",),
    "colour_shift": ("preservation",),
    "artefacts": ("quality",),
    "blur": ("quality",),
}
"""Which answers a synthetic flaw spoils; overall always is, unless the picture is perfect."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Targets of some pairs of a pool."""

    rows: NDArray[np.int64]
    """Rows of the pool that are labelled, (n,)."""
    scores: NDArray[np.float32]
    """Distributions over `SCORE_STEPS`, (n, answers, steps)."""
    failures: NDArray[np.int64]
    """Class of the failure head, (n,): 0 for none, else 1 + its place in the codes."""
    weights: NDArray[np.float32]
    """How often to draw a pair, (n,); they sum to 1."""


def flaw_labels(pool: Pool) -> Labels:
    """Labels from how a picture was broken: 5 where the flaw does not reach, 1 where it does.

    Pairs of other making (part way, soft, drawn by an editor) are left out, as nobody could say how good they are.
    """
    rows = [row for row, name in enumerate(pool.variants) if name in BROKEN_AXES]
    points = np.array([_flaw_points(pool.variants[row]) for row in rows], np.float32)
    classes = ["", *FLAWS]
    names = ["" if pool.variants[row] == EXACT else pool.variants[row] for row in rows]
    index = np.array(rows, np.int64)
    return Labels(
        index,
        two_step(points),
        np.array([classes.index(name) for name in names], np.int64),
        balance(pool, index, points[:, -1]),
    )


def rating_labels(pool: Pool, *, panel: int, per_pair: int, seed: int) -> Labels:
    """Labels from `per_pair` people of a panel of `panel` for every pair, cleared of each person's own leaning.

    The bias is removed as in NHR (arXiv 2507.14119); what is left of disagreement stays as a distribution.
    """
    answers = unbiased_answers(pool, rater_panel(panel, seed), per_pair, seed)
    codes = {code: 1 + place for place, code in enumerate(FAILURES)}
    rows = np.arange(len(pool))
    means = answers.mean(axis=0)
    return Labels(
        rows,
        np.stack([two_step(one) for one in answers]).mean(axis=0),
        np.array([codes[code] if code else 0 for code in pool.failures], np.int64),
        balance(pool, rows, means[:, -1]),
    )


def unbiased_answers(
    pool: Pool, raters: Sequence[Rater], per_pair: int, seed: int
) -> NDArray[np.float32]:
    """What people say about every pair, less each one's bias: (per_pair, pairs, answers)."""
    names = pool.pair_names()
    scores = dict(zip(names, pool.oracle_scores(), strict=True))
    ratings = rate_many(raters, scores, seed, raters_per_item=per_pair)
    biases = {axis: remove_rater_bias(ratings, axis, passes=3).rater_biases for axis in ANSWERS}
    unbiased = [rating.score - biases[rating.axis][rating.rater] for rating in ratings]
    # rate_many lists, item by item and person by person, the answers in the order of ANSWERS.
    table = np.array(unbiased, np.float32).reshape(len(names), per_pair, len(ANSWERS))
    return np.ascontiguousarray(table.swapaxes(0, 1))


def two_step(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores (n, answers) as distributions over the two nearest steps, whose expectation they are: (n, answers, steps)."""
    steps = np.asarray(SCORE_STEPS, np.float32)
    gap = steps[1] - steps[0]
    apart = np.abs(np.clip(points, steps[0], steps[-1])[..., None] - steps) / gap
    return np.asarray(np.maximum(0.0, 1.0 - apart), np.float32)


def balance(
    pool: Pool, rows: NDArray[np.int64], overall: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Draw weights that even out tasks and, within a task, whole points of the overall score (by the root of the count)."""
    tasks = [pool.tasks[pool.case_rows[row]] for row in rows]
    cells = [f"{task} {round(float(score))}" for task, score in zip(tasks, overall, strict=True)]
    in_cell = _counts(cells)
    weights = 1.0 / np.sqrt(in_cell)
    _, which = np.unique(tasks, return_inverse=True)
    weights = weights / np.bincount(which, weights)[which]
    return np.asarray(weights / weights.sum(), np.float32)


def _flaw_points(name: str) -> list[float]:
    broken = BROKEN_AXES[name]
    axes = [1.0 if axis in broken else 5.0 for axis in ANSWERS[:-1]]
    return [*axes, 1.0 if broken else 5.0]


def _counts(names: Sequence[str]) -> NDArray[np.int64]:
    _, inverse, counts = np.unique(names, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse], np.int64)
