"""The replies behind one verdict, kept in `Verdict.raw_reply` with all that is needed to read them again."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from editloop.judges.parsing.protocols import Cap
from editloop.judges.rubrics.rubric import Combination
from editloop.judges.vlm.settings import Middle, Readout

Ending = Literal["stop", "length", "refusal", "filtered", "empty", "failed"]
_MARK: Final = '{"kept":"replies"'


class KeptReply(BaseModel):
    """One reply as it came.

    Args:
        question: Name of the question in its rubric.
        reading: Key of its reading.
        sample: Number of the repeat, or of the judge in a panel.
        ending: How it ended; ``failed`` is a call without an answer, with the error as its text.
        text: The reply; empty where the model gave none.
        model: The revision that the endpoint says it ran.
        expected: Axis -> mean, spread and mass of the score tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    reading: str
    sample: int = 0
    ending: Ending = "stop"
    text: str = ""
    model: str = ""
    expected: dict[str, tuple[float, float, float]] = {}


class KeptReplies(BaseModel):
    """All replies about one edit and how they make one verdict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kept: Literal["replies"] = "replies"
    scale: tuple[float, float]
    combine: Combination = "mean"
    middle: Middle = "mean"
    readout: Readout = "written"
    cap: Cap = "prompt"
    replies: tuple[KeptReply, ...]

    def dumped(self) -> str:
        """As `Verdict.raw_reply` holds it."""
        return self.model_dump_json()


def kept_replies(raw: str | None) -> KeptReplies | None:
    """The replies in a verdict's `raw_reply`; None when it holds something else."""
    if raw is None or not raw.startswith(_MARK):
        return None
    try:
        return KeptReplies.model_validate_json(raw)
    except ValidationError:
        return None


def reply_texts(raw: str | None) -> list[str]:
    """The plain replies behind a verdict, in the order they were asked for."""
    kept = kept_replies(raw)
    if kept is None:
        return [] if raw is None else [raw]
    return [reply.text for reply in kept.replies]
