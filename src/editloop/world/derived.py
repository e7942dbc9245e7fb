"""Cases made from other cases, as NHR-Edit enlarges what survived its filters (arXiv 2507.14119)."""

from __future__ import annotations

import numpy as np

from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change
from editloop.world.changes import changes_between, inverse_changes
from editloop.world.grammar import composed_instruction, inverse_instruction
from editloop.world.splits import belongs, combinations
from editloop.world.turns import make_case


def inverse_case(case: Case, rng: np.random.Generator) -> Case | None:
    """The way from the case's target to its source (semantic inversion).

    None where no few words say it, or where it would leave the split of `case`.
    """
    instruction = inverse_instruction(case, rng)
    if instruction is None:
        return None
    return _derived(case, case, instruction, inverse_changes(case.source, case.changes))


def composed_case(first: Case, second: Case, rng: np.random.Generator) -> Case | None:
    """The way from the first case's target to the second's, both edits of one source (bootstrap composition).

    None where no few words say it, where both lead to the same picture, or where it would leave the split of `first`.

    Raises:
        UsageError: when the sources differ.
    """
    instruction = composed_instruction(first, second, rng)
    changes = changes_between(first.source, first.changes, second.changes)
    if instruction is None or not changes:
        return None
    return _derived(first, second, instruction, changes)


def _derived(start: Case, end: Case, instruction: str, changes: tuple[Change, ...]) -> Case | None:
    """A case from the target of `start` to the source of `end` where both are one, else to its target."""
    if not belongs(combinations(start.target, changes), start.split):
        return None
    return make_case(
        source=start.target,
        instruction=instruction,
        changes=changes,
        targets=(end.source if start is end else end.target,),
        edit_type=changes[0].edit_type if len(changes) == 1 else EditType.COMPOSE,
        split=start.split,
    )
