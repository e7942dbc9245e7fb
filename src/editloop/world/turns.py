"""Single-turn cases on a given scene."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from editloop.core.ids import content_id
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change, PhrasingStyle, Split
from editloop.world.changes import apply_changes
from editloop.world.choices import chance, pick_weighted
from editloop.world.grammar import instruct, instruct_by_name
from editloop.world.proposals import propose, reference_of
from editloop.world.scenes import Scene
from editloop.world.splits import Combination, belongs, combinations

STYLE_WEIGHTS: dict[PhrasingStyle, float] = {
    "plain": 0.4,
    "terse": 0.25,
    "detailed": 0.15,
    "casual": 0.2,
}
AMBIGUOUS_SHARE = 0.33
"""Of the edits to an object with a twin of its kind, the share that leaves open which is meant: some 3 % of all."""
_MAY_BE_AMBIGUOUS = frozenset({EditType.REMOVE, EditType.ADJUST, EditType.REPLACE})


def edit_of(
    rng: np.random.Generator, source: Scene, edit_type: EditType, split: Split = "train"
) -> Case | None:
    """One single-turn case of the given type on `source`, or None when this draw did not fit scene and split (draw again)."""
    changes = propose(rng, source, edit_type)
    if changes is None:
        return None
    meanings = [changes]
    if edit_type in _MAY_BE_AMBIGUOUS and chance(rng, AMBIGUOUS_SHARE):
        meanings += _other_meanings(source, changes[0])
    touched = frozenset[Combination]().union(
        *(combinations(source, meaning) for meaning in meanings)
    )
    if not belongs(touched, split):
        return None
    style = pick_weighted(rng, STYLE_WEIGHTS)
    if len(meanings) > 1:
        kind_name = f"the {source.objects[changes[0].object_index or 0].kind}"
        instruction = instruct_by_name(rng, source, changes[0], kind_name, style)
    else:
        instruction = instruct(rng, source, changes, style)
    shown = [change.new_object for change in changes if change.edit_type is EditType.VISUAL]
    return make_case(
        source=source,
        instruction=instruction,
        changes=changes,
        targets=tuple(apply_changes(source, meaning) for meaning in meanings),
        edit_type=edit_type,
        phrasing=style,
        references=tuple(reference_of(item) for item in shown if item),
        split=split,
    )


def _other_meanings(source: Scene, change: Change) -> list[tuple[Change, ...]]:
    """The same words about every other object of the same kind; none where that would change nothing or make two alike.

    None either where the words would mean another change there: "bigger" is another size from another size, and a new
    object whose colour goes unsaid keeps another colour.
    """
    spoken = source.objects[change.object_index or 0]
    twins = [i for i, o in enumerate(source.objects) if o.kind == spoken.kind and o is not spoken]
    same_words = change.attribute != "size" or all(
        source.objects[i].size == spoken.size for i in twins
    )
    new = change.new_object
    if not same_words or (new and new.colour == spoken.colour):
        return []
    found: list[tuple[Change, ...]] = []
    for index in twins:
        other = replace(change, object_index=index)
        if new:
            kept = replace(source.objects[index], kind=new.kind, colour=new.colour)
            other = replace(other, new_object=kept)
        result = apply_changes(source, (other,))
        names = {(o.kind, o.colour) for o in result.objects}
        if result == source or len(names) < len(result.objects):
            return []
        found.append((other,))
    return found


def make_case(**fields: Any) -> Case:
    """A `Case` whose id is a hash of everything else in it; takes the fields of `Case` but for `id`."""
    case = Case(id="", **fields)
    return replace(case, id=content_id("storybook case", repr(case)))
