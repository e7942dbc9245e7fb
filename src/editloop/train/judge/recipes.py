"""The packaged storybook judges: who trains on what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from editloop.core.errors import UnknownNameError
from editloop.core.registry import did_you_mean
from editloop.models.storybook.judge_network import build_judge_network
from editloop.models.storybook.judge_reader import save_judge_weights
from editloop.models.storybook.judge_shape import JudgeShape
from editloop.models.storybook.judge_words import WordNumbers
from editloop.records.taxonomy import DIALOGUE_TYPES
from editloop.train.judge.batches import Batches
from editloop.train.judge.labels import Labels, flaw_labels, rating_labels
from editloop.train.judge.loop import Trainer, TrainingPlan
from editloop.train.judge.pool import Pool
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
    stem: int = 48
    width: int = 96
    layers: int = 3
    panel: int = 30
    """People who rate, when people do."""
    per_pair: int = 2
    """Ratings a pair."""


RECIPES: Final[dict[str, Recipe]] = {
    "base-scorer": Recipe(teaches="flaws", plan=TrainingPlan(steps=1600, seed=11)),
    "tiny-judge": Recipe(teaches="ratings", plan=TrainingPlan(steps=2400, seed=21)),
    "held-out-judge": Recipe(
        teaches="ratings", plan=TrainingPlan(steps=2000, seed=37), stem=40, width=80, layers=4
    ),
}
"""`base-scorer` never sees a rating; `tiny-judge` and `held-out-judge` differ in start, sizes, order of data and raters."""


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
    """
    if name not in RECIPES:
        names = sorted(RECIPES)
        raise UnknownNameError(
            f"no storybook judge is called {name!r}{did_you_mean(name, names)} known: {', '.join(names)}"
        )
    recipe = RECIPES[name]
    shape = judge_shape(recipe)
    words = WordNumbers(shape.words)
    batches = Batches(pool, labels_for(recipe, pool), words, shape.tasks, recipe.plan.seed)
    network = build_judge_network(shape, seed=recipe.plan.seed)
    trainer = Trainer(network, batches, recipe.plan, work)
    trainer.run(until)
    if trainer.step < recipe.plan.steps:
        return False
    facts: dict[str, Any] = {"recipe": asdict(recipe), "pairs": len(pool)}
    save_judge_weights(trainer.result(), weights, name, facts)
    return True


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
    )


def labels_for(recipe: Recipe, pool: Pool) -> Labels:
    """What the recipe's judge learns from."""
    if recipe.teaches == "flaws":
        return flaw_labels(pool)
    return rating_labels(pool, panel=recipe.panel, per_pair=recipe.per_pair, seed=recipe.plan.seed)
