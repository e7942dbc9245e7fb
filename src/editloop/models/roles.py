"""The roles a model can play, each a small Protocol.

Images cross these borders as NumPy arrays: RGB uint8 of shape (h, w, 3). A matte is float32 (h, w) in [0, 1]; a mask
is bool (h, w), True = belongs to the object / may change. Boxes are pixels, right and bottom excluded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from editloop.models.vlms.messages import VlmAnswer, VlmReply, VlmRequest
from editloop.records.record import Box
from editloop.records.taxonomy import EditType

RgbImage: TypeAlias = NDArray[np.uint8]
Matte: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What provenance and cache keys record about a model."""

    name: str
    """The spec string it was made from, for example ``embedded:nanodet``."""
    version: str
    """Changes whenever outputs may change: weights checksum plus a hand-kept code version."""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Detection:
    """One detected object; `score` is the detector's own confidence in [0, 1]."""

    label: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True)
class Tag:
    """One label of a closed vocabulary with its probability."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class TextRegion:
    """A line of text found in an image."""

    text: str
    score: float
    box: Box


class Model(Protocol):
    """What every role shares."""

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and licence for provenance and cache keys."""


@runtime_checkable
class Detector(Model, Protocol):
    """Finds objects."""

    def detect(self, image: RgbImage, *, threshold: float = 0.3) -> list[Detection]:
        """Detections with score >= `threshold`, best first."""


@runtime_checkable
class Segmenter(Model, Protocol):
    """Cuts out objects."""

    def matte(self, image: RgbImage, box: Box | None = None) -> Matte:
        """Matte of the object in `box`, or of the salient object(s) of the frame."""


@runtime_checkable
class Tagger(Model, Protocol):
    """Relates images to words."""

    def tags(self, images: Sequence[RgbImage], top: int = 5) -> list[list[Tag]]:
        """For each image, its `top` tags, most probable first."""

    def probabilities(self, images: Sequence[RgbImage]) -> NDArray[np.float32]:
        """Probabilities over the tagger's 1,000 ImageNet classes, shape (images, 1000), rows summing to 1."""

    def similarity(self, images: Sequence[RgbImage], texts: Sequence[str]) -> NDArray[np.float32]:
        """Similarity in [-1, 1] of every image with every text, shape (images, texts)."""


@runtime_checkable
class TextEmbedder(Model, Protocol):
    """Embeds text."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (texts, dim)."""


@runtime_checkable
class Remover(Model, Protocol):
    """Fills a hole from its surroundings."""

    def remove(self, image: RgbImage, mask: Mask, *, seed: int) -> RgbImage:
        """`image` with every True pixel of `mask` filled in; all other pixels unchanged."""


@runtime_checkable
class QualityModel(Model, Protocol):
    """No-reference technical quality (not aesthetics)."""

    def quality(self, image: RgbImage) -> float:
        """Technical quality in [0, 1], 1 best."""


@runtime_checkable
class TextReader(Model, Protocol):
    """Reads text in images."""

    def read(self, image: RgbImage) -> list[TextRegion]:
        """Lines of text, top to bottom."""


@dataclass(frozen=True, slots=True)
class ForensicReading:
    """Whether an image looks tampered with. `score` grows with suspicion on a scale of the detector's own; `text` is its reply."""

    fake: bool
    score: float
    text: str = ""


@runtime_checkable
class ForensicDetector(Model, Protocol):
    """Tells edited or generated images from untouched photographs, or tries to."""

    def examine(self, images: Sequence[RgbImage]) -> list[ForensicReading | None]:
        """One reading an image, in order; None where the detector gave no answer."""


@dataclass(frozen=True, slots=True)
class EditRequest:
    """What an editor is asked to do.

    Instruction-following editors read `instruction`; procedural editors read `plan`, the structured form of the same
    edit, and refuse a request without one.
    """

    image: RgbImage
    instruction: str
    seed: int
    mask: Mask | None = None
    references: tuple[RgbImage, ...] = ()
    context: tuple[str, ...] = ()
    """Earlier instructions of the same dialogue, oldest first."""
    plan: Any = None
    edit_type: EditType | None = None
    """What kind of edit this is, for judges whose question follows it; editors do not look at it."""


@dataclass(frozen=True, slots=True)
class EditResult:
    """The edited image and, where the editor knows it, what it changed."""

    image: RgbImage
    changed: Mask | None = None
    facts: dict[str, float] = field(default_factory=dict)


@runtime_checkable
class Editor(Model, Protocol):
    """Edits an image."""

    def edit(self, request: EditRequest) -> EditResult:
        """The edited image, same size as the source unless the editor says otherwise."""


@runtime_checkable
class BatchEditor(Editor, Protocol):
    """An editor that is faster on several requests at once; each result depends on its own request and seed alone."""

    def edit_many(self, requests: Sequence[EditRequest]) -> list[EditResult]:
        """One result a request, in order."""


@runtime_checkable
class WaitingEditor(BatchEditor, Protocol):
    """An editor that waits for an endpoint rather than computes: many requests should be on the way at once."""

    async def edit_async(self, request: EditRequest) -> EditResult:
        """The edited image.

        Raises:
            BadInputError: the editor refuses.
            ModelCallError: there is no answer.
        """


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a text-to-image model is asked for."""

    prompt: str
    seed: int
    width: int | None = None
    """Pixels; None leaves the size to the model."""
    height: int | None = None


@runtime_checkable
class Generator(Model, Protocol):
    """Makes images from words."""

    def generate_many(self, requests: Sequence[GenerationRequest]) -> list[RgbImage]:
        """One image a request, in order; each depends on its own request alone."""


@runtime_checkable
class Vlm(Model, Protocol):
    """Answers questions about images in words."""

    async def ask(self, request: VlmRequest) -> VlmReply:
        """The reply to one request.

        Raises:
            ModelCallError: when there is no answer; `BudgetError` when a cap does not allow the call.
        """

    def ask_many(
        self,
        requests: Sequence[VlmRequest],
        on_reply: Callable[[int, VlmAnswer], None] | None = None,
    ) -> list[VlmAnswer]:
        """One reply or error a request, in order; a call that fails never costs the others.

        Args:
            requests: The questions.
            on_reply: Called in the caller's thread with the place and the answer, as answers come.
        """
