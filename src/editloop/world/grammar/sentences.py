"""Whole instructions from changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from editloop.core.errors import UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change, PhrasingStyle
from editloop.world.changes import inverse_changes
from editloop.world.choices import (
    COLOURS,
    KINDS,
    LIGHTS,
    PATTERNS,
    PLACES,
    SIZES,
    STYLES,
    TONES,
    WEARS,
    chance,
)
from editloop.world.grammar import naming
from editloop.world.grammar.templates import say, wordings
from editloop.world.oracle.words import FAILURE_WORDS
from editloop.world.scenes import Scene, SceneObject

MAX_INSTRUCTION_WORDS = 22
"""Longest single instruction."""
MAX_WORDS = 40
"""Longest context and instruction together."""
MODES: tuple[PhrasingStyle, ...] = ("terse", "plain", "detailed", "casual")
PRONOUNS = ("it", "that one", "the new one")
"""What an object spoken of before is called; the last only where it has just come."""
PROMPT_WORDS = ("draw", "nothing", "and")
"""What a prompt for a generator is made of, beside names."""
_POSSESSIVES = {"the colour of it": "its colour", "the pattern of it": "its pattern"}
_SHORT: tuple[PhrasingStyle, ...] = ("terse", "plain")
_SIZE_STEPS = {-2: "much_smaller", -1: "smaller", 1: "bigger", 2: "much_bigger"}

Values = dict[str, str]
Worded = tuple[str, Values]
"""Name of a wording, and what its slots hold."""


def _wording(
    rng: np.random.Generator,
    scene: Scene,
    change: Change,
    style: PhrasingStyle,
    name: str | None,
) -> Worded:
    index = change.object_index
    if name is None and index is not None:
        moving = change.attribute == "place"
        name = naming.definite(rng, scene, index, style, with_place=not moving)
    wording, values = _WORDERS[change.edit_type](rng, scene, change)
    return wording, {"object": name or "", "bare": (name or "").removeprefix("the "), **values}


def _value(change: Change) -> str:
    if change.value is None:
        raise UsageError(f"{change.edit_type} of {change.attribute} needs a new value")
    return change.value


def _brought(change: Change) -> SceneObject:
    if change.new_object is None:
        raise UsageError(f"{change.edit_type} brings an object: set new_object")
    return change.new_object


def _added(rng: np.random.Generator, scene: Scene, change: Change) -> Worded:
    new = _brought(change)
    taken = {item.place for item in scene.objects}
    free = [place for place in PLACES if place not in taken]
    values = {"new": naming.indefinite(new), "place": naming.PLACE_WORDS[new.place]}
    anywhere = free == [new.place] and chance(rng, 0.15)
    return ("add_anywhere" if anywhere else "add"), values


def _replaced(rng: np.random.Generator, scene: Scene, change: Change) -> Worded:
    old, new = scene.objects[change.object_index or 0], _brought(change)
    colour = old.colour != new.colour or chance(rng, 0.4)
    return "replace", {"new": naming.indefinite(new, colour=colour, old=old)}


def _adjusted(_: np.random.Generator, scene: Scene, change: Change) -> Worded:
    value = _value(change)
    if change.attribute == "colour":
        return "colour", {"colour": value}
    if change.attribute == "pattern":
        return value, {}
    sizes: tuple[str, ...] = SIZES
    step = sizes.index(value) - sizes.index(scene.objects[change.object_index or 0].size)
    return _SIZE_STEPS[step], {}


def _acted(_: np.random.Generator, __: Scene, change: Change) -> Worded:
    if change.attribute == "jumping":
        return ("jump" if change.value == "true" else "land"), {}
    place = _value(change)
    return "move", {"to": naming.TOWARDS_WORDS[place], "place": naming.PLACE_WORDS[place]}


def _looked(_: np.random.Generator, scene: Scene, change: Change) -> Worded:
    attribute, value = change.attribute or "", change.value
    if attribute == "background":
        name, within = naming.BACKGROUND_WORDS[value]
        return "background", {"background": name, "in_background": within}
    if attribute in ("tone", "wear"):
        old = getattr(scene, attribute)
        return (f"{attribute}_{value}" if value else f"no_{attribute}_{old}"), {}
    if value is None:
        return f"no_{attribute}", {}
    if attribute == "style":
        return "style", {"style": naming.STYLE_WORDS[value]}
    source, lamp = naming.LIGHT_WORDS[value]
    return "light", {"from": source, "lamp": lamp}


def _focused(_: np.random.Generator, __: Scene, change: Change) -> Worded:
    return ("no_focus" if change.object_index is None else "focus"), {}


def _extracted(_: np.random.Generator, __: Scene, ___: Change) -> Worded:
    return "extract", {}


def _removed(_: np.random.Generator, __: Scene, ___: Change) -> Worded:
    return "remove", {}


def _shown(_: np.random.Generator, __: Scene, change: Change) -> Worded:
    if change.object_index is not None:
        return "visual_replace", {}
    return "visual_add", {"place": naming.PLACE_WORDS[_brought(change).place]}


_WORDERS: dict[EditType, Callable[[np.random.Generator, Scene, Change], Worded]] = {
    EditType.ADD: _added,
    EditType.REMOVE: _removed,
    EditType.REPLACE: _replaced,
    EditType.ADJUST: _adjusted,
    EditType.ACTION: _acted,
    EditType.BACKGROUND: _looked,
    EditType.STYLE: _looked,
    EditType.TONE: _looked,
    EditType.RELIGHT: _looked,
    EditType.RESTORE: _looked,
    EditType.BOKEH: _focused,
    EditType.EXTRACT: _extracted,
    EditType.VISUAL: _shown,
}


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
        return _clause(rng, source, changes[0], style)
    clause_style: PhrasingStyle = "terse" if brief else "plain"
    text = _clause(rng, source, changes[0], clause_style)
    for change in changes[1:]:
        clause = _clause(rng, source, change, clause_style)
        text = say(rng, "join", "terse" if brief else style, {"a": text, "b": clause})
    return text


def _clause(
    rng: np.random.Generator,
    source: Scene,
    change: Change,
    style: PhrasingStyle,
    name: str | None = None,
) -> str:
    wording, values = _wording(rng, source, change, style, name)
    return say(rng, wording, style, values)


def instruct_by_name(
    rng: np.random.Generator, source: Scene, change: Change, name: str, style: PhrasingStyle
) -> str:
    """`change` in words that call its object `name`, such as a pronoun or a name that fits several objects."""
    text = _clause(rng, source, change, style, name)
    for stiff, natural in _POSSESSIVES.items():
        text = text.replace(stiff, natural)
    return text


def inverse_instruction(case: Case, rng: np.random.Generator) -> str | None:
    """The words that lead from the case's target to its source, or None where no few words do.

    Only what changed is named, and never by "undo", "revert" or "restore" (arXiv 2507.14119, prompt A.6).
    """
    style = _SHORT[int(rng.random() * len(_SHORT))]
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
    inverse = inverse_instruction(first, rng)
    if inverse is None:
        return None
    for _ in range(6):
        forward = instruct(rng, second.source, second.changes, "terse")
        text = say(rng, "join", "plain", {"a": inverse, "b": forward})
        if len(text.split()) <= MAX_INSTRUCTION_WORDS:
            return text
    return None


@cache
def vocabulary() -> tuple[str, ...]:
    """Every lower-case word that an instruction, a prompt or a failure text may hold, sorted.

    The only marks beside them are the comma and the full stop.
    """
    templates = [
        word
        for styles in wordings().values()
        for several in styles.values()
        for template in several
        for word in template.words()
    ]
    things = (*KINDS, *COLOURS, *PATTERNS, *SIZES, *STYLES, *TONES, *LIGHTS, *WEARS)
    phrases = " ".join([*things, *PRONOUNS, *naming.PHRASES, *PROMPT_WORDS, *FAILURE_WORDS])
    return tuple(sorted({*templates, *phrases.split()}))
