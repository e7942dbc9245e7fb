"""Cases of HP-Edit's eight tasks, with every object category as often as any other."""

from __future__ import annotations

from typing import Final

import numpy as np

from editloop.records.taxonomy import PAPER_NAMES, EditType
from editloop.world.cases import Case
from editloop.world.choices import KINDS
from editloop.world.sampling import sample_case
from editloop.world.scenes import Kind

TASKS: Final = tuple(PAPER_NAMES["hp_edit"])
"""The eight tasks as our edit types."""
DRAWS: Final = 12
"""Most draws a case, on average."""


def even_cases(rng: np.random.Generator, task: EditType, count: int) -> list[Case]:
    """`count` cases of one task, no category of objects more than once more often than any other.

    The paper sorts photographs by their similarity to the names of COCO's categories; the storybook world knows them.
    Where `DRAWS` times `count` draws do not fill every category, the surplus of others fills up.
    """
    order = [KINDS[place] for place in rng.permutation(len(KINDS))]
    room = {kind: (count + place) // len(KINDS) for place, kind in enumerate(order)}
    found: list[Case] = []
    surplus: list[Case] = []
    for _ in range(DRAWS * count):
        if len(found) == count:
            break
        case = sample_case(rng, task)
        category = category_of(case)
        room[category] -= 1
        (found if room[category] >= 0 else surplus).append(case)
    return [*found, *surplus[: count - len(found)]]


def category_of(case: Case) -> Kind:
    """The kind of object that the edit is about: the one spoken of, the new one, or the first of the picture."""
    change = case.changes[0]
    if change.object_index is not None:
        return case.source.objects[change.object_index].kind
    return (change.new_object or case.source.objects[0]).kind
