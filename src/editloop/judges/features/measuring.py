"""A judge whose verdict carries every feature of a triplet as evidence: what a fitted judge reads, computed and kept once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from editloop.core.ids import content_id
from editloop.judges.base import Judge, JudgeRequest, WaitingJudge
from editloop.judges.features.words import word_features
from editloop.judges.intent import read_instruction
from editloop.models.roles import ModelIdentity
from editloop.records.verdict import Outcome, Verdict

PREFIX = "features:"
_CODE_VERSION = 1


class Extractor(Protocol):
    """Measures a triplet around the judge `judge`."""

    @property
    def judge(self) -> Judge:
        """Whose scores, reasons and decision the measured verdict repeats."""

    @property
    def version(self) -> str:
        """Changes whenever a feature may change."""

    def measure(self, request: JudgeRequest) -> tuple[Verdict, dict[str, float]]:
        """The judge's verdict, and features under names of the form ``block.feature``."""


class JudgeExtractor:
    """Features of any judge: its scores, evidence and flags, and what the words say."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    @property
    def version(self) -> str:
        """Of the judge and of this code."""
        identity = self.judge.identity
        return content_id(_CODE_VERSION, identity.name, identity.version)[:12]

    def measure(self, request: JudgeRequest) -> tuple[Verdict, dict[str, float]]:
        """As `Extractor.measure`; a verdict without scores has no features."""
        verdict = self.judge.judge(request)
        return verdict, self.features_of(request, verdict)

    def features_of(self, request: JudgeRequest, verdict: Verdict) -> dict[str, float]:
        """The features of a triplet that the judge has seen already."""
        if verdict.outcome is not Outcome.SCORED:
            return {}
        words = word_features(read_instruction(request.instruction, request.context))
        return {
            **{f"scores.{name}": value for name, value in verdict.axes.items()},
            **{f"scores.flag_{name}": float(value) for name, value in verdict.flags.items()},
            **{f"evidence.{name}": value for name, value in verdict.evidence.items()},
            **{f"words.{name}": value for name, value in words.items()},
        }


class MeasuringJudge:
    """Spec ``features:BASE``: the verdict of BASE with all features of the triplet in `Verdict.evidence`."""

    def __init__(self, base: str, extractor: Extractor) -> None:
        self._base, self._extractor = base, extractor

    @property
    def identity(self) -> ModelIdentity:
        """The version covers the base judge and the features."""
        licence = self._extractor.judge.identity.licence
        return ModelIdentity(f"{PREFIX}{self._base}", self._extractor.version, licence)

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """Those of the base judge."""
        return self._extractor.judge.reject_reasons

    def judge(self, request: JudgeRequest) -> Verdict:
        """The verdict on one triplet."""
        return self._told(*self._extractor.measure(request))

    def _told(self, verdict: Verdict, features: dict[str, float]) -> Verdict:
        identity = self.identity
        return verdict.model_copy(
            update={
                "judge": identity.name,
                "judge_version": identity.version,
                "evidence": {name: round(value, 6) for name, value in features.items()},
            }
        )


class WaitingMeasuringJudge(MeasuringJudge):
    """The same around a judge that waits for an endpoint: as many questions at once as that judge takes, each with its edit type."""

    def __init__(self, base: str, judge: WaitingJudge) -> None:
        self._extracting = JudgeExtractor(judge)
        super().__init__(base, self._extracting)
        self._waiting = judge

    @property
    def at_once(self) -> int:
        """As many as the base judge takes."""
        return self._waiting.at_once

    def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
        """One verdict a request, in order."""
        verdicts = self._waiting.score_many(requests)
        return [
            self._told(verdict, self._extracting.features_of(request, verdict))
            for request, verdict in zip(requests, verdicts, strict=True)
        ]


def measuring_judge(base: str) -> MeasuringJudge:
    """Measures around the judge `base`: richly where its models are embedded, else what the judge itself says.

    Raises:
        UnknownNameError: there is no such judge.
    """
    if base == "embedded:evidence":
        from editloop.judges.features.extract import embedded_extractor

        return MeasuringJudge(base, embedded_extractor())
    from editloop.judges.registry import load_judge

    judge = load_judge(base)
    if isinstance(judge, WaitingJudge):
        return WaitingMeasuringJudge(base, judge)
    return MeasuringJudge(base, JudgeExtractor(judge))
