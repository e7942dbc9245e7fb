"""Draws scenes and cases at random, and turns them into JSON and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from pydantic import TypeAdapter

from editloop.core.errors import StageError, UsageError
from editloop.core.seeds import generator
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Split
from editloop.world.choices import WEARS, chance, pick, pick_weighted
from editloop.world.dialogues import sample_dialogue, telling_turns
from editloop.world.scenery import MAX_DRAWS, describe, random_scene, sample_scene
from editloop.world.scenes import Scene
from editloop.world.splits import belongs, combinations
from editloop.world.turns import edit_of, make_case

__all__ = [
    "DEFAULT_WEIGHTS",
    "EDIT_TYPES",
    "case_from_json",
    "case_to_json",
    "cases",
    "describe",
    "edit_of",
    "make_case",
    "random_scene",
    "sample_case",
    "sample_dialogue",
    "sample_scene",
    "scene_from_json",
    "scene_to_json",
]

DEFAULT_WEIGHTS: dict[EditType, float] = {
    EditType.ADD: 0.13,
    EditType.REMOVE: 0.13,
    EditType.REPLACE: 0.12,
    EditType.ADJUST: 0.14,
    EditType.ACTION: 0.08,
    EditType.BACKGROUND: 0.05,
    EditType.EXTRACT: 0.03,
    EditType.STYLE: 0.04,
    EditType.TONE: 0.04,
    EditType.RELIGHT: 0.03,
    EditType.BOKEH: 0.02,
    EditType.RESTORE: 0.03,
    EditType.VISUAL: 0.04,
    EditType.COMPOSE: 0.04,
    EditType.CONTENT_MEMORY: 0.03,
    EditType.CONTENT_UNDERSTANDING: 0.03,
    EditType.VERSION_BACKTRACKING: 0.02,
}
"""How often each type is drawn when none is asked for."""
EDIT_TYPES: tuple[EditType, ...] = tuple(DEFAULT_WEIGHTS)
"""Every type of this world; people and writing do not exist in it."""


def sample_case(
    rng: np.random.Generator, edit_type: EditType | None = None, split: Split = "train"
) -> Case:
    """A case of the given type, or of a type drawn by `DEFAULT_WEIGHTS`.

    Raises:
        UsageError: for a type that this world does not have (people, writing).
    """
    chosen = edit_type or pick_weighted(rng, DEFAULT_WEIGHTS)
    if chosen not in DEFAULT_WEIGHTS:
        raise UsageError(
            f"the storybook world has no {chosen} edits; it has {', '.join(EDIT_TYPES)}"
        )
    for _ in range(MAX_DRAWS):
        if chosen.is_dialogue:
            case = _telling_turn(rng, chosen, split)
        else:
            case = edit_of(rng, _source(rng, chosen), chosen, split)
        if case:
            return case
    raise StageError(f"no {split} case of type {chosen} in {MAX_DRAWS} draws")


def _telling_turn(rng: np.random.Generator, kind: EditType, split: Split) -> Case | None:
    turns = telling_turns(sample_dialogue(rng, kind, split))
    fitting = [turn for turn in turns if belongs(combinations(turn.source, turn.changes), split)]
    return pick(rng, fitting) if fitting else None


def _source(rng: np.random.Generator, edit_type: EditType) -> Scene:
    scene = random_scene(rng)
    if edit_type is EditType.RESTORE and scene.wear is None and chance(rng, 0.65):
        return replace(scene, wear=pick(rng, WEARS))
    return scene


def cases(
    seed: int,
    count: int,
    split: Split = "train",
    edit_types: Sequence[EditType] | None = None,
    weights: Mapping[EditType, float] | None = None,
) -> Iterator[Case]:
    """`count` cases; case i depends on (seed, split, i) alone, so any one can be made again.

    `edit_types` deals the given types out in turn; otherwise types are drawn by `weights` (default: `DEFAULT_WEIGHTS`).
    """
    for index in range(count):
        rng = generator(seed, "storybook case", split, index)
        chosen = (
            edit_types[index % len(edit_types)]
            if edit_types
            else pick_weighted(rng, weights or DEFAULT_WEIGHTS)
        )
        yield sample_case(rng, chosen, split)


@cache
def _case_adapter() -> TypeAdapter[Case]:
    return TypeAdapter(Case)


@cache
def _scene_adapter() -> TypeAdapter[Scene]:
    return TypeAdapter(Scene)


def case_to_json(case: Case) -> str:
    """`case` as one line of JSON."""
    return _case_adapter().dump_json(case).decode()


def case_from_json(text: str | bytes) -> Case:
    """The case that `case_to_json` wrote.

    Raises:
        pydantic.ValidationError: when `text` is no such case.
    """
    return _case_adapter().validate_json(text)


def scene_to_json(scene: Scene) -> str:
    """`scene` as one line of JSON."""
    return _scene_adapter().dump_json(scene).decode()


def scene_from_json(text: str | bytes) -> Scene:
    """The scene that `scene_to_json` wrote.

    Raises:
        pydantic.ValidationError: when `text` is no such scene.
    """
    return _scene_adapter().validate_json(text)


def varied(drawn: Sequence[Case], count: int) -> list[int]:
    """Places of `count` of the drawn cases, the kinds of edit in turn."""
    turns: Counter[str] = Counter()
    order = []
    for place, case in enumerate(drawn):
        order.append((turns[case.report_type], place))
        turns[case.report_type] += 1
    return [place for _, place in sorted(order)[:count]]
