"""What every judge is: something that looks at a triplet and returns a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from editloop.models.roles import Mask, ModelIdentity, RgbImage
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Verdict


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """One triplet as a judge sees it: pixels and words, never where they came from.

    Args:
        source: The image before the edit.
        instruction: What was asked, in free English.
        edited: The image after the edit; another size than `source` is allowed and itself evidence.
        mask: True where the edit may change pixels, of the size of `source`; None when nobody knows.
        references: Images that the instruction refers to ("the mug of the reference image").
        context: Earlier instructions of the same dialogue, oldest first; they give pronouns their meaning.
        edit_type: What kind of edit was asked for, where somebody knows it. It chooses among the questions of a rubric
            (ImgEdit's nine, HP-Scorer's eight); judges that read the instruction themselves do not look at it.
    """

    source: RgbImage
    instruction: str
    edited: RgbImage
    mask: Mask | None = None
    references: tuple[RgbImage, ...] = ()
    context: tuple[str, ...] = ()
    edit_type: EditType | None = None


@runtime_checkable
class Judge(Protocol):
    """Scores triplets: the same object filters data, gives rewards and scores a benchmark."""

    @property
    def identity(self) -> ModelIdentity:
        """Name and version; the version changes whenever a score may change."""

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """Every `Verdict.reject_reason` that the judge can give."""

    def judge(self, request: JudgeRequest) -> Verdict:
        """The verdict on one triplet; a triplet that cannot be judged is a verdict too, never an exception."""


@runtime_checkable
class BatchJudge(Judge, Protocol):
    """A judge that is faster on several triplets at once; each verdict depends on its own triplet alone."""

    def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
        """One verdict a request, in order."""


@runtime_checkable
class WaitingJudge(BatchJudge, Protocol):
    """A judge that waits for an endpoint rather than computes: many triplets are handed to one copy of it."""

    @property
    def at_once(self) -> int:
        """Triplets that are worth handing over together."""
