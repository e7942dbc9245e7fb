"""The packaged storybook judges: who trains on what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor

from editloop.core.errors import UnknownNameError
from editloop.core.registry import did_you_mean
from editloop.models.storybook.judge_draft import draft_version
from editloop.models.storybook.judge_network import JudgeNetwork, build_judge_network
from editloop.models.storybook.judge_reader import load_judge_network, save_judge_weights
from editloop.models.storybook.judge_shape import JudgeShape, judge_files, shape_from_json
from editloop.models.storybook.judge_words import PAD, WordNumbers
from editloop.models.storybook.text import TURN
from editloop.records.taxonomy import DIALOGUE_TYPES
from editloop.train.judge.batches import Batches
from editloop.train.judge.drafts import pool_drafts
from editloop.train.judge.labels import Labels, flaw_labels, rating_labels
from editloop.train.judge.loop import STATE_NAME, Trainer, TrainingPlan
from editloop.train.judge.pool import Pool
from editloop.train.storybook.reading import teach_reading
from editloop.world.corruptors import FLAWS
from editloop.world.grammar import vocabulary
from editloop.world.oracle import FAILURES
from editloop.world.sampling import EDIT_TYPES

TASKS: Final = tuple(sorted({*map(str, EDIT_TYPES), *map(str, DIALOGUE_TYPES)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one judge comes about."""

    teaches: Literal["flaws", "ratings"]
    plan: TrainingPlan
    starts_from: str | None = None
    """A judge of the same sizes whose finished weights are the start."""
    stem: int = 32
    width: int = 64
    layers: int = 3
    sees_draft: bool = True
    """Whether the packaged editor's one-step edit lies beside the pictures."""
    reading_steps: int = 600
    """Updates of the text encoder before the first picture."""
    panel: int = 30
    """People who rate, when people do."""
    per_pair: int = 2
    """Ratings a pair."""


RECIPES: Final[dict[str, Recipe]] = {
    "base-scorer": Recipe(teaches="flaws", plan=TrainingPlan(steps=900, seed=11)),
    "tiny-judge": Recipe(
        teaches="ratings",
        plan=TrainingPlan(steps=1600, learning_rate=1e-3, seed=21),
        starts_from="base-scorer",
    ),
    "held-out-judge": Recipe(
        teaches="ratings", plan=TrainingPlan(steps=1600, seed=37), stem=32, width=56, layers=4
    ),
}
"""`base-scorer` never sees a rating; `tiny-judge` is that network fine-tuned on ratings, as ImgEdit-Judge is a fine-tuned
general model; `held-out-judge` starts afresh with other sizes, other raters and another order of the data."""


def train_judge(name: str, pool: Pool, work: Path, weights: Path, until: int | None = None) -> bool:
    """Train the judge called `name`, going on from where `work` says it stopped, and write its weights when done.

    Args:
        name: One of `RECIPES`.
        pool: Training pairs.
        work: Folder of the run's state.
        weights: Folder that the finished weights are written to.
        until: Step to stop at; None for the end.

    Returns:
        Whether the training is finished.

    Raises:
        UnknownNameError: when there is no such recipe.
        AssetError: when the judge that it starts from is not trained yet.
    """
    if name not in RECIPES:
        names = sorted(RECIPES)
        raise UnknownNameError(
            f"no storybook judge is called {name!r}{did_you_mean(name, names)} known: {', '.join(names)}"
        )
    recipe = RECIPES[name]
    start = judge_files(recipe.starts_from, weights) if recipe.starts_from else None
    shape = judge_shape(recipe)
    if start:
        shape = replace(shape, words=start.shape.words, tasks=start.shape.tasks)
    shape = _kept_shape(work, shape)
    words = WordNumbers(shape.words)
    drafts = pool_drafts(pool, work.parent) if shape.draft_by else None
    labels = labels_for(recipe, pool)
    batches = Batches(pool, labels, words, shape.tasks, recipe.plan.seed, drafts)
    network = build_judge_network(shape, seed=recipe.plan.seed)
    if start:
        start_from(network, load_judge_network(start))
    elif not (work / STATE_NAME).exists():
        read_first(network, words, recipe.plan.seed, recipe.reading_steps)
    trainer = Trainer(network, batches, recipe.plan, work)
    trainer.run(until)
    if trainer.step < recipe.plan.steps:
        return False
    facts: dict[str, Any] = {"recipe": asdict(recipe), "pairs": len(pool)}
    save_judge_weights(trainer.result(), weights, name, facts)
    return True


def _kept_shape(work: Path, shape: JudgeShape) -> JudgeShape:
    """The shape that the run in `work` began with: a word that the world learns meanwhile stays unknown to it."""
    kept = work / "shape.json"
    if not kept.exists():
        work.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(asdict(shape)), encoding="utf-8")
    return shape_from_json(json.loads(kept.read_text(encoding="utf-8")))


def read_first(network: JudgeNetwork, words: WordNumbers, seed: int, steps: int) -> None:
    """Teach the network's text encoder to read, from words alone: a judge of people's words begins with a language model, too."""

    def encode(texts: list[str]) -> tuple[Tensor, Tensor, Tensor]:
        turns = [text.split(f" {TURN} ") for text in texts]
        numbers = words.batch([said[-1] for said in turns], [said[:-1] for said in turns])
        ids = torch.from_numpy(numbers)
        mask = (ids != PAD).float()
        states = network.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return states, mask, mean

    teach_reading(
        encode,
        network.text_encoder,
        width=network.shape.text_width,
        steps=steps,
        batch_size=128,
        learning_rate=2e-3,
        seed=seed,
    )


def start_from(network: JudgeNetwork, trained: JudgeNetwork) -> None:
    """Copy everything of `trained` that fits; a head over other classes stays fresh."""
    fresh = network.state_dict()
    kept = trained.state_dict()
    network.load_state_dict(
        {k: kept[k] if k in kept and kept[k].shape == v.shape else v for k, v in fresh.items()}
    )


def judge_shape(recipe: Recipe) -> JudgeShape:
    """Sizes of the recipe with the world's vocabularies."""
    failures = FLAWS if recipe.teaches == "flaws" else FAILURES
    return JudgeShape(
        words=vocabulary(),
        failures=failures,
        tasks=TASKS,
        stem=recipe.stem,
        width=recipe.width,
        layers=recipe.layers,
        draft_by=draft_version() if recipe.sees_draft else "",
    )


def labels_for(recipe: Recipe, pool: Pool) -> Labels:
    """What the recipe's judge learns from."""
    if recipe.teaches == "flaws":
        return flaw_labels(pool)
    return rating_labels(pool, panel=recipe.panel, per_pair=recipe.per_pair, seed=recipe.plan.seed)
