"""What an agreement report says: a judge against people, axis by axis, beside the human ceiling."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from editloop.core.stats import Interval
from editloop.judges.agreement import human_ceiling
from editloop.judges.people.bulk import Judged
from editloop.judges.people.figures import agreement_figures
from editloop.judges.people.systems import SystemRank, system_label, system_rank
from editloop.judges.reliability import krippendorff_alpha
from editloop.records.formats.rated_edits import RatedEdit, RatedFile
from editloop.records.rating import Rating
from editloop.records.verdict import OVERALL, Outcome, Verdict

_SAME: Final = (
    ("alignment", "instruction", "adherence", "following", "semantic_consistency", "sc", "compliance"),
    ("quality", "natural", "naturalness", "aesthetic", "aesthetics", "perceptual_quality", "pq", "clear"),
    ("consistency", "consistent", "preservation", "natural"),
)  # fmt: skip
"""Names under which rating studies and judges ask about the same thing."""
_LEAST: Final = 3


@dataclass(frozen=True, slots=True)
class AxisAgreement:
    """A judge against people on one axis.

    `figures` are those of `agreement_figures`, absent when fewer than three edits were scored. `judge_axis` is what the
    judge's score was read from.
    """

    axis: str
    judge_axis: str
    n: int
    n_scored: int
    figures: Mapping[str, Interval]
    ceiling: Interval | None
    alpha_interval: float
    alpha_ordinal: float
    judge_mean: float
    people_mean: float

    def as_json(self) -> dict[str, Any]:
        """Flat, with undefined figures as null."""
        body: dict[str, Any] = {
            "axis": self.axis,
            "judge_axis": self.judge_axis,
            "n": self.n,
            "n_scored": self.n_scored,
        }
        for name in FIGURES:
            found = self.figures.get(name, Interval(math.nan, math.nan, math.nan))
            body[name] = _number(found.value)
            body["ci" if name == "spearman" else f"{name}_ci"] = _ends(found)
        body["ceiling"] = _number(self.ceiling.value) if self.ceiling else None
        body["ceiling_ci"] = _ends(self.ceiling) if self.ceiling else None
        for name in ("alpha_interval", "alpha_ordinal", "judge_mean", "people_mean"):
            body[name] = _number(getattr(self, name))
        return body


FIGURES: Final = (
    "spearman",
    "pearson",
    "kendall",
    "within_1",
    "mae",
    "pair_accuracy",
    "pair_accuracy_strict",
    "pair_accuracy_decided",
    "judge_ties",
)


@dataclass(frozen=True, slots=True)
class PeopleReport:
    """Agreement on every axis, and by task."""

    people_scale: tuple[float, float]
    axes: tuple[AxisAgreement, ...]
    by_task: Mapping[str, tuple[AxisAgreement, ...]] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    unscored: Mapping[str, int] = field(default_factory=dict)
    """Why verdicts have no score -> how many."""
    systems: Mapping[str, SystemRank] = field(default_factory=dict)
    """Axis -> agreement on the order of editors, where the file names three or more."""

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints of it."""
        return {
            "people_scale": list(self.people_scale),
            "outcomes": dict(self.outcomes),
            "unscored": dict(self.unscored),
            "axes": {row.axis: row.as_json() for row in self.axes},
            "systems": {axis: found.as_json() for axis, found in self.systems.items()},
            "by_task": {
                task: {row.axis: row.as_json() for row in rows}
                for task, rows in self.by_task.items()
            },
        }


def judge_axis_of(axis: str, verdict: Verdict) -> str:
    """The judge's axis that answers what people were asked on `axis`: its own name, one that means the same, or its score of the whole."""
    if axis in verdict.axes:
        return axis
    for group in _SAME:
        if axis in group:
            for name in group:
                if name in verdict.axes:
                    return name
    return OVERALL


def people_axis_of(axis: str, asked: Sequence[str]) -> str | None:
    """The axis of people, one of `asked`, that a judge's `axis` answers: the same name, the same meaning, or their overall score.

    None when they were asked about nothing of the kind.
    """
    names = (axis, *(name for group in _SAME if axis in group for name in group), OVERALL)
    return next((name for name in names if name in asked), None)


def score_of(axis: str, verdict: Verdict, scale: tuple[float, float]) -> float | None:
    """The judge's score for people's `axis`, carried linearly onto people's `scale`; None when unscored."""
    if verdict.outcome is not Outcome.SCORED or not verdict.axes:
        return None
    value = verdict.axes.get(judge_axis_of(axis, verdict), verdict.overall)
    if value is None:
        return None
    low, high = verdict.scale
    return scale[0] + (value - low) / (high - low) * (scale[1] - scale[0])


def people_report(
    rated: RatedFile,
    judged: Judged,
    *,
    scale: tuple[float, float] | None = None,
    task_label: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> PeopleReport:
    """Agreement of a judge with people.

    Args:
        rated: What people said.
        judged: What the judge said.
        scale: People's scale; read off the scores by default.
        task_label: Also report edits by this label, for example ``semantic_category``.
        resamples: Bootstrap draws of whole photographs.
        seed: Of the draws.
    """
    people = scale or rated.scale
    outcomes = Counter(str(one.outcome) for one in judged.verdicts.values())
    unscored = [one for one in judged.verdicts.values() if one.outcome is not Outcome.SCORED]

    def rows(edits: Sequence[RatedEdit]) -> tuple[AxisAgreement, ...]:
        return tuple(_axis(axis, edits, judged, people, resamples, seed) for axis in rated.axes)

    tasks = _groups(rated.edits, task_label) if task_label else {}
    return PeopleReport(
        people,
        rows(rated.edits),
        {task: rows(edits) for task, edits in tasks.items()},
        dict(outcomes),
        dict(Counter(map(why_unscored, unscored)).most_common()),
        _systems(rated, judged, people, resamples, seed),
    )


def _systems(
    rated: RatedFile, judged: Judged, scale: tuple[float, float], resamples: int, seed: int
) -> dict[str, SystemRank]:
    label = system_label(rated.edits)
    if label is None:
        return {}
    found: dict[str, SystemRank] = {}
    for axis in rated.axes:
        rows = [
            (edit.labels[label], edit.image, score, people)
            for edit in rated.edits
            if label in edit.labels
            and (people := edit.mean(axis)) is not None
            and (verdict := judged.verdicts.get(edit.uid)) is not None
            and (score := score_of(axis, verdict, scale)) is not None
        ]
        rank = system_rank(label, rows, resamples=resamples, seed=seed)
        if rank is not None:
            found[axis] = rank
    return found


def why_unscored(verdict: Verdict) -> str:
    """The reason that a verdict without scores gives, in one line."""
    told = "; ".join(verdict.reasons) or "no reason given"
    return f"{verdict.outcome}: {told}" + (
        f" ({verdict.text[:400]})" if verdict.outcome is Outcome.FAILED and verdict.text else ""
    )


def _groups(edits: Sequence[RatedEdit], label: str) -> dict[str, list[RatedEdit]]:
    groups: dict[str, list[RatedEdit]] = {}
    for edit in edits:
        groups.setdefault(edit.labels.get(label, "(none)"), []).append(edit)
    return dict(sorted(groups.items(), key=lambda item: -len(item[1])))


def _axis(
    axis: str,
    edits: Sequence[RatedEdit],
    judged: Judged,
    scale: tuple[float, float],
    resamples: int,
    seed: int,
) -> AxisAgreement:
    asked = [edit for edit in edits if edit.mean(axis) is not None]
    pairs, own_axis = [], OVERALL
    for edit in asked:
        verdict = judged.verdicts.get(edit.uid)
        score = None if verdict is None else score_of(axis, verdict, scale)
        if verdict is not None and score is not None:
            own_axis = judge_axis_of(axis, verdict)
            pairs.append((score, edit.mean(axis) or 0.0, edit.image))
    judge = np.array([pair[0] for pair in pairs])
    people = np.array([pair[1] for pair in pairs])
    figures = (
        agreement_figures(
            judge, people, [pair[2] for pair in pairs], resamples=resamples, seed=seed
        )
        if len(pairs) >= _LEAST
        else {}
    )
    ratings = [rating for edit in asked for rating in _ratings(edit, axis)]
    return AxisAgreement(
        axis=axis,
        judge_axis=own_axis,
        n=len(asked),
        n_scored=len(pairs),
        figures=figures,
        ceiling=_ceiling(ratings, axis),
        alpha_interval=krippendorff_alpha(ratings, axis),
        alpha_ordinal=krippendorff_alpha(ratings, axis, "ordinal"),
        judge_mean=float(judge.mean()) if pairs else math.nan,
        people_mean=float(people.mean()) if pairs else math.nan,
    )


def _ratings(edit: RatedEdit, axis: str) -> list[Rating]:
    return [Rating(edit.uid, rater, axis, score) for rater, score in edit.scores[axis].items()]


def _ceiling(ratings: Sequence[Rating], axis: str) -> Interval | None:
    try:
        return human_ceiling(ratings, axis)
    except ValueError:
        return None


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _ends(found: Interval) -> list[float | None] | None:
    low, high = _number(found.low), _number(found.high)
    return None if low is None and high is None else [low, high]
