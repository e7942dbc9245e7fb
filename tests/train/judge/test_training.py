"""Training a judge of toy size: it learns, goes on bit for bit, and refuses a run that is not its own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from editloop.core.errors import AssetError, UnknownNameError, UsageError
from editloop.models.storybook.judge_network import Reading, build_judge_network
from editloop.models.storybook.judge_shape import judge_files
from editloop.models.storybook.judge_words import PAD, UNKNOWN, WordNumbers
from editloop.train.judge import batches as batch_module
from editloop.train.judge import recipes
from editloop.train.judge.batches import Batch, Batches, right_rows
from editloop.train.judge.labels import rating_labels
from editloop.train.judge.loop import Trainer, TrainingPlan, judge_loss, schedule
from editloop.train.judge.pool import Pool
from editloop.train.judge.recipes import RECIPES, TASKS, judge_shape, start_from, train_judge

PLAN = TrainingPlan(steps=6, batch=8, warm_up=2, learning_rate=3e-3, seed=5)
TOY = recipes.Recipe(
    teaches="ratings",
    plan=PLAN,
    stem=8,
    width=16,
    layers=1,
    sees_draft=False,
    reading_steps=2,
    panel=4,
)


def batches_of(pool: Pool, seed: int = 5) -> Batches:
    labels = rating_labels(pool, panel=4, per_pair=2, seed=0)
    return Batches(pool, labels, WordNumbers(judge_shape(TOY).words), TASKS, seed)


def trainer_in(folder: Path, pool: Pool, plan: TrainingPlan = PLAN) -> Trainer:
    network = build_judge_network(judge_shape(TOY), seed=1)
    return Trainer(network, batches_of(pool), plan, folder)


def test_a_batch_depends_on_seed_and_step_alone(pool: Pool) -> None:
    one, again = batches_of(pool).at(3, 8), batches_of(pool).at(3, 8)
    assert all(torch.equal(first, second) for first, second in zip(one, again, strict=True))
    assert not torch.equal(one.edited, batches_of(pool).at(4, 8).edited)


def test_the_halves_of_a_batch_are_two_edits_of_each_case(pool: Pool) -> None:
    batch = batches_of(pool).at(0, 64)
    assert torch.equal(batch.source[:32], batch.source[32:])
    assert torch.equal(batch.tasks[:32], batch.tasks[32:])
    differs = (batch.edited[:32] - batch.edited[32:]).abs().amax(dim=(1, 2, 3)) > 0
    assert differs.float().mean() > 0.8


def test_a_gap_between_two_edits_of_a_case_is_learnt(pool: Pool) -> None:
    """Both readings off by as much in one direction keep the gap; off in two directions they do not."""
    target = torch.zeros(2, 4, 9)
    target[..., 4] = 1.0
    empty, nothing = torch.zeros(2, 3, 32, 32), torch.zeros(2, dtype=torch.long)
    batch = Batch(empty, empty, empty, nothing[:, None], target, nothing, nothing, empty, empty)

    def loss_of(*steps: int) -> float:
        scores = torch.full((2, 4, 9), -3.0)
        for row, step in enumerate(steps):
            scores[row, :, step] = 3.0
        reading = Reading(scores, torch.zeros(2, 2), torch.zeros(2, 2), empty)
        return float(judge_loss(reading, batch, PLAN))

    assert loss_of(2, 2) < loss_of(2, 6)


def test_drafts_lie_beside_their_cases(pool: Pool) -> None:
    labels = rating_labels(pool, panel=4, per_pair=2, seed=0)
    words = WordNumbers(judge_shape(TOY).words)
    batch = Batches(pool, labels, words, TASKS, 5, drafts=pool.sources).at(0, 16)
    assert torch.equal(batch.draft, batch.source)
    assert not batches_of(pool).at(0, 16).draft.any()


def test_what_is_missing_leads_to_the_right_picture(pool: Pool) -> None:
    batch = batches_of(pool).at(0, 64)
    right = batch.edited + batch.repair
    exact = pool.edits[right_rows(pool)]
    pixels = torch.from_numpy(exact).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    for picture in right:
        assert (pixels - picture).abs().amax(dim=(1, 2, 3)).min() < 1e-5


def test_only_pairs_with_a_reference_show_one(pool: Pool) -> None:
    batch = batches_of(pool).at(0, 64)
    shown = batch.reference.abs().amax(dim=(1, 2, 3)) > 0
    visual = batch.tasks == TASKS.index("visual")
    assert torch.equal(shown, visual)
    assert visual.any() == ("visual" in pool.tasks)


def test_chatter_joins_the_words_and_never_replaces_them(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_module, "FORGET_SHARE", 0.0)
    monkeypatch.setattr(batch_module, "CHATTER_SHARE", 0.0)
    plain = [row[row != PAD].tolist() for row in batches_of(pool).at(0, 40).words]
    monkeypatch.setattr(batch_module, "CHATTER_SHARE", 1.0)
    chatty = batches_of(pool)
    for case, row in enumerate(chatty._rows):
        disturbed = chatty._disturbed(case, np.random.default_rng(case))
        assert len(disturbed) > len(row)
        assert row == disturbed[: len(row)] or row == disturbed[-len(row) :]
    assert any(UNKNOWN not in row for row in plain)


def test_the_schedule_warms_up_and_cools_down() -> None:
    plan = TrainingPlan(steps=100, warm_up=10)
    assert schedule(0, plan) == pytest.approx(0.1)
    assert schedule(10, plan) == pytest.approx(1.0)
    assert schedule(55, plan) == pytest.approx(0.51)
    assert schedule(100, plan) == pytest.approx(0.02)


def test_the_loss_prefers_a_near_miss_to_a_far_one() -> None:
    target = torch.zeros(1, 4, 9)
    target[..., 8] = 1.0

    def loss_of(step: int) -> float:
        scores = torch.full((1, 4, 9), -3.0)
        scores[..., step] = 3.0
        empty = torch.zeros(1, 3, 32, 32)
        nothing = torch.zeros(1, dtype=torch.long)
        batch = Batch(empty, empty, empty, nothing[None], target, nothing, nothing, empty, empty)
        reading = Reading(scores, torch.zeros(1, 2), torch.zeros(1, 2), empty)
        return float(judge_loss(reading, batch, PLAN))

    assert loss_of(8) < loss_of(7) < loss_of(4) < loss_of(0)


def test_training_lowers_the_loss(pool: Pool, tmp_path: Path) -> None:
    plan = replace(PLAN, steps=40, batch=32)
    trainer = trainer_in(tmp_path, pool, plan)
    batch = trainer.batches.at(1000, 64)

    def loss() -> float:
        reading = trainer.network(batch.source, batch.edited, batch.reference, batch.words)
        return float(judge_loss(reading, batch, plan).detach())

    before = loss()
    trainer.run()
    assert loss() < 0.85 * before


def test_a_cut_off_run_goes_on_bit_for_bit(pool: Pool, tmp_path: Path) -> None:
    whole = trainer_in(tmp_path / "whole", pool)
    whole.run()
    trainer_in(tmp_path / "cut", pool).run(until=3)
    rest = trainer_in(tmp_path / "cut", pool)
    assert rest.step == 3
    rest.run()
    for name, value in whole.result().state_dict().items():
        assert torch.equal(value, rest.averaged[name]), name


def test_a_state_of_another_plan_is_refused(pool: Pool, tmp_path: Path) -> None:
    trainer_in(tmp_path, pool).run(until=1)
    with pytest.raises(UsageError, match="another plan"):
        trainer_in(tmp_path, pool, replace(PLAN, steps=7))


def test_the_kept_weights_are_a_running_mean(pool: Pool, tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path, pool)
    start = trainer.network.score_head.bias.detach().clone()
    trainer.run(until=1)
    moved = trainer.network.score_head.bias.detach()
    decay = 1 / 10
    expected = decay * start + (1 - decay) * moved
    torch.testing.assert_close(trainer.averaged["score_head.bias"], expected)
    assert math.isclose(PLAN.average, 0.997)


def test_a_judge_is_trained_written_and_built_upon(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = replace(TOY, teaches="flaws")
    after = replace(TOY, starts_from="base", plan=replace(PLAN, seed=6))
    monkeypatch.setattr(recipes, "RECIPES", {"base": base, "after": after})
    with pytest.raises(AssetError, match="'base'"):
        train_judge("after", pool, tmp_path / "after", tmp_path)
    assert not train_judge("base", pool, tmp_path / "base", tmp_path, until=2)
    assert train_judge("base", pool, tmp_path / "base", tmp_path)
    assert train_judge("after", pool, tmp_path / "after", tmp_path)
    facts = judge_files("after", tmp_path).training
    assert facts["recipe"]["starts_from"] == "base"
    assert facts["pairs"] == len(pool)


def test_what_does_not_fit_stays_fresh() -> None:
    flaws = build_judge_network(judge_shape(replace(TOY, teaches="flaws")), seed=1)
    ratings = build_judge_network(judge_shape(TOY), seed=2)
    fresh = ratings.failure_head.weight.detach().clone()
    start_from(ratings, flaws)
    assert torch.equal(ratings.score_head.weight, flaws.score_head.weight)
    assert torch.equal(ratings.failure_head.weight, fresh)


def test_the_judges_differ_where_they_must() -> None:
    tiny, held_out = RECIPES["tiny-judge"], RECIPES["held-out-judge"]
    assert tiny.plan.seed != held_out.plan.seed
    assert (tiny.width, tiny.layers) != (held_out.width, held_out.layers)
    assert held_out.starts_from is None
    assert RECIPES["base-scorer"].teaches == "flaws"


def test_an_unknown_judge_is_refused(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'tiny-judge'"):
        train_judge("tiny-jugde", pool, tmp_path, tmp_path)
