"""One change in words: which wording says it, and what fills its slots."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from editloop.core.errors import UsageError
from editloop.records.taxonomy import EditType
from editloop.world.cases import Change, PhrasingStyle
from editloop.world.choices import PLACES, SIZES, chance
from editloop.world.grammar import naming
from editloop.world.grammar.templates import say
from editloop.world.scenes import Scene, SceneObject

_SIZE_STEPS = {-2: "much_smaller", -1: "smaller", 1: "bigger", 2: "much_bigger"}

_Values = dict[str, str]
_Worded = tuple[str, _Values]
"""Name of a wording, and what its slots hold."""


def _wording(
    rng: np.random.Generator,
    scene: Scene,
    change: Change,
    style: PhrasingStyle,
    name: str | None,
) -> _Worded:
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


def _added(rng: np.random.Generator, scene: Scene, change: Change) -> _Worded:
    new = _brought(change)
    taken = {item.place for item in scene.objects}
    free = [place for place in PLACES if place not in taken]
    values = {"new": naming.indefinite(new), "place": naming.PLACE_WORDS[new.place]}
    anywhere = free == [new.place] and chance(rng, 0.15)
    return ("add_anywhere" if anywhere else "add"), values


def _replaced(rng: np.random.Generator, scene: Scene, change: Change) -> _Worded:
    old, new = scene.objects[change.object_index or 0], _brought(change)
    colour = old.colour != new.colour or chance(rng, 0.4)
    return "replace", {"new": naming.indefinite(new, colour=colour, old=old)}


def _adjusted(_: np.random.Generator, scene: Scene, change: Change) -> _Worded:
    value = _value(change)
    if change.attribute == "colour":
        return "colour", {"colour": value}
    if change.attribute == "pattern":
        return value, {}
    sizes: tuple[str, ...] = SIZES
    step = sizes.index(value) - sizes.index(scene.objects[change.object_index or 0].size)
    return _SIZE_STEPS[step], {}


def _acted(_: np.random.Generator, __: Scene, change: Change) -> _Worded:
    if change.attribute == "jumping":
        return ("jump" if change.value == "true" else "land"), {}
    place = _value(change)
    return "move", {"to": naming.TOWARDS_WORDS[place], "place": naming.PLACE_WORDS[place]}


def _looked(_: np.random.Generator, scene: Scene, change: Change) -> _Worded:
    attribute, value = change.attribute or "", change.value
    if attribute == "background":
        name, within = naming.BACKGROUND_WORDS[_value(change)]
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


def _focused(_: np.random.Generator, __: Scene, change: Change) -> _Worded:
    return ("no_focus" if change.object_index is None else "focus"), {}


def _extracted(_: np.random.Generator, __: Scene, ___: Change) -> _Worded:
    return "extract", {}


def _removed(_: np.random.Generator, __: Scene, ___: Change) -> _Worded:
    return "remove", {}


def _shown(_: np.random.Generator, __: Scene, change: Change) -> _Worded:
    if change.object_index is not None:
        return "visual_replace", {}
    return "visual_add", {"place": naming.PLACE_WORDS[_brought(change).place]}


_WORDERS: dict[EditType, Callable[[np.random.Generator, Scene, Change], _Worded]] = {
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


def clause_of(
    rng: np.random.Generator,
    source: Scene,
    change: Change,
    style: PhrasingStyle,
    name: str | None = None,
) -> str:
    """`change` to `source` as one clause; its object is called `name`, or else by a name that picks it out.

    Raises:
        UsageError: when the change lacks the value or the object that it brings.
    """
    wording, values = _wording(rng, source, change, style, name)
    return say(rng, wording, style, values)
