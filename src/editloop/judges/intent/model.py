"""What an instruction asks for, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from editloop.records.taxonomy import EditType

WHOLE_LOOKS = frozenset(
    {EditType.STYLE, EditType.TONE, EditType.RELIGHT, EditType.BOKEH, EditType.RESTORE}
)
"""Operations that may change every pixel."""


class Place(StrEnum):
    """Where in the frame, as people say it."""

    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"
    CENTRE = "centre"
    FOREGROUND = "foreground"
    BACKGROUND = "background"


class Change(StrEnum):
    """Which property an `adjust` step changes."""

    COLOUR = "colour"
    MATERIAL = "material"
    PATTERN = "pattern"
    SIZE = "size"
    BRIGHTNESS = "brightness"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """A thing that the instruction names.

    `head` is the noun without its qualities, in the singular ("armchair" of "the green armchair by the window");
    `owner` is set where the phrase names a part ("bird" of "the bird's wings").
    """

    text: str
    head: str
    colours: tuple[str, ...] = ()
    material: str = ""
    size: str = ""
    places: tuple[Place, ...] = ()
    landmark: str = ""
    owner: str = ""
    plural: bool = False
    indefinite: bool = False

    @property
    def whole(self) -> str:
        """The noun to look for in a picture: the owner of a part, else the head."""
        return self.owner or self.head


@dataclass(frozen=True, slots=True)
class IntentStep:
    """One operation.

    `targets` stand in the source image, `results` in the edited one. `words` are the asked looks (style, tone,
    material or background words) as written. `back_to` is the turn to return to: 0 the first image of the dialogue,
    -1 the one before the last edit.
    """

    edit_type: EditType
    targets: tuple[NounPhrase, ...] = ()
    results: tuple[NounPhrase, ...] = ()
    change: Change | None = None
    colours: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    light_from: Place | None = None
    from_reference: bool = False
    back_to: int | None = None

    @property
    def target(self) -> NounPhrase | None:
        """The first target."""
        return self.targets[0] if self.targets else None

    @property
    def result(self) -> NounPhrase | None:
        """The first result."""
        return self.results[0] if self.results else None


@dataclass(frozen=True, slots=True)
class Intent:
    """A whole instruction; no operations means that it could not be read."""

    text: str
    operations: tuple[IntentStep, ...] = ()
    premise: IntentStep | None = field(default=None)
    """A standing wish of an earlier turn ("from now on everything in blue")."""

    @property
    def new_look(self) -> bool:
        """Whether an operation or a standing wish changes the look of the whole picture."""
        steps = (*self.operations, *([self.premise] if self.premise else []))
        return any(step.edit_type in WHOLE_LOOKS for step in steps)

    @property
    def edit_type(self) -> EditType | None:
        """The one type of all operations, `COMPOSE` for two and more different operations, None when unread."""
        edits = [step for step in self.operations if step.back_to is None]
        if not edits:
            return EditType.VERSION_BACKTRACKING if self.operations else None
        return edits[0].edit_type if len(edits) == 1 else EditType.COMPOSE
