"""A judge with a calibrated read-out: still a judge, for filtering, reward and benchmark alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import UsageError
from editloop.core.ids import sha256_hex
from editloop.judges.base import JudgeRequest
from editloop.judges.calibrate.calibration import Calibration
from editloop.judges.calibrate.described import DescribingJudge
from editloop.models.roles import ModelIdentity
from editloop.records.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class CalibratedJudge:
    """Another judge, with scores as people would give them.

    Text, reasons and the decision to reject stay the other judge's own.

    Args:
        name: Spec string under which the calibrated judge is known.
        within: What looks at the pictures.
        calibration: Fitted to that judge.

    Raises:
        UsageError: when the calibration was fitted to another judge or version.
    """

    name: str
    within: DescribingJudge
    calibration: Calibration

    def __post_init__(self) -> None:
        fitted = (self.calibration.judge, self.calibration.judge_version)
        given = (self.within.identity.name, self.within.identity.version)
        if fitted != given:
            raise UsageError(f"the calibration was fitted to {fitted}, not to {given}; fit it anew")

    @property
    def identity(self) -> ModelIdentity:
        """The version covers the judge within and the calibration."""
        within = self.within.identity
        fitted = self.calibration.model_dump_json()
        version = sha256_hex(f"{within.version} {fitted}".encode())[:12]
        return ModelIdentity(self.name, version, within.licence)

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """Those of the judge within."""
        return self.within.reject_reasons

    def judge(self, request: JudgeRequest) -> Verdict:
        """The verdict on one triplet."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
        """One verdict a request, in order; what the judge within could not score stays unscored."""
        verdicts = self.within.score_many(requests)
        scored = [row for row, one in enumerate(verdicts) if one.outcome is Outcome.SCORED]
        answers = self.predict([requests[row] for row in scored])
        identity = self.identity
        for row, values in zip(scored, answers, strict=True):
            verdicts[row] = _rescored(verdicts[row], identity, self.calibration, values)
        return verdicts

    def predict(self, requests: Sequence[JudgeRequest]) -> NDArray[np.float64]:
        """Calibrated answers without verdicts around them, (n, answers) in the order of `calibration.answers`."""
        return self.calibration.predict(self.within.describe(requests))


def _rescored(
    verdict: Verdict, identity: ModelIdentity, fitted: Calibration, values: NDArray[np.float64]
) -> Verdict:
    """`verdict` with calibrated axes; an answer that is no axis of the verdict becomes evidence."""
    answers = dict(zip(fitted.answers, map(float, values), strict=True))
    axes = {axis: answers.get(axis, score) for axis, score in verdict.axes.items()}
    beside = {name: value for name, value in answers.items() if name not in axes}
    return verdict.model_copy(
        update={
            "judge": identity.name,
            "judge_version": identity.version,
            "axes": axes,
            "evidence": {**verdict.evidence, **beside},
        }
    )
