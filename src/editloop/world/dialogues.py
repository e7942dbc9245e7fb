"""Dialogues of two or three turns, of ImgEdit's three kinds (arXiv 2505.20275).

- content memory: a premise is said first ("everything new must be red") and must hold in two later turns, which do not repeat it;
- content understanding: something is added or changed, then spoken of as "it";
- version backtracking: edits are rejected ("undo that and ... instead"), and the last turn edits an earlier version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from editloop.core.errors import StageError, UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change, PhrasingStyle, Split
from editloop.world.changes import apply_changes
from editloop.world.choices import (
    COLOURS,
    chance,
    pick,
    pick_weighted,
)
from editloop.world.grammar import instruct, instruct_by_name, naming
from editloop.world.grammar.sentences import MAX_INSTRUCTION_WORDS, MAX_WORDS
from editloop.world.grammar.templates import say
from editloop.world.proposals import free_places, new_object, propose, successor
from editloop.world.scenery import MAX_DRAWS, random_scene
from editloop.world.scenes import Scene, SceneObject
from editloop.world.splits import Combination, belongs, combinations
from editloop.world.turns import make_case

_LOCAL = (EditType.ADD, EditType.REMOVE, EditType.REPLACE, EditType.ADJUST, EditType.ACTION)
_FOLLOWING = (EditType.ADJUST, EditType.ACTION)
_ENDINGS = (EditType.REMOVE, EditType.REPLACE, EditType.ADJUST)
_QUALITIES: dict[str, tuple[str, ...]] = {
    "colour": COLOURS,
    "size": ("small", "big"),
    "pattern": ("striped", "dotted"),
}
"""What a premise may demand of everything new, places aside."""
_SPOKEN_STYLES: dict[PhrasingStyle, float] = {"plain": 0.55, "casual": 0.3, "terse": 0.15}


@dataclass(frozen=True, slots=True)
class _Turn:
    source: Scene
    change: Change
    words: str
    phrasing: PhrasingStyle

    @property
    def target(self) -> Scene:
        return apply_changes(self.source, (self.change,))


@dataclass(frozen=True, slots=True)
class _Dialogue:
    turns: tuple[_Turn, ...]
    premise: str | None = None


def sample_dialogue(
    rng: np.random.Generator, kind: EditType, split: Split = "train"
) -> tuple[Case, ...]:
    """All turns of one dialogue, each a case with what was said before it as `context`.

    Context and instruction together have at most `MAX_WORDS` words. Training dialogues touch no held-out combination in
    any turn; held-out ones touch one in some turn.

    Raises:
        UsageError: when `kind` is no dialogue.
    """
    if kind not in _BUILDERS:
        raise UsageError(f"{kind} is no dialogue; the kinds are {', '.join(_BUILDERS)}")
    for _ in range(MAX_DRAWS):
        dialogue = _BUILDERS[kind](rng)
        if dialogue and _fits(dialogue, split):
            return _as_cases(dialogue, kind, split)
    raise StageError(f"no {split} dialogue of kind {kind} in {MAX_DRAWS} draws")


def telling_turns(dialogue: Sequence[Case]) -> list[Case]:
    """The turns that cannot be done right without what was said before."""
    if dialogue[0].kind is EditType.VERSION_BACKTRACKING:
        return list(dialogue[-1:])
    if dialogue[0].kind is EditType.CONTENT_MEMORY:
        return [case for case in dialogue if case.edit_type in (EditType.ADD, EditType.REPLACE)]
    return list(dialogue[1:])


def _fits(dialogue: _Dialogue, split: Split) -> bool:
    said = [dialogue.premise or "", *(turn.words for turn in dialogue.turns)]
    lengths = [len(text.split()) for text in said]
    touched: frozenset[Combination] = frozenset().union(
        *(combinations(turn.source, (turn.change,)) for turn in dialogue.turns)
    )
    short = max(lengths) <= MAX_INSTRUCTION_WORDS and sum(lengths) <= MAX_WORDS
    return short and belongs(touched, split)


def _as_cases(dialogue: _Dialogue, kind: EditType, split: Split) -> tuple[Case, ...]:
    said: tuple[str, ...] = () if dialogue.premise is None else (dialogue.premise,)
    found: list[Case] = []
    for number, turn in enumerate(dialogue.turns, start=1):
        found.append(
            make_case(
                source=turn.source,
                instruction=turn.words,
                changes=(turn.change,),
                targets=(turn.target,),
                edit_type=turn.change.edit_type,
                phrasing=turn.phrasing,
                kind=kind,
                context=said,
                turn=number,
                split=split,
            )
        )
        said += (turn.words,)
    return tuple(found)


def _style(rng: np.random.Generator) -> PhrasingStyle:
    return pick_weighted(rng, _SPOKEN_STYLES)


def _told(rng: np.random.Generator, source: Scene, change: Change | None) -> _Turn | None:
    """A turn in plain sight: its words need nothing said before."""
    if change is None:
        return None
    style = _style(rng)
    return _Turn(source, change, instruct(rng, source, (change,), style), style)


def _draw(
    rng: np.random.Generator, scene: Scene, edit_types: Sequence[EditType], about: int | None = None
) -> Change | None:
    """A change of one of `edit_types`, speaking of object `about` where that is given."""
    for _ in range(12):
        changes = propose(rng, scene, pick(rng, edit_types))
        if changes and about in (None, changes[0].object_index):
            return changes[0]
    return None


def _memory(rng: np.random.Generator) -> _Dialogue | None:
    attribute = pick_weighted(rng, {"colour": 0.5, "size": 0.18, "pattern": 0.17, "place": 0.15})
    scene = random_scene(rng)
    if attribute == "place":
        return _memory_of_place(rng, scene)
    quality = pick(rng, _QUALITIES[attribute])
    turns: list[_Turn] = []
    for _ in range(2):
        turn = _round(rng, scene, attribute, quality)
        if turn is None:
            return None
        turns.append(turn)
        scene = turn.target
    return _Dialogue(tuple(turns), say(rng, "premise", _style(rng), {"quality": quality}))


def _round(rng: np.random.Generator, scene: Scene, attribute: str, quality: str) -> _Turn | None:
    """An object comes in and takes the quality of the premise, which the words of this turn keep silent about."""
    free = free_places(scene)
    index = None if free and chance(rng, 0.5) else pick(rng, range(len(scene.objects)))
    old = None if index is None else scene.objects[index]
    if index is None:
        drawn = new_object(rng, scene, pick(rng, free))
    else:
        drawn = successor(rng, scene, index)
    fields: dict[str, Any] = {attribute: quality}
    brought = replace(drawn, **fields)
    if any((o.kind, o.colour) == (brought.kind, brought.colour) for o in scene.objects):
        return None
    change = Change(EditType.ADD if old is None else EditType.REPLACE, index, new_object=brought)
    style = _style(rng)
    values = {"new": _silent_name(brought, old, attribute)}
    if index is None:
        values["place"] = naming.PLACE_WORDS[brought.place]
        return _Turn(scene, change, say(rng, "add", style, values), style)
    values["object"] = naming.definite(rng, scene, index, style)
    return _Turn(scene, change, say(rng, "replace", style, values), style)


def _silent_name(brought: SceneObject, old: SceneObject | None, attribute: str) -> str:
    if attribute == "colour":
        return naming.indefinite(brought, colour=False, old=old)
    usual: dict[str, Any] = {"size": "medium", "pattern": "plain"}
    quiet: dict[str, Any] = {attribute: getattr(old, attribute) if old else usual[attribute]}
    return naming.indefinite(replace(brought, **quiet), old=old)


def _memory_of_place(rng: np.random.Generator, scene: Scene) -> _Dialogue | None:
    """New things have their place: an unrelated edit comes between, then an object is added without a word of where."""
    free = free_places(scene)
    between = _told(rng, scene, _draw(rng, scene, (EditType.ADJUST,)))
    if len(free) < 2 or between is None:
        return None
    place = pick(rng, free)
    brought = new_object(rng, between.target, place)
    style = _style(rng)
    words = say(rng, "add_bare", style, {"new": naming.indefinite(brought)})
    last = _Turn(between.target, Change(EditType.ADD, new_object=brought), words, style)
    premise = say(rng, "premise_place", _style(rng), {"place": naming.PLACE_WORDS[place]})
    return _Dialogue((between, last), premise)


def _understanding(rng: np.random.Generator) -> _Dialogue | None:
    scene = random_scene(rng)
    openings = (EditType.ADD,) if chance(rng, 0.7) else _FOLLOWING
    first = _told(rng, scene, _draw(rng, scene, openings))
    if first is None:
        return None
    added = first.change.object_index is None
    about = len(scene.objects) if added else first.change.object_index
    turns = [first]
    for types in (_FOLLOWING, _ENDINGS)[: 2 if chance(rng, 0.6) else 1]:
        here = turns[-1].target
        change = _draw(rng, here, types, about)
        if change is None or apply_changes(here, (change,)) == turns[-1].source:
            return None
        turns.append(_spoken_of_as_it(rng, here, change, just_added=added and len(turns) == 1))
    return _Dialogue(tuple(turns))


def _spoken_of_as_it(
    rng: np.random.Generator, source: Scene, change: Change, *, just_added: bool
) -> _Turn:
    style = _style(rng)
    name = naming.PRONOUNS[0] if chance(rng, 0.7) else naming.PRONOUNS[2 if just_added else 1]
    clause_style: PhrasingStyle = "casual" if style == "casual" and chance(rng, 0.5) else "plain"
    clause = instruct_by_name(rng, source, change, name, clause_style)
    return _Turn(source, change, say(rng, "now", style, {"clause": clause}), style)


def _backtracking(rng: np.random.Generator) -> _Dialogue | None:
    scene = random_scene(rng)
    first = _told(rng, scene, _draw(rng, scene, _LOCAL))
    if first is None:
        return None
    if chance(rng, 0.3):
        last = _rejection(rng, scene, "back", first.target, None)
        return _Dialogue((first, last)) if last else None
    second = _told(rng, first.target, _draw(rng, first.target, _LOCAL))
    if second is None:
        return None
    if chance(rng, 0.25):
        last = _rejection(rng, scene, "back_to_start", second.target, None)
    else:
        spoken = first.change.object_index
        kept = len(scene.objects) if first.change.edit_type is EditType.ADD else spoken
        stays = first.change.edit_type is not EditType.REMOVE and chance(rng, 0.5)
        last = _rejection(rng, first.target, "back", second.target, kept if stays else None)
    return _Dialogue((first, second, last)) if last else None


def _rejection(
    rng: np.random.Generator, earlier: Scene, wording: str, rejected: Scene, about: int | None
) -> _Turn | None:
    """Goes back to `earlier` and does something that does not lead to the rejected picture again."""
    types = (EditType.ADJUST, EditType.REPLACE) if about is not None else _LOCAL
    change = _draw(rng, earlier, types, about)
    if change is None or apply_changes(earlier, (change,)) == rejected:
        return None
    style = _style(rng)
    clause = instruct(rng, earlier, (change,), "plain")
    return _Turn(earlier, change, say(rng, wording, style, {"clause": clause}), style)


_BUILDERS: dict[EditType, Callable[[np.random.Generator], _Dialogue | None]] = {
    EditType.CONTENT_MEMORY: _memory,
    EditType.CONTENT_UNDERSTANDING: _understanding,
    EditType.VERSION_BACKTRACKING: _backtracking,
}
