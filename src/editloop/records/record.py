"""The one record from mining to benchmark."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from editloop.core.ids import content_id
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Provenance
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict

SCHEMA_VERSION: Literal[1] = 1


class Operation(StrEnum):
    """How a triplet came to be (NHR-Edit, arXiv 2507.14119, section on augmentation)."""

    ORIGINAL = "original"
    INVERSE = "inverse"
    COMPOSITION = "composition"
    BOOTSTRAP = "bootstrap"


class Box(BaseModel):
    """Pixel box, right and bottom edge excluded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.bottom - self.top

    @property
    def area(self) -> int:
        """Pixels inside."""
        return max(0, self.width) * max(0, self.height)


class Subject(BaseModel):
    """An object that the instruction speaks of, as it stands in the source image (or the target for `add`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    box: Box
    area_frac: float = Field(ge=0, le=1)
    score: float | None = None
    similarity: float | None = None


class Phrasing(BaseModel):
    """One wording of the same instruction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    style: Literal["terse", "plain", "detailed", "casual"]
    text: str


class Turn(BaseModel):
    """Place of a triplet inside a dialogue; turns count from 1.

    `base_turn` is the turn whose result this turn edits (0 is the dialogue's first image): the record's `source` is that
    image. `history` holds what was said before this turn's instruction, oldest first, the premise included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dialogue_id: str
    kind: EditType
    turn: int = Field(ge=1)
    turns: int = Field(ge=2)
    base_turn: int = Field(ge=0)
    history: tuple[str, ...] = ()


class EditRecord(BaseModel):
    """A source image, an instruction and, once made, the edited image (`target`), with its whole history.

    `instruction` is the main wording; `phrasings` holds others that mean the same. `mask` marks what the edit may
    change (an 8-bit PNG, 255 = may change). In a dialogue, `edit_type` is what this turn does and `turn.kind` is the
    kind of dialogue.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    source: ImageRef
    instruction: str = Field(min_length=1)
    edit_type: EditType
    phrasings: tuple[Phrasing, ...] = ()
    target: ImageRef | None = None
    mask: ImageRef | None = None
    references: tuple[ImageRef, ...] = ()
    subjects: tuple[Subject, ...] = ()
    turn: Turn | None = None
    parents: tuple[str, ...] = ()
    operation: Operation = Operation.ORIGINAL
    provenance: Provenance
    verdicts: tuple[Verdict, ...] = ()

    @model_validator(mode="after")
    def _dialogue_kind(self) -> EditRecord:
        if self.edit_type.is_dialogue:
            raise ValueError(
                f"edit_type {self.edit_type} is a kind of dialogue: put it in turn.kind, and what the turn does in edit_type"
            )
        return self

    @property
    def kind(self) -> EditType:
        """The type a report counts: the dialogue's kind inside a dialogue, else the edit type."""
        return self.turn.kind if self.turn else self.edit_type

    @property
    def verdict(self) -> Verdict | None:
        """The latest verdict."""
        return self.verdicts[-1] if self.verdicts else None


def record_id(source_sha256: str, recipe: str, candidate: str, seed: int) -> str:
    """Identity of a record: hash of (source bytes, recipe, candidate, seed)."""
    return content_id("record", source_sha256, recipe, candidate, seed)
