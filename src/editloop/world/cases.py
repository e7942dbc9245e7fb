"""A storybook case: a scene, what was asked, and what a perfect editor would return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from editloop.records.taxonomy import EditType
from editloop.world.scenes import Scene, SceneObject

PhrasingStyle: TypeAlias = Literal["terse", "plain", "detailed", "casual"]
Split: TypeAlias = Literal["train", "held_out"]


@dataclass(frozen=True, slots=True)
class Change:
    """One elementary edit of a scene, in a form a program can check.

    `object_index` is the object of the source scene that is spoken of (None for a whole-picture edit and for `add`); `attribute`
    names what changes (``colour``, ``pattern``, ``size``; ``place``, ``jumping``; ``background``; ``style``, ``tone``, ``light``,
    ``focus``, ``wear``), `value` its new value as written in the vocabularies of `scenes`; `new_object` is what `add`, `replace`
    and `visual` bring.
    """

    edit_type: EditType
    object_index: int | None = None
    attribute: str | None = None
    value: str | None = None
    new_object: SceneObject | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One instruction on one scene.

    `targets` holds every result that a fair person would accept, the intended one first: more than one only where the
    wording is ambiguous on purpose ("remove the ball" where two balls stand). Inside a dialogue, `kind` is the dialogue's
    type, `context` the earlier instructions, oldest first, `source` the scene this turn edits (an earlier version when it backtracks).
    """

    id: str
    source: Scene
    instruction: str
    changes: tuple[Change, ...]
    targets: tuple[Scene, ...]
    edit_type: EditType
    phrasing: PhrasingStyle = "plain"
    references: tuple[Scene, ...] = ()
    """Scenes on `paper` that show the object which a `visual` instruction refers to."""
    kind: EditType | None = None
    context: tuple[str, ...] = ()
    turn: int = 1
    split: Split = "train"

    @property
    def target(self) -> Scene:
        """The intended result."""
        return self.targets[0]

    @property
    def ambiguous(self) -> bool:
        """Whether several results are right."""
        return len(self.targets) > 1

    @property
    def report_type(self) -> EditType:
        """The type a report counts: the dialogue's kind inside a dialogue, else the edit type."""
        return self.kind or self.edit_type
