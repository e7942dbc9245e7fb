"""Means of many verdicts, each with how many of how many it is the mean of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final

from editloop.models.roles import ModelIdentity
from editloop.records.formats.rated_edits import Unusable
from editloop.records.verdict import Verdict

OVERALL: Final = "overall"
_SLIP: Final = "slip:"


@dataclass(frozen=True, slots=True)
class Summary:
    """What many verdicts say.

    Args:
        data: Name of what was judged.
        judge: Name of the judge.
        judge_version: Its version.
        n: Verdicts.
        n_scored: Those with scores.
        means: Axis -> mean over the scored verdicts that have it, and how many these are.
        outcomes: Outcome -> verdicts.
        reasons: Why verdicts have no score.
        slips: Slip of a published script -> replies that it touched.
        dropped: Reason -> edits that could not be judged at all.
    """

    data: str
    judge: str
    judge_version: str
    n: int
    n_scored: int
    means: Mapping[str, tuple[float, int]]
    outcomes: Mapping[str, int]
    reasons: Mapping[str, int]
    slips: Mapping[str, int]
    dropped: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "data": self.data,
            "judge": self.judge,
            "judge_version": self.judge_version,
            "n": self.n,
            "n_scored": self.n_scored,
            "axes": {
                axis: {"mean": round(mean, 6), "n_scored": count, "n": self.n}
                for axis, (mean, count) in self.means.items()
            },
            "outcomes": dict(self.outcomes),
            "reasons": dict(self.reasons),
            "slips": dict(self.slips),
            "dropped": dict(self.dropped),
        }


def summary_of(
    verdicts: Sequence[Verdict],
    identity: ModelIdentity,
    dropped: Sequence[Unusable] = (),
    data: str = "",
) -> Summary:
    """The summary of verdicts of one judge."""
    return summarised(
        data,
        identity.name,
        identity.version,
        ((one.outcome, one.axes, one.evidence, one.reasons) for one in verdicts),
        dropped,
    )


def summarised(
    data: str,
    judge: str,
    judge_version: str,
    verdicts: Iterable[tuple[str, Mapping[str, float], Mapping[str, float], Sequence[str]]],
    dropped: Sequence[Unusable] = (),
) -> Summary:
    """The same from outcome, axes, evidence and reasons, so that ten thousand verdicts need no objects."""
    scores: dict[str, list[float]] = {}
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    slips: Counter[str] = Counter()
    for outcome, axes, evidence, why in verdicts:
        outcomes[str(outcome)] += 1
        reasons.update(why if not axes else ())
        for name, value in evidence.items():
            if name.startswith(_SLIP):
                slips[name.removeprefix(_SLIP)] += int(value)
        if axes:
            overall = evidence.get(OVERALL, sum(axes.values()) / len(axes))
            for axis, score in (*axes.items(), *(() if OVERALL in axes else ((OVERALL, overall),))):
                scores.setdefault(axis, []).append(score)
    return Summary(
        data=data,
        judge=judge,
        judge_version=judge_version,
        n=outcomes.total(),
        n_scored=outcomes["scored"],
        means={axis: (fmean(given), len(given)) for axis, given in scores.items()},
        outcomes=dict(outcomes.most_common()),
        reasons=dict(reasons.most_common()),
        slips=dict(slips.most_common()),
        dropped=dict(Counter(one.reason for one in dropped).most_common()),
    )
