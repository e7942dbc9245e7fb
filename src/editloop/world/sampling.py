"""Draws scenes and cases at random, and turns them into JSON and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from editloop.core.errors import StageError, UsageError
from editloop.core.ids import content_id
from editloop.core.seeds import generator
from editloop.records.taxonomy import EditType
from editloop.world.cases import Case, Change, PhrasingStyle, Split
from editloop.world.changes import apply_changes
from editloop.world.choices import (
    BACKGROUNDS,
    COLOURS,
    KINDS,
    LIGHTS,
    PATTERNS,
    PLACES,
    TONES,
    WEARS,
    chance,
    pick,
    pick_except,
    pick_weighted,
)
from editloop.world.grammar import instruct, instruct_ambiguously, naming
from editloop.world.proposals import (
    PLAIN_SHARE,
    SIZE_WEIGHTS,
    propose,
    reference_of,
)
from editloop.world.scenes import Place, Scene, SceneObject
from editloop.world.splits import belongs, combinations, scene_combinations

DEFAULT_WEIGHTS: dict[EditType, float] = {
    EditType.ADD: 0.13,
    EditType.REMOVE: 0.13,
    EditType.REPLACE: 0.12,
    EditType.ADJUST: 0.14,
    EditType.ACTION: 0.08,
    EditType.BACKGROUND: 0.06,
    EditType.EXTRACT: 0.03,
    EditType.STYLE: 0.05,
    EditType.TONE: 0.04,
    EditType.RELIGHT: 0.03,
    EditType.BOKEH: 0.02,
    EditType.RESTORE: 0.03,
    EditType.VISUAL: 0.04,
    EditType.COMPOSE: 0.04,
}
"""How often each type is drawn when none is asked for."""
EDIT_TYPES: tuple[EditType, ...] = tuple(DEFAULT_WEIGHTS)
"""Every type of this world; people and writing do not exist in it."""
STYLE_WEIGHTS: dict[PhrasingStyle, float] = {
    "plain": 0.4,
    "terse": 0.25,
    "detailed": 0.15,
    "casual": 0.2,
}
OBJECT_COUNTS: dict[int, float] = {1: 0.25, 2: 0.35, 3: 0.3, 4: 0.1}
LOOK_SHARE = 0.05
"""Share of source scenes that already wear a tone, a lamp or damage."""
AMBIGUOUS_SHARE = 0.33
"""Of the edits to an object with a twin of its kind, the share that leaves open which is meant: some 3 % of all."""
_MAY_BE_AMBIGUOUS = frozenset({EditType.REMOVE, EditType.ADJUST, EditType.REPLACE})
_MAX_DRAWS = 4000


def random_scene(rng: np.random.Generator) -> Scene:
    """A scene of one to four objects, without regard to splits.

    One object a place; a fourth stands in front of a neighbour, shifted, and hides a part of it.
    """
    count = pick_weighted(rng, OBJECT_COUNTS)
    places = [PLACES[i] for i in rng.permutation(3)[:count]]
    twins = count > 1 and chance(rng, 0.15)
    objects: list[SceneObject] = []
    for place in places:
        objects.append(_random_object(rng, objects, place, twin=twins and len(objects) == 1))
    if count > len(PLACES):
        objects.append(_occluder(rng, objects, pick(rng, PLACES)))
    scene = Scene(pick(rng, BACKGROUNDS), tuple(objects), wear_seed=int(rng.integers(1 << 16)))
    return _with_look(rng, scene) if chance(rng, LOOK_SHARE) else scene


def _random_object(
    rng: np.random.Generator, others: Sequence[SceneObject], place: Place, *, twin: bool
) -> SceneObject:
    kind = others[0].kind if twin else pick_except(rng, KINDS, *(o.kind for o in others))
    taken = [other.colour for other in others if other.kind == kind]
    return SceneObject(
        kind,
        pick_except(rng, COLOURS, *taken),
        place,
        pick_weighted(rng, SIZE_WEIGHTS),
        "plain" if chance(rng, PLAIN_SHARE) else pick_except(rng, PATTERNS, "plain"),
        dx=round(0.06 * rng.random() - 0.03, 4),
        dy=round(0.12 * rng.random() - 0.06, 4),
    )


def _occluder(rng: np.random.Generator, others: Sequence[SceneObject], place: Place) -> SceneObject:
    """An object in front of the one at `place`, shifted towards the middle of the picture and down."""
    side = {"left": 1.0, "right": -1.0, "middle": 1.0 if chance(rng, 0.5) else -1.0}[place]
    item = _random_object(rng, others, place, twin=False)
    return replace(
        item,
        size="small",
        dx=round(side * (0.09 + 0.03 * rng.random()), 4),
        dy=round(0.07 + 0.04 * rng.random(), 4),
    )


def _with_look(rng: np.random.Generator, scene: Scene) -> Scene:
    """`scene` under a tone, a lamp or damage; styles are left out, because under them colours cannot be told."""
    attribute = pick_weighted(rng, {"tone": 0.4, "light": 0.4, "wear": 0.2})
    look: dict[str, Any] = {
        "tone": {"tone": pick(rng, TONES)},
        "light": {"light": pick(rng, LIGHTS)},
        "wear": {"wear": pick(rng, WEARS)},
    }[attribute]
    return replace(scene, **look)


def sample_scene(rng: np.random.Generator, split: Split = "train") -> Scene:
    """A scene to draw from words, one to four objects.

    Held-out scenes hold a combination of kind and colour that no training scene of this function holds.
    """
    for _ in range(_MAX_DRAWS):
        scene = random_scene(rng)
        if belongs(scene_combinations(scene), split):
            return scene
    raise StageError(f"no {split} scene in {_MAX_DRAWS} draws")


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
    for _ in range(_MAX_DRAWS):
        case = edit_of(rng, _source(rng, chosen), chosen, split)
        if case:
            return case
    raise StageError(f"no {split} case of type {chosen} in {_MAX_DRAWS} draws")


def _source(rng: np.random.Generator, edit_type: EditType) -> Scene:
    scene = random_scene(rng)
    if edit_type is EditType.RESTORE and scene.wear is None and chance(rng, 0.65):
        return replace(scene, wear=pick(rng, WEARS))
    return scene


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
    touched = frozenset[Any]().union(*(combinations(source, meaning) for meaning in meanings))
    if not belongs(touched, split):
        return None
    style = pick_weighted(rng, STYLE_WEIGHTS)
    if len(meanings) > 1:
        instruction = instruct_ambiguously(rng, source, changes[0], style)
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
    """The same change to every other object of the same kind; none where it would change nothing or make two alike."""
    spoken = source.objects[change.object_index or 0]
    found: list[tuple[Change, ...]] = []
    for index, item in enumerate(source.objects):
        if item.kind != spoken.kind or index == change.object_index:
            continue
        other = replace(change, object_index=index)
        if change.new_object:
            kept = replace(item, kind=change.new_object.kind, colour=change.new_object.colour)
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


def describe(scene: Scene, rng: np.random.Generator) -> str:
    """A prompt that draws `scene` from words alone: "draw a red ball on the left in a meadow"."""
    phrases = [
        f"{naming.indefinite(item)} {naming.PLACE_WORDS[item.place]}" for item in scene.objects
    ]
    order = rng.permutation(len(phrases))
    listed = [phrases[i] for i in order]
    *most, last = listed or ["nothing"]
    things = f"{', '.join(most)} and {last}" if most else last
    words = ["draw", things, naming.BACKGROUND_WORDS[scene.background][1]]
    return " ".join([*words, *naming.look_words(scene)])


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
