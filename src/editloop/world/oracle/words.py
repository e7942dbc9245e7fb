"""The failure texts: a few plain words that say what went wrong, as Multi-Reward as Condition asks for (arXiv 2411.04713)."""

from __future__ import annotations

import re
from typing import Final

from editloop.records.taxonomy import EditType
from editloop.world.cases import Change
from editloop.world.scenes import Scene, SceneObject

NOTHING_WRONG: Final = "none"

_UNDONE: Final[dict[str, str]] = {
    "remove": "the {thing} is still there",
    "replace": "the {thing} is still there",
    "add": "the {new} was not added",
    "colour": "the {thing} did not turn {value}",
    "pattern": "the {thing} is not {value}",
    "size": "the {thing} is not {value}",
    "place": "the {thing} did not move",
    "jumping": "the {thing} did not move",
    "background": "the background is not {value}",
    "extract": "the {thing} was not cut out",
    "style": "the picture did not turn {value}",
    "tone": "there is no {value}",
    "light": "the light did not change",
    "focus": "the background is not blurred",
    "restore": "the {value} is still there",
    "wear": "the picture is not worn",
}
"""What is missing, by what was asked for."""
_OTHER: Final[dict[str, str]] = {
    "colour": "the {thing} turned {other} and not {value}",
    "pattern": "the {thing} is {other} and not {value}",
    "size": "the {thing} is {other} and not {value}",
    "place": "the {thing} is on the {other} and not on the {value}",
    "background": "the background is {other} and not {value}",
    "look": "the picture is {other} and not {value}",
    "light": "the light is on the wrong side",
    "kind": "there is a {other} and not a {new}",
    "new_colour": "the {new} is {other}",
    "new_place": "the {new} is in the wrong place",
    "new_size": "the {new} is {other}",
    "reference": "the {new} is not the one of the reference",
    "not_brought": "the {thing} is gone but there is no {new}",
    "covered": "the {thing} is still there too",
    "object": "the {other} changed and not the {thing}",
    "object_gone": "the {other} is gone and not the {thing}",
    "object_cut": "the {other} was cut out and not the {thing}",
    "object_sharp": "the {other} is sharp and not the {thing}",
    "copy": "the {thing} is still in the old place too",
    "gone": "the {thing} is gone",
    "others": "the others are still there",
    "extract_background": "the {thing} was not cut out",
    "all_blurred": "the {thing} is blurred too",
    "swapped": "there is a {other} now",
    "became": "the {thing} turned into a {other}",
    "second": "a second {other} came",
}
"""What happened instead."""
_BESIDE: Final[dict[str, str]] = {
    "half_done": "only a part was done",
    "changed": "the {other} also changed",
    "gone": "the {other} is gone too",
    "drifted": "the {other} is not quite the same",
    "background": "the background also changed",
    "stray": "a {other} came that nobody wanted",
    "shift": "the colours of the picture are off",
    "blurred": "the picture is blurred",
    "noisy": "the picture is noisy",
    "smeared_picture": "the picture is smeared",
}
"""What is wrong beside the edit itself."""


def _words_of(templates: dict[str, str]) -> set[str]:
    return {word for text in templates.values() for word in re.sub(r"{\w+}", " ", text).split()}


FAILURE_WORDS: Final = tuple(
    sorted({NOTHING_WRONG} | _words_of(_UNDONE) | _words_of(_OTHER) | _words_of(_BESIDE))
)
"""Every lower-case word of a failure text that is no word of the scenes' vocabularies."""


def named(scene: Scene, index: int) -> str:
    """An object by as many words as tell it from the others: "ball", "red ball", "left red ball"."""
    thing = scene.objects[index]
    others = [other for place, other in enumerate(scene.objects) if place != index]
    if all(other.kind != thing.kind for other in others):
        return thing.kind
    if all((other.kind, other.colour) != (thing.kind, thing.colour) for other in others):
        return f"{thing.colour} {thing.kind}"
    return f"{thing.place} {thing.colour} {thing.kind}"


def undone(scene: Scene, change: Change) -> str:
    """What is missing when `change` was not made to `scene`."""
    value = change.value
    key = change.attribute or str(change.edit_type)
    if change.edit_type in (EditType.ADD, EditType.VISUAL, EditType.REPLACE):
        key = "add" if change.object_index is None else "replace"
    elif change.edit_type is EditType.BOKEH:
        key = "focus"
    elif change.value is None and key in ("style", "tone", "light", "wear"):
        key, value = "restore", getattr(scene, key)
    return _filled(_UNDONE[key], scene, change, value=value)


def instead(key: str, scene: Scene, change: Change, other: str = "") -> str:
    """What happened instead of `change`; `key` is one of the ways to get it wrong."""
    return _filled(_OTHER[key], scene, change, value=change.value, other=other)


def beside(key: str, other: str = "") -> str:
    """What is wrong beside the edit."""
    return _BESIDE[key].format(other=other)


def _filled(
    template: str, scene: Scene, change: Change, *, value: str | None = None, other: str = ""
) -> str:
    thing = "" if change.object_index is None else named(scene, change.object_index)
    new = _called(change.new_object) if change.new_object else ""
    return template.format(thing=thing, new=new, value=value or "", other=other)


def _called(thing: SceneObject) -> str:
    return f"{thing.colour} {thing.kind}"
