"""Chooses a prompt version task by task from 50 to 100 labels, and says on held-out edits what it is worth (HP-Scorer, arXiv 2604.19406).

HP-Scorer refines the prompt of a pretrained model by hand, task by task, until its scores agree with people. Here the versions are
given (rubrics, or any judges), and the choice is made by rule, so that it can be repeated: a version replaces the base one for a task where its
agreement on the labels is higher and a paired bootstrap over photographs says that this is no accident.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import UsageError
from editloop.core.seeds import generator
from editloop.core.stats import Interval
from editloop.judges.people.figures import cluster_weights, weighted_pearson

LEAST_SCORED = 0.8
"""A version that scores a smaller share of the labels is not chosen."""
SURE_ENOUGH = 0.8
"""Share of bootstrap draws in which a version must beat the base version."""
_LEAST = 8


@dataclass(frozen=True, slots=True)
class LabelledEdit:
    """One edit with people's mean and the score that each version gave it; a version that could not score it is absent."""

    uid: str
    image: str
    task: str
    people: float
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """The choice for one task.

    `on_labels` is the Pearson of every version with people on the labels it was chosen by. `base_held_out` and `chosen_held_out` are those
    on edits of other photographs; NaN where there are too few.
    """

    task: str
    chosen: str
    labels: int
    on_labels: Mapping[str, float]
    held_out: int
    base_held_out: float
    chosen_held_out: float


@dataclass(frozen=True, slots=True)
class PromptSearch:
    """All choices, and the gain over the base version on all held-out edits with its 95 % interval over photographs."""

    base: str
    tasks: tuple[TaskChoice, ...]
    held_out: int
    base_pearson: float
    chosen_pearson: float
    gain: Interval

    @property
    def versions(self) -> dict[str, str]:
        """Task -> version."""
        return {one.task: one.chosen for one in self.tasks}


def search_prompts(
    edits: Sequence[LabelledEdit],
    base: str,
    *,
    labels: int = 100,
    resamples: int = 1000,
    seed: int = 0,
) -> PromptSearch:
    """Choose on half of the photographs, at most `labels` edits a task; report on the other half.

    Args:
        edits: Labelled edits, each scored by several versions.
        base: The version that stays where none is surely better.
        labels: Most labels a task that the choice may look at.
        resamples: Bootstrap draws.
        seed: Of the split and the draws.

    Raises:
        UsageError: too few edits were scored by the base version.
    """
    known = [edit for edit in edits if base in edit.scores]
    if len(known) < 2 * _LEAST or len({edit.image for edit in known}) < 4:
        raise UsageError(
            f"{len(known)} edits scored by {base!r} are too few to choose and to check: give {2 * _LEAST} of four photographs or more"
        )
    asked, held_out = _halves(edits, seed)
    choices = []
    for task in sorted({edit.task for edit in edits}):
        own = _at_most([edit for edit in asked if edit.task == task], labels, seed)
        on_labels = _agreements(own)
        chosen = _choose(own, on_labels, base, resamples, seed)
        rest = [edit for edit in held_out if edit.task == task]
        choices.append(
            TaskChoice(
                task,
                chosen,
                len(own),
                on_labels,
                len(rest),
                _pearson(rest, base),
                _pearson(rest, chosen),
            )
        )
    versions = {one.task: one.chosen for one in choices}
    return _checked(base, tuple(choices), held_out, versions, resamples, seed)


def _halves(
    edits: Sequence[LabelledEdit], seed: int
) -> tuple[list[LabelledEdit], list[LabelledEdit]]:
    names = sorted({edit.image for edit in edits})
    order = generator(seed, "prompt-search").permutation(len(names))
    first = {names[place] for place in order[: (len(names) + 1) // 2]}
    return [e for e in edits if e.image in first], [e for e in edits if e.image not in first]


def _at_most(edits: list[LabelledEdit], count: int, seed: int) -> list[LabelledEdit]:
    order = generator(seed, "labels").permutation(len(edits))[:count]
    return [edits[place] for place in sorted(order.tolist())]


def _agreements(edits: Sequence[LabelledEdit]) -> dict[str, float]:
    versions = sorted({version for edit in edits for version in edit.scores})
    return {version: _pearson(edits, version) for version in versions}


def _pearson(edits: Sequence[LabelledEdit], version: str) -> float:
    pairs = [(edit.scores[version], edit.people) for edit in edits if version in edit.scores]
    if len(pairs) < _LEAST:
        return math.nan
    x, y = (np.array(side) for side in zip(*pairs, strict=True))
    return float(weighted_pearson(x, y, np.ones((1, len(x))))[0])


def _choose(
    edits: Sequence[LabelledEdit],
    on_labels: Mapping[str, float],
    base: str,
    resamples: int,
    seed: int,
) -> str:
    """The version of highest agreement, if it surely beats the base version."""
    able = {
        version: value
        for version, value in on_labels.items()
        if not math.isnan(value)
        and sum(version in edit.scores for edit in edits) >= LEAST_SCORED * len(edits)
    }
    best = max(able, key=lambda version: able[version], default=base)
    if best == base or base not in able:
        return base
    both = [edit for edit in edits if base in edit.scores and best in edit.scores]
    gains = _gains(both, [edit.scores[best] for edit in both], base, resamples, seed)
    return best if float(np.mean(gains[1:] > 0)) >= SURE_ENOUGH else base


def _gains(
    edits: Sequence[LabelledEdit],
    chosen: Sequence[float],
    base: str,
    resamples: int,
    seed: int,
) -> NDArray[np.float64]:
    """Pearson of `chosen` minus that of the base version: on the edits, then on every draw of photographs."""
    weights = cluster_weights([edit.image for edit in edits], resamples, seed)
    people = np.array([edit.people for edit in edits])
    own = np.array([edit.scores[base] for edit in edits])
    gains = weighted_pearson(np.asarray(chosen), people, weights) - weighted_pearson(
        own, people, weights
    )
    return np.nan_to_num(gains)


def _checked(
    base: str,
    choices: tuple[TaskChoice, ...],
    held_out: Sequence[LabelledEdit],
    versions: Mapping[str, str],
    resamples: int,
    seed: int,
) -> PromptSearch:
    both = [e for e in held_out if base in e.scores and versions[e.task] in e.scores]
    if len(both) < _LEAST:
        nothing = Interval(math.nan, math.nan, math.nan)
        return PromptSearch(base, choices, len(both), math.nan, math.nan, nothing)
    chosen = [edit.scores[versions[edit.task]] for edit in both]
    gains = _gains(both, chosen, base, resamples, seed)
    low, high = np.quantile(gains[1:], [0.025, 0.975])
    base_pearson = _pearson(both, base)
    return PromptSearch(
        base,
        choices,
        len(both),
        base_pearson,
        base_pearson + float(gains[0]),
        Interval(float(gains[0]), float(low), float(high)),
    )
