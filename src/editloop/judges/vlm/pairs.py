"""Two edits of one picture against each other, asked in both orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from editloop.core.errors import ModelCallError
from editloop.core.ids import content_id
from editloop.judges.parsing.reading import ReadingMode
from editloop.judges.parsing.votes import Vote, VoteReading, read_vote
from editloop.judges.rubrics.rubric import Rubric, load_rubric
from editloop.judges.vlm.asking import build_request, unreadable
from editloop.judges.vlm.settings import READER_VERSION, RubricSettings
from editloop.models.roles import ModelIdentity, RgbImage, Vlm
from editloop.models.vlms.messages import VlmAnswer, VlmFinish, VlmRequest
from editloop.records.taxonomy import EditType
from editloop.records.verdict import Outcome

Orders = Literal["both", "forward"]


@dataclass(frozen=True, slots=True)
class PairRequest:
    """Two edits of one source by one instruction; fields as in `JudgeRequest`."""

    source: RgbImage
    instruction: str
    first: RgbImage
    second: RgbImage
    edit_type: EditType | None = None
    references: tuple[RgbImage, ...] = ()
    context: tuple[str, ...] = ()


class PairVerdict(BaseModel):
    """Which of two edits is better.

    Args:
        judge: Name of the judge.
        judge_version: Its version.
        prompt_version: Rubric and its version.
        outcome: `SCORED` when every order that was asked for could be read.
        vote: The answer; a tie where the two orders disagree. None when unscored.
        votes: The answers of the single orders, as seen from the request's own order.
        flipped: Whether the two orders disagree; None when only one was asked or read.
        reason: Why there is no vote.
        raw_replies: The replies, one an order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    judge_version: str
    prompt_version: str
    outcome: Outcome = Outcome.SCORED
    vote: Vote | None = None
    votes: tuple[Vote | None, ...] = ()
    flipped: bool | None = None
    reason: str = ""
    raw_replies: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairJudge:
    """Asks a model which of two edits is better.

    A judge that prefers a position and not an edit gives itself away when the order is swapped: such a pair is a tie, and
    the share of such pairs (`judges.panel.flip_rate`) is part of every report.

    Args:
        vlm: Who is asked.
        settings: As of a rubric judge; `repeats`, `readout`, `middle` and `cap` play no part.
        rubric: What is asked.
        orders: ``forward`` asks once, as GenAI-Bench does.
        name: Spec string under which the judge is known.
    """

    vlm: Vlm
    settings: RubricSettings = field(default_factory=RubricSettings)
    rubric: Rubric = field(default_factory=lambda: load_rubric("pair"))
    orders: Orders = "both"
    name: str = ""

    @property
    def identity(self) -> ModelIdentity:
        """The version covers the model, the words, the options and how replies are read."""
        asked = self.vlm.identity
        options = self.settings.model_dump(mode="json", exclude={"prompts"})
        version = content_id(
            asked.version, self.rubric.version, options, self.orders, READER_VERSION
        )
        return ModelIdentity(self.name or f"rubric:{self.rubric.name}@{asked.name}", version[:16])

    def compare(self, request: PairRequest) -> PairVerdict:
        """The verdict on one pair."""
        return self.compare_many([request])[0]

    def compare_many(self, requests: Sequence[PairRequest]) -> list[PairVerdict]:
        """One verdict a pair, in order."""
        plans = [self._asked(request) for request in requests]
        answers = iter(self.vlm.ask_many([one for plan in plans for one in plan]))
        return [
            self._verdict([next(answers) for _ in plan])
            if plan
            else self._unscored(Outcome.FAILED, _broken(request) or "")
            for request, plan in zip(requests, plans, strict=True)
        ]

    def _asked(self, request: PairRequest) -> list[VlmRequest]:
        if _broken(request) is not None:
            return []
        shown = [(request.first, request.second)]
        if self.orders == "both":
            shown.append((request.second, request.first))
        return [
            build_request(
                self.rubric,
                self.rubric.questions[0],
                {"source": request.source, "first": first, "second": second},
                request.instruction,
                self.settings,
                context=request.context,
                references=request.references,
            )
            for first, second in shown
        ]

    def _verdict(self, answers: Sequence[VlmAnswer]) -> PairVerdict:
        readings = [_read(answer, self.settings.reading) for answer in answers]
        raw = tuple(
            str(one) if isinstance(one, ModelCallError) else one.text or one.refusal or ""
            for one in answers
        )
        return self._unscored(Outcome.SCORED, "").model_copy(
            update={**merged_votes(readings), "raw_replies": raw}
        )

    def _unscored(self, outcome: Outcome, reason: str) -> PairVerdict:
        identity = self.identity
        return PairVerdict(
            judge=identity.name,
            judge_version=identity.version,
            prompt_version=f"{self.rubric.name}/{self.rubric.version}",
            outcome=outcome,
            reason=reason,
        )


def merged_votes(readings: Sequence[VoteReading]) -> dict[str, object]:
    """Fields of a `PairVerdict` from the readings of the forward and, if asked, the swapped order."""
    votes = [reading.vote for reading in readings]
    if len(votes) == 2 and votes[1] is not None:
        votes[1] = votes[1].swapped
    lost = next((reading for reading in readings if reading.vote is None), None)
    if lost is not None:
        return {
            "outcome": Outcome.UNPARSABLE if lost.outcome is Outcome.SCORED else lost.outcome,
            "votes": tuple(votes),
            "reason": lost.reason,
        }
    agree = len(set(votes)) == 1
    return {
        "outcome": Outcome.SCORED,
        "vote": votes[0] if agree else Vote.TIE,
        "votes": tuple(votes),
        "flipped": None if len(votes) == 1 else not agree,
    }


def _read(answer: VlmAnswer, mode: ReadingMode) -> VoteReading:
    if isinstance(answer, ModelCallError):
        return VoteReading(Outcome.FAILED, reason=f"call_failed ({str(answer)[:200]})")
    if mode is ReadingMode.ROBUST and answer.finish in (VlmFinish.REFUSAL, VlmFinish.FILTERED):
        return VoteReading(Outcome.REFUSED, reason=str(answer.finish))
    return read_vote(answer.text, mode)


def _broken(request: PairRequest) -> str | None:
    return unreadable((request.source, request.first, request.second, *request.references))
