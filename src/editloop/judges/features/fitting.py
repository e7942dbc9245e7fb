"""Fits a judge to people's ratings, and says out of fold how well it does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import UsageError
from editloop.core.stats import Interval
from editloop.judges.calibrate.mixed_model import fit_mixed_model
from editloop.judges.calibrate.ordinal import conformal_radius
from editloop.judges.features.crossval import cross_validate, fit_axis, importance
from editloop.judges.features.fitted import AxisModel, FittedModel, hashes_of
from editloop.judges.features.table import FeatureTable
from editloop.judges.people.bulk import Judged
from editloop.judges.people.figures import agreement_figures
from editloop.records.formats.rated_edits import RatedEdit, RatedFile
from editloop.records.rating import Rating
from editloop.records.verdict import Outcome

LEAST_EDITS: Final = 30
"""Fewer rated edits, or fewer than ten photographs, are not enough to fit and to check."""
LEAST_PHOTOGRAPHS: Final = 10
COVERAGE: Final = 0.9
_SHOWN_FEATURES: Final = 15


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How the check is done; nothing here is tuned on the ratings.

    Args:
        folds: Parts of the cross-validation, by photograph.
        draws: Drawings of the folds; the first gives the figures, all of them their spread.
        resamples: Bootstrap draws of whole photographs.
        seed: Of everything that is drawn.
    """

    folds: int = 10
    draws: int = 3
    resamples: int = 1000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AxisFit:
    """One axis: figures out of fold, and what carries them."""

    axis: str
    n: int
    figures: dict[str, Interval]
    per_draw: tuple[float, ...]
    shares: dict[str, float]
    blocks: dict[str, float]
    features: dict[str, float]
    radius: float
    model: AxisModel
    predicted: dict[str, float] = field(repr=False)
    """Out-of-fold score by uid."""

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints, without the single predictions."""
        return {
            "n": self.n,
            "spearman": _number(self.figures["spearman"].value),
            "ci": [_number(self.figures["spearman"].low), _number(self.figures["spearman"].high)],
            "spearman_per_draw": [_number(value) for value in self.per_draw],
            **{
                name: _number(found.value)
                for name, found in self.figures.items()
                if name != "spearman"
            },
            "radius_90": _number(self.radius),
            "variance_shares": _rounded(self.shares),
            "importance_of_blocks": _rounded(self.blocks),
            "importance_of_features": _rounded(dict(list(self.features.items())[:_SHOWN_FEATURES])),
        }


@dataclass(frozen=True, slots=True)
class JudgeFit:
    """A fitted judge with its check."""

    model: FittedModel
    axes: dict[str, AxisFit]
    edits: int
    photographs: int


def fit_judge(
    rated: RatedFile,
    measured: Judged,
    base: str,
    settings: FitSettings,
    *,
    scale: tuple[float, float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JudgeFit:
    """Fit every axis that people rated.

    Scores are people's means after each rater's leaning was taken off (`mixed_model`); figures compare with the plain means.

    Args:
        rated: What people said.
        measured: Verdicts of ``features:BASE`` on the same edits.
        base: Spec of the base judge.
        settings: How it is checked.
        scale: People's scale; read off the scores by default.
        progress: Told how many fits are done, of how many.

    Raises:
        UsageError: too few edits or photographs were rated and measured.
    """
    edits = [edit for edit in rated.edits if _is_measured(edit, measured)]
    photographs = len({edit.image for edit in edits})
    if len(edits) < LEAST_EDITS or photographs < LEAST_PHOTOGRAPHS:
        raise UsageError(
            f"{len(edits)} measured edits of {photographs} photographs are too few to fit and check a judge: give "
            f"{LEAST_EDITS} edits of {LEAST_PHOTOGRAPHS} photographs or more"
        )
    table = FeatureTable.of([measured.verdicts[edit.uid].evidence for edit in edits])
    ends = scale or rated.scale
    axes = [axis for axis in rated.axes if _can_be_fitted(axis, edits)]
    if not axes:
        asked = ", ".join(f"{axis} {sum(axis in e.scores for e in edits)}" for axis in rated.axes)
        raise UsageError(
            f"no axis has differing scores for {LEAST_EDITS} measured edits, which a fit needs (edits by axis: {asked})"
        )
    total = len(axes) * settings.draws * min(settings.folds, photographs)
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    fits = {axis: _fit_axis(axis, edits, table, ends, settings, count) for axis in axes}
    model = FittedModel(
        base=base,
        features_version=measured.judge_version,
        scale=ends,
        known_failures=_known_failures(edits, measured),
        seen=tuple(sorted({name for edit in edits for name in hashes_of(edit)})),
        axes={axis: fit.model for axis, fit in fits.items()},
    )
    report = {
        "edits": len(edits),
        "photographs": photographs,
        "folds": min(settings.folds, photographs),
        "draws": settings.draws,
        "seed": settings.seed,
        "axes": {axis: fit.as_json() for axis, fit in fits.items()},
    }
    return JudgeFit(model.model_copy(update={"report": report}), fits, len(edits), photographs)


def _can_be_fitted(axis: str, edits: Sequence[RatedEdit]) -> bool:
    """Whether enough edits have scores on `axis`, and not all the same."""
    means = [mean for edit in edits if (mean := edit.mean(axis)) is not None]
    return len(means) >= LEAST_EDITS and min(means) < max(means)


def _known_failures(edits: Sequence[RatedEdit], measured: Judged) -> tuple[str, ...]:
    """Why the base judge rejected edits that people rated."""
    reasons = (measured.verdicts[edit.uid].reject_reason for edit in edits)
    return tuple(sorted({reason for reason in reasons if reason is not None}))


def _is_measured(edit: RatedEdit, measured: Judged) -> bool:
    verdict = measured.verdicts.get(edit.uid)
    return verdict is not None and verdict.outcome is Outcome.SCORED


def _fit_axis(
    axis: str,
    edits: Sequence[RatedEdit],
    table: FeatureTable,
    scale: tuple[float, float],
    settings: FitSettings,
    count: Callable[[], None],
) -> AxisFit:
    rows = np.flatnonzero([axis in edit.scores for edit in edits])
    asked = [edits[int(row)] for row in rows]
    people = np.array([edit.mean(axis) for edit in asked], np.float64)
    raters = np.array([len(edit.scores[axis]) for edit in asked], np.float64)
    target = _without_leanings(asked, axis)
    clusters = [edit.image for edit in asked]
    own = table.take(rows)
    out = cross_validate(
        own,
        target,
        clusters,
        raters,
        people=people,
        folds=settings.folds,
        draws=settings.draws,
        seed=settings.seed,
        progress=count,
    )
    predicted = np.clip(out.predicted, *scale)
    figures = agreement_figures(
        predicted, people, clusters, resamples=settings.resamples, seed=settings.seed
    )
    blocks, features = importance(out, people, seed=settings.seed)
    radius = conformal_radius(predicted - people, COVERAGE)
    whole = fit_axis(own, target, clusters, raters)
    return AxisFit(
        axis=axis,
        n=len(asked),
        figures=figures,
        per_draw=out.per_draw,
        shares=dict(whole.line.shares),
        blocks=blocks,
        features=features,
        radius=radius,
        model=AxisModel(
            standard=whole.standard,
            intercept=whole.line.intercept,
            coefficients=tuple(whole.line.coefficients.tolist()),
            radius=None if math.isinf(radius) else radius,
        ),
        predicted={edit.uid: float(v) for edit, v in zip(asked, predicted, strict=True)},
    )


def _without_leanings(edits: Sequence[RatedEdit], axis: str) -> NDArray[np.float64]:
    """Means of people's scores after each rater's leaning was taken off; plain means where raters share no edit."""
    ratings = [
        Rating(edit.uid, rater, axis, score)
        for edit in edits
        for rater, score in edit.scores[axis].items()
    ]
    try:
        leanings = fit_mixed_model(ratings, axis).rater_biases
    except UsageError:
        leanings = {}
    return np.array(
        [
            np.mean(
                [score - leanings.get(rater, 0.0) for rater, score in edit.scores[axis].items()]
            )
            for edit in edits
        ]
    )


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}
