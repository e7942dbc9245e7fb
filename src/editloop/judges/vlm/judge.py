"""A judge that puts a rubric to a vision-language model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from editloop.core.errors import ModelCallError, UsageError
from editloop.core.ids import content_id
from editloop.judges.base import JudgeRequest
from editloop.judges.parsing.reading import ReadingMode
from editloop.judges.rubrics.readings import has_official
from editloop.judges.rubrics.rubric import Question, Rubric
from editloop.judges.vlm.asking import kept_answer, question_request, unreadable
from editloop.judges.vlm.replies import KeptReplies
from editloop.judges.vlm.scoring import Scores, scores_of
from editloop.judges.vlm.settings import READER_VERSION, RubricSettings
from editloop.models.roles import ModelIdentity, Vlm
from editloop.models.vlms.messages import VlmAnswer, VlmRequest
from editloop.records.verdict import Outcome, Verdict

IN_FLIGHT: Final = 64
"""Questions that `judge_many` has on the way at once, by default; an adapter's own limits hold as well."""
AT_ONCE: Final = 128


@dataclass(frozen=True)
class RubricJudge:
    """Asks a model the questions of a rubric and reads its replies. Every reply is kept in the verdict.

    Args:
        rubric: What is asked.
        vlm: Who is asked.
        settings: How.
        name: Spec string under which the judge is known.

    Raises:
        UsageError: official readings are wanted of a rubric whose script was never published.
    """

    rubric: Rubric
    vlm: Vlm
    settings: RubricSettings = field(default_factory=RubricSettings)
    name: str = ""

    def __post_init__(self) -> None:
        silent = [one.name for one in self.rubric.questions if not has_official(one.reading)]
        if self.settings.reading is ReadingMode.OFFICIAL and silent:
            raise UsageError(
                f"no published script reads replies to {self.rubric.name!r}, so there is no official reading of them: "
                "use reading=robust"
            )

    @property
    def identity(self) -> ModelIdentity:
        """The version covers the model, the words of the rubric, every option, and how replies are read."""
        asked = self.vlm.identity
        options = self.settings.model_dump(mode="json", exclude={"prompts"})
        version = content_id(asked.version, self.rubric.version, options, READER_VERSION)[:16]
        return ModelIdentity(self.name or f"rubric:{self.rubric.name}@{asked.name}", version)

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """One for every yes/no question; scores alone decide nothing."""
        flags = [one.reading for one in self.rubric.questions if one.reading.startswith("yes_no:")]
        return tuple(f"not_{flag.removeprefix('yes_no:')}" for flag in flags)

    @property
    def at_once(self) -> int:
        """Enough to keep an endpoint busy, few enough for the pictures to fit in memory."""
        return AT_ONCE

    def judge(self, request: JudgeRequest) -> Verdict:
        """The verdict on one triplet."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
        """One verdict a request, in order; all questions are on the way together, as the adapter allows."""
        plans = [_Plan(self, request) for request in requests]
        answers = iter(self.vlm.ask_many([one for plan in plans for one in plan.asked]))
        return [plan.verdict([next(answers) for _ in plan.asked]) for plan in plans]

    async def judge_many(
        self, requests: Sequence[JudgeRequest], in_flight: int = IN_FLIGHT
    ) -> list[Verdict]:
        """The same inside a running event loop, with at most `in_flight` questions on the way."""
        gate = asyncio.Semaphore(in_flight)

        async def ask(request: VlmRequest) -> VlmAnswer:
            async with gate:
                try:
                    return await self.vlm.ask(request)
                except ModelCallError as error:
                    return error

        async def judge(plan: _Plan) -> Verdict:
            return plan.verdict(await asyncio.gather(*map(ask, plan.asked)))

        return list(await asyncio.gather(*(judge(_Plan(self, request)) for request in requests)))


class _Plan:
    """What is asked about one edit."""

    def __init__(self, judge: RubricJudge, request: JudgeRequest) -> None:
        self._judge = judge
        self._broken = unreadable((request.source, request.edited, *request.references))
        questions = judge.rubric.questions_for(request.edit_type)
        if not questions and self._broken is None:
            kind = "an edit of unknown type" if request.edit_type is None else request.edit_type
            self._broken = f"the rubric {judge.rubric.name!r} has no question for {kind}"
        self._questions: list[tuple[Question, int]] = (
            [(one, sample) for sample in range(judge.settings.repeats) for one in questions]
            if self._broken is None
            else []
        )
        self.asked = [
            question_request(judge.rubric, question, request, judge.settings, sample)
            for question, sample in self._questions
        ]

    def verdict(self, answers: Sequence[VlmAnswer]) -> Verdict:
        """What the answers to `asked` say."""
        judge = self._judge
        settings, scale = judge.settings, judge.rubric.scale
        if self._broken is not None:
            failed = Scores(Outcome.FAILED, scale, text=self._broken, reasons=(self._broken,))
            return verdict_of(judge, failed, None)
        kept = KeptReplies(
            scale=scale,
            combine=judge.rubric.combine,
            middle=settings.middle,
            readout=settings.readout,
            cap=settings.cap,
            replies=tuple(
                kept_answer(question, answer, scale, sample)
                for (question, sample), answer in zip(self._questions, answers, strict=True)
            ),
        )
        return verdict_of(judge, scores_of(kept, settings.reading), kept.dumped())


def verdict_of(judge: RubricJudge, scores: Scores, raw: str | None) -> Verdict:
    """The verdict of a judge from scores."""
    identity, rubric = judge.identity, judge.rubric
    accepted, reject_reason = decision(scores, judge.reject_reasons)
    return Verdict(
        judge=identity.name,
        judge_version=identity.version,
        prompt_version=f"{rubric.name}/{rubric.version}",
        temperature=judge.settings.sampled_at,
        scale=scores.scale,
        axes=scores.axes,
        flags=scores.flags,
        evidence=scores.evidence,
        text=scores.text,
        reasons=scores.reasons,
        accepted=accepted,
        reject_reason=reject_reason,
        outcome=scores.outcome,
        raw_reply=raw,
    )


def decision(scores: Scores, reject_reasons: Sequence[str]) -> tuple[bool | None, str | None]:
    """Accepted unless a yes/no question was answered no; undecided without one, and where it had no answer."""
    names = [reason.removeprefix("not_") for reason in reject_reasons]
    if scores.outcome is not Outcome.SCORED or any(name not in scores.flags for name in names):
        return None, None
    said_no = next((name for name in names if not scores.flags[name]), None)
    if not names:
        return None, None
    return said_no is None, None if said_no is None else f"not_{said_no}"
