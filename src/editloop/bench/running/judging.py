"""Judges of a benchmark run: any judge by its spec, and the oracle of the storybook world, which is marked as none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from editloop.core.errors import UsageError
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.registry import load_judge
from editloop.models.roles import ModelIdentity
from editloop.records.verdict import Outcome, Verdict
from editloop.world.cases import Case
from editloop.world.oracle import score_edit

ORACLE: Final = "world:oracle"
ORACLE_NOTE: Final = (
    "scored by the oracle of the storybook world, which knows the true scenes: this is the truth that judges are "
    "measured against, not a judge, and stands in no table beside one"
)


@dataclass(frozen=True, slots=True)
class Oracle:
    """What a fair person would say, from the true scenes and the pixels. Explicitly no judge: judges see pixels and words."""

    identity = ModelIdentity(ORACLE, "1", "Apache-2.0")

    def verdict(self, request: JudgeRequest, case: Case | None) -> Verdict:
        """The verdict on a storybook edit.

        Raises:
            UsageError: the item is no storybook case.
        """
        if case is None:
            raise UsageError(
                f"{ORACLE} scores storybook cases alone, made with `editloop bench build storybook`; take another judge"
            )
        try:
            found = score_edit(case, request.edited, request.source)
        except UsageError as error:
            return Verdict(
                judge=self.identity.name,
                judge_version=self.identity.version,
                scale=(1.0, 5.0),
                outcome=Outcome.FAILED,
                text=str(error),
            )
        return Verdict(
            judge=self.identity.name,
            judge_version=self.identity.version,
            scale=(1.0, 5.0),
            axes={
                "instruction": found.instruction,
                "preservation": found.preservation,
                "quality": found.quality,
            },
            evidence={"overall": found.overall},
            text=found.text,
            accepted=found.right,
            reject_reason=found.failure,
        )


def load_bench_judge(spec: str) -> Judge | Oracle:
    """The judge that `spec` names, or ``world:oracle``.

    Raises:
        UnknownNameError: with the nearest name.
    """
    return Oracle() if spec == ORACLE else load_judge(spec)


def verdicts_of(
    judge: Judge | Oracle, requests: Sequence[JudgeRequest], cases: Sequence[Case | None]
) -> list[Verdict]:
    """One verdict a request, in one call where the judge can."""
    if isinstance(judge, Oracle):
        return [judge.verdict(*pair) for pair in zip(requests, cases, strict=True)]
    together = getattr(judge, "score_many", None)
    if together is not None:
        found: list[Verdict] = together(requests)
        return found
    return [judge.judge(request) for request in requests]


def shown_name(name: str) -> str:
    """A judge's name without the options of its endpoint (cache, budget, pace), which change no answer.

    What does change answers is part of the version, so numbers stay comparable when only a budget differs.

    Example:
        >>> shown_name("rubric:imgedit?repeats=4@openai:gpt-4o@http://127.0.0.1:8000/v1?cache=calls.sqlite&max_calls=9")
        'rubric:imgedit?repeats=4@openai:gpt-4o@http://127.0.0.1:8000/v1'
    """
    return re.sub(r"(@[^?;]*)\?[^;@]*", r"\1", name)


def encoding_of(judge: object) -> str:
    """How images reach the judge: as its endpoint's settings say, else as the pixels of the files."""
    settings: Any = getattr(getattr(judge, "vlm", None), "settings", None)
    form = getattr(settings, "image", None)
    if form is None:
        return "pixels"
    parts = [f"{form}-{settings.quality}" if form == "jpeg" else str(form)]
    if settings.max_side is not None:
        parts.append(f"long-side {settings.max_side}")
    return " ".join(parts)


def waits_for_a_service(judge: object) -> bool:
    """Whether verdicts come from an endpoint, so that many should be on the way at once."""
    return hasattr(judge, "judge_many")
