"""What was read in one reply: scores, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from editloop.records.verdict import Outcome


class ReadingMode(StrEnum):
    """Whose rules a reply is read by."""

    OFFICIAL = "official"
    """Those of the published script, slips included: for numbers that stand beside published ones."""
    ROBUST = "robust"
    """Ours: tolerant of form, strict about meaning. What is ambiguous is unscored, never guessed."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One score that a reply should carry.

    Args:
        name: As it stands in `Verdict.axes`.
        labels: Every way the reply may call it, in any language; `name` itself need not be repeated.
    """

    name: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One reply, read.

    Args:
        outcome: `SCORED` means that every axis has a score.
        axes: Axis -> score on the native scale; empty unless scored. Only an official reading may leave the scale.
        value: The item's score as the protocol makes it of the axes (a rounded mean, a minimum), None when unscored.
        flags: Yes/no answers of the reply.
        text: Reasoning or failure text found in the reply.
        reason: Why there is no score, as a stable code such as ``contradiction``; empty when scored.
        slips: Codes of `parsing.slips.SLIPS` that touched this reply (official readings alone have them).
    """

    outcome: Outcome
    axes: Mapping[str, float] = field(default_factory=dict)
    value: float | None = None
    flags: Mapping[str, bool] = field(default_factory=dict)
    text: str = ""
    reason: str = ""
    slips: tuple[str, ...] = ()

    @property
    def scored(self) -> bool:
        """Whether there are scores."""
        return self.outcome is Outcome.SCORED


def unread(reason: str, *, outcome: Outcome = Outcome.UNPARSABLE, text: str = "") -> Reading:
    """A reading without scores."""
    return Reading(outcome, reason=reason, text=text)


def mean(axes: Mapping[str, float]) -> float:
    """Mean of the axes."""
    return sum(axes.values()) / len(axes)
