"""What flows through the recipe before there is a triplet: scene prompt, drawn source, candidate.

ScenePrompt --draw--> DrawnSource --gate--> DrawnSource --try edits--> Candidate --filters--> Candidate --select--> EditRecord
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Step
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict


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
    steps: tuple[Step, ...] = ()


class Candidate(_Record):
    """One try of one edit of one source, with what the judges said."""

    id: str
    source: DrawnSource
    edit: PlannedEdit
    edited: ImageRef
    seed: int
    verdicts: tuple[Verdict, ...] = ()
    steps: tuple[Step, ...] = ()
