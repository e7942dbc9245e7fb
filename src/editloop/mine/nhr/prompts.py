"""Scene prompts with consistent edits from the storybook world: what a language model is asked for in the paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from editloop.core.ids import content_id
from editloop.core.seeds import derive_seed
from editloop.mine.nhr.records import PlannedEdit, ScenePrompt
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case
from editloop.world.sampling import case_to_json, describe, sample_scene
from editloop.world.turns import edit_of

EDIT_TYPES: Final = (
    EditType.REMOVE,
    EditType.ADD,
    EditType.REPLACE,
    EditType.ADJUST,
    EditType.BACKGROUND,
    EditType.TONE,
    EditType.STYLE,
    EditType.COMPOSE,
)
"""NHR-Edit's operations that the world can draw; removals come first, as in the paper."""
ATTEMPTS: Final = 8


def storybook_prompts(seed: int, count: int, edits: int) -> Iterator[ScenePrompt]:
    """Scene prompts of the training combinations, each with up to `edits` edits of different kinds.

    Args:
        seed: Of the scenes and words.
        count: Prompts.
        edits: Edits a prompt.
    """
    for number in range(count):
        rng = np.random.default_rng(derive_seed(seed, "nhr-prompt", number))
        scene = sample_scene(rng)
        prompt = describe(scene, rng)
        kinds = [EDIT_TYPES[0], *rng.permutation(np.array(EDIT_TYPES[1:], object))]
        cases: list[Case] = []
        for kind in kinds:
            if len(cases) == edits:
                break
            drawn = (edit_of(rng, scene, EditType(kind)) for _ in range(ATTEMPTS))
            found = next((case for case in drawn if case is not None), None)
            if found is not None and not found.ambiguous:
                cases.append(found)
        if cases:
            identity = content_id("nhr-prompt", seed, number, prompt)
            yield ScenePrompt(id=identity, prompt=prompt, edits=tuple(map(_planned, cases)))


def _planned(case: Case) -> PlannedEdit:
    return PlannedEdit(
        key=case.id,
        instruction=case.instruction,
        edit_type=case.edit_type,
        truth=case_to_json(case),
    )
