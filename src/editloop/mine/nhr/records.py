"""What flows through the recipe before there is a triplet: a scene prompt with its edits, then a drawn source."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Step
from editloop.records.taxonomy import EditType


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedEdit(_Record):
    """One edit of a scene.

    `truth` is the storybook case behind it as JSON, where there is one: no model sees it. It writes inverse and composed
    instructions, and lets the oracle audit what the filters let through.
    """

    key: str
    instruction: str
    edit_type: EditType
    truth: str | None = None


class ScenePrompt(_Record):
    """A text-to-image prompt and the edits that were thought up with it (prompt A.1 of the paper)."""

    id: str
    prompt: str
    edits: tuple[PlannedEdit, ...] = Field(min_length=1)


class DrawnSource(_Record):
    """One picture of a prompt."""

    id: str
    prompt: ScenePrompt
    image: ImageRef
    seed: int
    licence: str = ""
    steps: tuple[Step, ...] = ()
