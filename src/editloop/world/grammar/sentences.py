"""Whole instructions from changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from editloop.core.errors import UsageError
from editloop.world.cases import Case, Change, PhrasingStyle
from editloop.world.changes import inverse_changes
from editloop.world.choices import pick
from editloop.world.grammar.clauses import clause_of
from editloop.world.grammar.templates import say
from editloop.world.scenes import Scene

MAX_INSTRUCTION_WORDS = 22
"""Longest single instruction."""
MAX_WORDS = 40
"""Longest context and instruction together."""
_POSSESSIVES = {"the colour of it": "its colour", "the pattern of it": "its pattern"}


def instruct(
    rng: np.random.Generator,
    source: Scene,
    changes: Sequence[Change],
    style: PhrasingStyle = "plain",
) -> str:
    """`changes` to `source` in words, at most `MAX_INSTRUCTION_WORDS` of them; objects are named so that they are unique.

    Raises:
        UsageError: for an empty list, or one too long to say in the words allowed.
    """
    if not changes:
        raise UsageError("nothing to say: give at least one change")
    for attempt in range(12):
        text = _joined(rng, source, changes, style, brief=attempt > 2)
        if len(text.split()) <= MAX_INSTRUCTION_WORDS:
            return text
    raise UsageError(
        f"{len(changes)} changes do not fit into {MAX_INSTRUCTION_WORDS} words; say fewer at a time"
    )


def _joined(
    rng: np.random.Generator,
    source: Scene,
    changes: Sequence[Change],
    style: PhrasingStyle,
    *,
    brief: bool,
) -> str:
    if len(changes) == 1:
        return clause_of(rng, source, changes[0], style)
    clause_style: PhrasingStyle = "terse" if brief else "plain"
    text = clause_of(rng, source, changes[0], clause_style)
    for change in changes[1:]:
        clause = clause_of(rng, source, change, clause_style)
        text = say(rng, "join", "terse" if brief else style, {"a": text, "b": clause})
    return text


def instruct_by_name(
    rng: np.random.Generator, source: Scene, change: Change, name: str, style: PhrasingStyle
) -> str:
    """`change` in words that call its object `name`, such as a pronoun or a name that fits several objects."""
    text = clause_of(rng, source, change, style, name)
    for stiff, natural in _POSSESSIVES.items():
        text = text.replace(stiff, natural)
    return text


def inverse_instruction(case: Case, rng: np.random.Generator) -> str | None:
    """The words that lead from the case's target to its source, or None where no few words do.

    Only what changed is named, and never by "undo", "revert" or "restore" (arXiv 2507.14119, prompt A.6).
    """
    return _inverse(case, rng, pick(rng, ("terse", "plain")))


def _inverse(case: Case, rng: np.random.Generator, style: PhrasingStyle) -> str | None:
    try:
        return instruct(rng, case.target, inverse_changes(case.source, case.changes), style)
    except UsageError:
        return None


def composed_instruction(first: Case, second: Case, rng: np.random.Generator) -> str | None:
    """The words that lead from the first case's target to the second's: the inverse of the first joined to the second.

    Both cases edit the same source (bootstrap composition, arXiv 2507.14119). None where it would be too long to say.

    Raises:
        UsageError: when the two sources differ.
    """
    if first.source != second.source:
        raise UsageError("only two edits of one source can be composed; these have different ones")
    styles: tuple[PhrasingStyle, ...] = ("plain", "plain", "plain", "terse", "terse", "terse")
    for style in styles:
        inverse = _inverse(first, rng, style)
        if inverse is None:
            return None
        forward = instruct(rng, second.source, second.changes, style)
        text = say(rng, "join", "plain", {"a": inverse, "b": forward})
        if len(text.split()) <= MAX_INSTRUCTION_WORDS:
            return text
    return None
