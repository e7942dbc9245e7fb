"""Studies with simulated people, and the figures of the card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from editloop.judges.agreement import human_ceiling
from editloop.judges.storybook import StorybookJudge
from editloop.models.storybook.judge_network import build_judge_network
from editloop.models.storybook.judge_reader import save_judge_weights
from editloop.models.storybook.judge_shape import ANSWERS
from editloop.records.rating import Rating
from editloop.train.judge.card import beside_people, by_task, ceilings, judge_card
from editloop.train.judge.loop import TrainingPlan
from editloop.train.judge.pool import Pool
from editloop.train.judge.recipes import Recipe, judge_shape
from editloop.train.judge.study import Study, hold_study, request_of, task_rows, varied_rows


@pytest.fixture(scope="module")
def study(pool: Pool) -> Study:
    return hold_study(pool, varied_rows(pool, 3, 0), panel=6, per_pair=4, seed=0)


def truth(study: Study) -> np.ndarray:
    return study.pool.scores[list(study.rows)]


def test_each_case_gives_its_share_of_pairs(pool: Pool) -> None:
    rows = varied_rows(pool, 3, 0)
    assert len(set(rows)) == len(rows) == 3 * len(pool.case_ids)
    assert np.bincount(pool.case_rows[rows]).tolist() == [3] * len(pool.case_ids)


def test_tasks_are_capped(pool: Pool) -> None:
    rows = task_rows(pool, 2, 0)
    tasks = [pool.tasks[pool.case_rows[row]] for row in rows]
    assert max(tasks.count(task) for task in tasks) == 2
    assert set(tasks) == set(pool.tasks)


def test_a_judge_is_shown_pixels_and_words(pool: Pool) -> None:
    row = len(pool) - 1
    request = request_of(pool, row)
    case = pool.case_rows[row]
    assert request.instruction == pool.instructions[case]
    assert bool(request.references) == bool(pool.has_reference[case])
    np.testing.assert_array_equal(request.edited, pool.edits[row])


def test_people_follow_the_oracle_and_four_agree_better_than_one(study: Study) -> None:
    people = study.people()
    for place in range(len(ANSWERS)):
        assert np.corrcoef(people[:, place], truth(study)[:, place])[0, 1] > 0.7


def test_a_judge_that_knows_the_truth_reaches_the_ceiling(study: Study) -> None:
    card = judge_card(truth(study), study)
    limits = [ceiling.value for ceiling in ceilings(study).values()]
    assert np.mean([one.beside_one for one in card]) > np.mean(limits)
    for one in card:
        assert one.spearman.low <= one.spearman.value <= one.spearman.high
        assert one.within_one > 0.6


def test_a_judge_that_guesses_agrees_with_nobody(study: Study) -> None:
    guess = np.random.default_rng(0).uniform(1, 5, (len(study.rows), len(ANSWERS)))
    card = judge_card(guess, study)
    assert abs(np.mean([one.spearman.value for one in card])) < 0.25
    assert np.mean([one.spearman.low for one in card]) < 0.0


def test_a_person_in_the_judges_place_scores_the_ceiling() -> None:
    ratings = [
        Rating(f"item {item}", rater, "overall", float(score))
        for rater, scores in {
            "a": (1, 2, 3, 5, 4),
            "b": (1, 3, 2, 4, 5),
            "c": (2, 1, 3, 4, 5),
        }.items()
        for item, score in enumerate(scores)
    ]
    own = {rater: {r.item: r.score for r in ratings if r.rater == rater} for rater in "abc"}
    stand_ins = [beside_people(own[rater], ratings, "overall") for rater in "abc"]
    assert human_ceiling(ratings, "overall").value == pytest.approx(0.75, abs=0.2)
    assert all(figure > 0.6 for figure in stand_ins)


def test_figures_by_task_count_every_pair_once(study: Study) -> None:
    figures = by_task(truth(study), study)
    assert sum(count for _, count in figures.values()) == len(study.rows)


def test_a_study_is_described_by_a_judge(study: Study, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    recipe = Recipe(teaches="flaws", plan=TrainingPlan(), stem=8, width=16, layers=1)
    network = build_judge_network(judge_shape(recipe), seed=0)
    save_judge_weights(network, tmp_path, "toy", {})
    labelled = study.labelled(StorybookJudge("toy", tmp_path))
    assert len(labelled.described) == len(study.rows) == len(labelled.clusters)
    assert labelled.targets.shape == (len(study.rows), len(ANSWERS))
    assert set(ANSWERS) < set(labelled.described.names)
