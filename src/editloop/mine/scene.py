"""What flows through the mining pipeline before there is a triplet: file, photo, scene, task.

PhotoFile --source filter--> Photo --objects--> Scene --plan--> EditTask --edit--> EditRecord
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from editloop.models.roles import Model
from editloop.records.image_ref import ImageRef
from editloop.records.provenance import Origin, Step
from editloop.records.record import Box, Subject
from editloop.records.taxonomy import EditType


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def model_step(stage: str, version: str, model: Model) -> Step:
    """The provenance of one model's part in a stage."""
    identity = model.identity
    return Step(stage=stage, version=version, model=identity.name, model_version=identity.version)


class PhotoFile(_Record):
    """A file that may hold a photograph; `path` is percent-encoded. `problem` is set when it could not even be read."""

    id: str
    path: str
    origin: Origin
    problem: str = ""
    detail: str = ""


class Photo(_Record):
    """A usable photograph, at working size.

    `quality` and `sharpness` are in [0, 1]; `phash` is a 64-bit perceptual hash in hex.
    """

    id: str
    image: ImageRef
    origin: Origin
    quality: float
    sharpness: float
    phash: str = Field(pattern="^[0-9a-f]{16}$")
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


class ColourOption(_Record):
    """A colour the object may take, and the share of its pixels that would change."""

    colour: str
    share: float


class Region(_Record):
    """One object of a scene with its matte.

    `label` is an everyday noun, or empty when the models do not agree on one. `score` is the detector's confidence
    (0 when only the segmenter found it), `similarity` the tagger's summed probability of the label on the region's
    crop. Fractions are of the image area.
    """

    key: str
    label: str
    category: str
    box: Box
    box_frac: float
    mask_frac: float
    score: float
    similarity: float
    salient: bool
    matte: ImageRef
    crispness: float
    touches: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    recolours: tuple[ColourOption, ...] = ()
    materials: tuple[str, ...] = ()
    lights: tuple[str, ...] = ()
    cutout_problem: str = ""


class Scene(_Record):
    """A photograph and the objects found in it.

    `view` names the landscape (mountain, beach ...) of a photograph without a main object, else it is empty.
    `tones` and `styles` are those that suit the photograph.
    """

    id: str
    photo: Photo
    regions: tuple[Region, ...]
    view: str = ""
    tones: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


class Donor(_Record):
    """A cut-out or a background taken from another photograph."""

    photo_id: str
    origin: Origin
    image: ImageRef
    matte: ImageRef | None = None
    box: Box | None = None
    label: str = ""
    category: str = ""


OperationName = Literal[
    "remove",
    "replace",
    "add",
    "recolour",
    "retexture",
    "background",
    "extract",
    "style",
    "tone",
    "bokeh",
    "relight",
    "restore_original",
]


class PlannedOperation(_Record):
    """One procedural operation on the object `region`.

    `restore_original` puts the photograph's own object back: the reverse of a removal.
    """

    name: OperationName
    region: str = ""
    parameters: dict[str, JsonValue] = {}
    donor: Donor | None = None


class Slots(_Record):
    """The words that the instruction of one operation is made of; the place is added once the edit is made."""

    edit_type: EditType
    object: str = ""
    new_object: str = ""
    colour: str = ""
    material: str = ""
    look: str = ""
    detail: str = ""


class PlannedTurn(_Record):
    """One instruction to be (one `Slots` an operation that it names) and the operations that carry it out.

    The operations are applied to the result of `base_turn` (0 = the dialogue's first image).
    """

    edit_type: EditType
    slots: tuple[Slots, ...]
    operations: tuple[PlannedOperation, ...]
    base_turn: int = 0
    subjects: tuple[Subject, ...] = ()
    with_reference: bool = False


class EditTask(_Record):
    """What will be edited, before any pixel is touched.

    `opening` makes a dialogue's first image. `premise` is a tone that every answer of a content-memory dialogue must
    have. `with_inverse` asks for the reverse triplet too (a removal read backwards is an addition).
    """

    id: str
    kind: EditType
    photo: Photo
    regions: tuple[Region, ...] = ()
    opening: tuple[PlannedOperation, ...] = ()
    turns: tuple[PlannedTurn, ...]
    premise: str = ""
    with_inverse: bool = False
    steps: tuple[Step, ...] = ()
