"""What a judge said about one triplet: native scale, raw reply, and how the reading went."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, model_validator

OVERALL: Final = "overall"
"""Name of a judge's score of the whole edit, as an axis or as evidence."""


class Outcome(StrEnum):
    """How the judgement ended. Only `SCORED` carries scores; the others are never read as zero."""

    SCORED = "scored"
    UNPARSABLE = "unparsable"
    REFUSED = "refused"
    FAILED = "failed"


class Verdict(BaseModel):
    """One judge's judgement of one triplet.

    `axes` maps an axis name to a score on the native `scale` (both ends included); conversion to any other scale
    happens on reading. `flags` are the judge's yes/no answers, such as ImgEdit's ``objects_match``. `accepted` is
    the judge's own decision where it makes one, with `reasons` in words and, for a rejection, `reject_reason` as a stable
    machine-readable code such as ``still_there``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    judge_version: str
    prompt_version: str | None = None
    temperature: float | None = None
    scale: tuple[float, float]
    axes: dict[str, float] = {}
    flags: dict[str, bool] = {}
    evidence: dict[str, float] = {}
    text: str = ""
    reasons: tuple[str, ...] = ()
    accepted: bool | None = None
    reject_reason: str | None = None
    outcome: Outcome = Outcome.SCORED
    raw_reply: str | None = None

    @model_validator(mode="after")
    def _scores_fit(self) -> Verdict:
        low, high = self.scale
        if self.outcome is not Outcome.SCORED and self.axes:
            raise ValueError(f"a verdict that is {self.outcome} carries no scores, got {self.axes}")
        for axis, value in self.axes.items():
            if not low <= value <= high:
                raise ValueError(f"axis {axis!r} is {value}, outside the scale {self.scale}")
        return self

    @property
    def overall(self) -> float | None:
        """The judge's score of the whole edit on the native scale, or None when unscored.

        It is the axis ``overall`` where there is one, else the evidence of that name (a rubric's item score: NoHumansRequired's
        geometric mean, VIEScore's root of SC times PQ; a network's own answer), else the mean of the axes.
        """
        if not self.axes:
            return None
        named = (self.axes.get(OVERALL), *map(self.evidence.get, (OVERALL, f"evidence.{OVERALL}")))
        mean = sum(self.axes.values()) / len(self.axes)
        return next((score for score in named if score is not None), mean)
