from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from editloop.core.errors import UsageError
from editloop.judges.base import Judge, JudgeRequest
from editloop.judges.panel import PanelJudge
from editloop.models.roles import ModelIdentity
from editloop.records.verdict import Outcome, Verdict

EDIT = JudgeRequest(np.zeros((4, 4, 3), np.uint8), "x", np.zeros((4, 4, 3), np.uint8))


@dataclass(frozen=True)
class Brightness:
    """Scores how bright an edit is, from 0 to 5, plus its own bias; None cannot read any."""

    bias: float | None
    accepted: bool | None = None
    scale: tuple[float, float] = (0, 5)

    identity = ModelIdentity("brightness", "1")
    reject_reasons = ("dark",)

    def judge(self, request: JudgeRequest) -> Verdict:
        scored = self.bias is not None
        axes = {"light": float(request.edited.mean() / 51 + (self.bias or 0))} if scored else {}
        return Verdict(
            judge="brightness",
            judge_version="1",
            scale=self.scale,
            axes=axes,
            accepted=self.accepted,
            reject_reason="dark" if self.accepted is False else None,
            outcome=Outcome.SCORED if scored else Outcome.REFUSED,
        )


def panel(*biases: float | None, how: str = "median") -> Verdict:
    members: tuple[Judge, ...] = tuple(Brightness(bias) for bias in biases)
    return PanelJudge(members, how).judge(EDIT)  # type: ignore[arg-type]


@pytest.mark.parametrize(("how", "score"), [("mean", 3.0), ("median", 4.0), ("majority", 5.0)])
def test_the_middle(how: str, score: float) -> None:
    verdict = panel(0, 1, 5, 5, 4, how=how)
    assert verdict.axes["light"] == score
    assert verdict.evidence["spread:light"] == pytest.approx(np.std([0, 1, 5, 5, 4]))


def test_no_majority_falls_back_to_the_median() -> None:
    assert panel(1, 1, 4, 4, how="majority").axes["light"] == 2.5


def test_those_who_cannot_read_are_counted_and_left_out() -> None:
    verdict = panel(2, 4, None)
    assert verdict.axes["light"] == 3
    assert (verdict.evidence["members"], verdict.evidence["members_scored"]) == (3, 2)
    lost = panel(2, None)
    assert (lost.outcome, lost.axes) == (Outcome.REFUSED, {})
    assert lost.raw_reply is not None


def test_decisions_go_by_majority() -> None:
    members = (Brightness(1, True), Brightness(1, False), Brightness(1, False))
    verdict = PanelJudge(members).judge(EDIT)
    assert (verdict.accepted, verdict.reject_reason) == (False, "dark")


def test_a_panel_needs_members_on_one_scale() -> None:
    with pytest.raises(UsageError, match="two judges"):
        PanelJudge((Brightness(1),))
    with pytest.raises(UsageError, match="one scale"):
        PanelJudge((Brightness(1), Brightness(1, scale=(0, 10)))).judge(EDIT)
