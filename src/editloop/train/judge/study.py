"""Studies with simulated people: pairs of a pool, described by a judge and scored by a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from editloop.judges.base import JudgeRequest
from editloop.judges.calibrate.described import DescribingJudge
from editloop.judges.calibrate.learning_curve import LabelledSet
from editloop.judges.calibrate.rater_bias import remove_rater_bias
from editloop.models.storybook.judge_shape import ANSWERS
from editloop.models.storybook.shipped import TINY_EDITOR
from editloop.records.rating import Rating
from editloop.train.judge.editor_edits import editor_pool
from editloop.train.judge.pool import Pool, join_pools, open_pool
from editloop.world.cases import Split
from editloop.world.raters import rate_many, rater_panel

LABELS_A_TASK = 100
"""As many as HP-Scorer's calibration has at most (arXiv 2604.19406: 50 to 100)."""
LABEL_SEED, TEST_SEED = 202, 303
LABEL_CASES, TEST_CASES = 450, 270
"""Once with planted flaws and once more with edits of the packaged editor, as people rate what editors make."""


@dataclass(frozen=True, slots=True)
class Study:
    """Some pairs of a pool with what people said about them."""

    pool: Pool
    rows: tuple[int, ...]
    names: tuple[str, ...]
    """Of the pairs, as the ratings call them."""
    ratings: tuple[Rating, ...]

    def requests(self) -> list[JudgeRequest]:
        """The pairs as a judge sees them."""
        return [request_of(self.pool, row) for row in self.rows]

    def people(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Mean answers without the raters' leanings, (pairs, answers)."""
        columns = []
        for answer in ANSWERS:
            cleared = remove_rater_bias(self.ratings, answer, passes=3).item_scores
            columns.append([cleared[name] for name in self.names])
        return np.array(columns, np.float64).T

    def labelled(self, judge: DescribingJudge) -> LabelledSet:
        """The study as a judge describes it."""
        cases = self.pool.case_rows[np.array(self.rows)]
        clusters = tuple(self.pool.case_ids[case] for case in cases)
        return LabelledSet(judge.describe(self.requests()), self.people(), ANSWERS, clusters)


def label_study(folder: Path) -> Study:
    """The few labels: up to `LABELS_A_TASK` pairs a task of training combinations, two people each."""
    pool = _mixed_pool(folder, LABEL_SEED, LABEL_CASES, "train")
    rows = task_rows(pool, LABELS_A_TASK, LABEL_SEED)
    return hold_study(pool, rows, panel=8, per_pair=2, seed=LABEL_SEED)


def held_out_study(folder: Path) -> Study:
    """Held-out combinations before held-out people: three pairs a case, four people each."""
    pool = _mixed_pool(folder, TEST_SEED, TEST_CASES, "held_out")
    rows = varied_rows(pool, 3, TEST_SEED)
    return hold_study(pool, rows, panel=12, per_pair=4, seed=TEST_SEED)


def _mixed_pool(folder: Path, seed: int, count: int, split: Split) -> Pool:
    planted = open_pool(folder, seed, count, split, even=True)
    return join_pools(
        [planted, editor_pool(TINY_EDITOR, folder, seed + 1, count, split, even=True)]
    )


def request_of(pool: Pool, row: int) -> JudgeRequest:
    """One pair of a pool as a judge sees it."""
    case = int(pool.case_rows[row])
    return JudgeRequest(
        source=pool.sources[case],
        instruction=pool.instructions[case],
        edited=pool.edits[row],
        references=(pool.references[case],) if pool.has_reference[case] else (),
        context=tuple(pool.contexts[case]),
    )


def hold_study(pool: Pool, rows: Sequence[int], *, panel: int, per_pair: int, seed: int) -> Study:
    """Let `per_pair` people of a panel rate each of some pairs."""
    names, scores = pool.pair_names(), pool.oracle_scores()
    asked = {names[row]: scores[row] for row in rows}
    ratings = rate_many(rater_panel(panel, seed), asked, seed, raters_per_item=per_pair)
    return Study(pool, tuple(rows), tuple(asked), tuple(ratings))


def varied_rows(pool: Pool, per_case: int, seed: int) -> list[int]:
    """`per_case` random pairs of every case, in the order of the pool."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pool))
    taken: dict[int, list[int]] = {}
    for row in order.tolist():
        taken.setdefault(int(pool.case_rows[row]), []).append(row)
    return sorted(row for rows in taken.values() for row in islice(rows, per_case))


def task_rows(pool: Pool, per_task: int, seed: int) -> list[int]:
    """At most `per_task` random pairs of every task, at most two a case."""
    taken: dict[str, int] = {}
    chosen = []
    for row in varied_rows(pool, 2, seed):
        task = pool.tasks[pool.case_rows[row]]
        if taken.get(task, 0) < per_task:
            taken[task] = taken.get(task, 0) + 1
            chosen.append(row)
    return chosen
