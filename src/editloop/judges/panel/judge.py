"""Several judges as one: their middle, and how far apart they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, pstdev
from typing import Any, Final, Literal

from editloop.core.errors import UsageError
from editloop.core.ids import content_id
from editloop.judges.base import BatchJudge, Judge, JudgeRequest, WaitingJudge
from editloop.models.roles import ModelIdentity
from editloop.records.verdict import OVERALL, Outcome, Verdict

How = Literal["mean", "median", "majority"]
HOWS: Final[tuple[How, ...]] = ("mean", "median", "majority")
PANEL: Final = "panel"
_FORM: Final = "panel:mean|median|majority;JUDGE;JUDGE[;...]"


@dataclass(frozen=True)
class PanelJudge:
    """Asks every member and merges what those say who could score the edit.

    A panel is scored when more than half of its members are, on the axes that they share. The distance between members is
    kept as evidence (``spread:AXIS``), their own verdicts as the raw reply.

    Args:
        members: Judges on one scale.
        how: ``majority`` takes the score that most members gave, and the median where there is none.
        name: Spec string.

    Raises:
        UsageError: fewer than two members.
    """

    members: tuple[Judge, ...]
    how: How = "median"
    name: str = ""

    def __post_init__(self) -> None:
        if len(self.members) < 2:
            raise UsageError(f"a panel needs two judges or more, got {len(self.members)}: {_FORM}")

    @property
    def identity(self) -> ModelIdentity:
        """The version covers all members."""
        names = [(one.identity.name, one.identity.version) for one in self.members]
        given = self.name or "panel:" + ";".join([self.how, *(name for name, _ in names)])
        return ModelIdentity(given, content_id(self.how, names)[:16])

    @property
    def reject_reasons(self) -> tuple[str, ...]:
        """Those of all members."""
        return tuple(dict.fromkeys(reason for one in self.members for reason in one.reject_reasons))

    @property
    def at_once(self) -> int:
        """As many as the members take together."""
        return max(
            (one.at_once for one in self.members if isinstance(one, WaitingJudge)), default=16
        )

    def judge(self, request: JudgeRequest) -> Verdict:
        """The verdict on one triplet."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[JudgeRequest]) -> list[Verdict]:
        """One verdict a request, in order."""
        given = [_all_of(member, requests) for member in self.members]
        return [self._merged(list(verdicts)) for verdicts in zip(*given, strict=True)]

    def _merged(self, verdicts: Sequence[Verdict]) -> Verdict:
        identity = self.identity
        return merged_verdict(verdicts, self.how, identity.name, identity.version)


def merged_verdict(verdicts: Sequence[Verdict], how: How, name: str, version: str) -> Verdict:
    """One verdict from those of all members; `PanelJudge` says by which rules.

    Raises:
        UsageError: the members that scored use different scales.
    """
    scored = [one for one in verdicts if one.outcome is Outcome.SCORED]
    scales = {one.scale for one in scored}
    if len(scales) > 1:
        raise UsageError(
            f"members of a panel must share one scale, got {sorted(scales)}: choose judges of one rubric"
        )
    axes = (
        [axis for axis in scored[0].axes if all(axis in one.axes for one in scored)]
        if scored
        else []
    )
    quorum = 2 * len(scored) > len(verdicts) and bool(axes)
    given = {axis: [one.axes[axis] for one in scored] for axis in axes} if quorum else {}
    wholes = [score for one in scored if quorum and (score := one.overall) is not None]
    accepted = _majority([one.accepted for one in scored]) if quorum else None
    return Verdict(
        judge=name,
        judge_version=version,
        scale=scored[0].scale if scored else verdicts[0].scale,
        axes={axis: _middle(scores, how) for axis, scores in given.items()},
        evidence={
            "members": float(len(verdicts)),
            "members_scored": float(len(scored)),
            **{f"spread:{axis}": pstdev(scores) for axis, scores in given.items()},
            **({OVERALL: _middle(wholes, how)} if wholes else {}),
        },
        text="; ".join(dict.fromkeys(one.text for one in verdicts if one.text))[:2000],
        reasons=() if quorum else _reasons(verdicts),
        accepted=accepted,
        reject_reason=_commonest_rejection(scored) if accepted is False else None,
        outcome=Outcome.SCORED if quorum else _commonest_failure(verdicts),
        raw_reply=json.dumps(
            {PANEL: how, "verdicts": [one.model_dump(mode="json") for one in verdicts]}
        ),
    )


def members_of(raw: str | None) -> tuple[How, list[dict[str, Any]]] | None:
    """How a panel's verdict was merged and what its members said, from its raw reply; None when it is no panel's."""
    if raw is None or not raw.startswith(f'{{"{PANEL}"'):
        return None
    try:
        body = json.loads(raw)
        how = next(one for one in HOWS if one == body[PANEL])
        return how, list(body["verdicts"])
    except (ValueError, KeyError, TypeError, StopIteration):
        return None


def panel_judge(spec: str) -> PanelJudge:
    """The panel that ``HOW;JUDGE;JUDGE`` names.

    Raises:
        UsageError: the spec is incomplete.
        UnknownNameError: there is no such judge.
    """
    from editloop.judges.registry import load_judge

    how, *members = spec.split(";")
    chosen = next((one for one in HOWS if one == how), None)
    if chosen is None:
        raise UsageError(f"a panel is {_FORM}, got 'panel:{spec}'")
    return PanelJudge(tuple(load_judge(one) for one in members), chosen, f"panel:{spec}")


def _all_of(member: Judge, requests: Sequence[JudgeRequest]) -> list[Verdict]:
    if isinstance(member, BatchJudge):
        return member.score_many(requests)
    return [member.judge(request) for request in requests]


def _middle(scores: Sequence[float], how: How) -> float:
    if how == "mean":
        return fmean(scores)
    if how == "majority":
        ranked = Counter(scores).most_common(2)
        if len(ranked) == 1 or ranked[0][1] > ranked[1][1]:
            return ranked[0][0]
    return float(median(scores))


def _majority(answers: Sequence[bool | None]) -> bool | None:
    yes, no = answers.count(True), answers.count(False)
    return None if yes == no else yes > no


def _commonest_failure(verdicts: Sequence[Verdict]) -> Outcome:
    failures = Counter(one.outcome for one in verdicts if one.outcome is not Outcome.SCORED)
    return failures.most_common(1)[0][0] if failures else Outcome.FAILED


def _commonest_rejection(verdicts: Sequence[Verdict]) -> str | None:
    reasons = Counter(one.reject_reason for one in verdicts if one.reject_reason is not None)
    return reasons.most_common(1)[0][0] if reasons else None


def _reasons(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    told = [
        f"{one.judge}: {'; '.join(one.reasons) or one.outcome}"
        for one in verdicts
        if one.outcome is not Outcome.SCORED
    ]
    return tuple(told) or ("the members share no axis",)
