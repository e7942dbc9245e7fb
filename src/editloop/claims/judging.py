"""ImgEdit-Judge (arXiv 2505.20275) and HP-Scorer (2604.19406): agreement with people before and after labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from editloop.claims.arms import ArmResult
from editloop.claims.lab import Lab
from editloop.claims.rows import ClaimRow, claim_row
from editloop.core.stats import Interval
from editloop.judges.agreement import human_ceiling, spearman
from editloop.judges.calibrate.described import DescribingJudge
from editloop.judges.calibrate.learning_curve import learning_curve
from editloop.judges.storybook import base_scorer, calibrated_scorer, tiny_judge
from editloop.models.storybook.judge_shape import ANSWERS
from editloop.train.judge.study import Study, held_out_study, label_study

LABEL_COUNTS: Final = (0, 10, 25, 50, 100)
"""Labels a task; HP-Scorer had 50 to 100."""
RESAMPLES: Final = 500


@dataclass(frozen=True)
class _Agreements:
    """The judges on held-out triplets before held-out people, computed once for all rows."""

    folder: Path

    @cached_property
    def study(self) -> Study:
        return held_out_study(self.folder)

    @cached_property
    def people(self) -> NDArray[np.float64]:
        return self.study.people()[:, -1]

    @cached_property
    def clusters(self) -> NDArray[np.int64]:
        cases: NDArray[np.int64] = self.study.pool.case_rows[np.array(self.study.rows)]
        return cases

    def scores(self, judge: DescribingJudge) -> NDArray[np.float64]:
        """The judge's overall answers."""
        column: NDArray[np.float64] = judge.describe(self.study.requests()).column("overall")
        return column

    def gain(self, treated: NDArray[np.float64], control: NDArray[np.float64]) -> Interval:
        """Difference of Spearman with people, the bootstrap drawing whole cases."""
        random = np.random.default_rng(0)
        names = np.unique(self.clusters)
        members = [np.flatnonzero(self.clusters == name) for name in names]
        draws = []
        for _ in range(RESAMPLES):
            rows = np.concatenate([members[k] for k in random.integers(0, len(names), len(names))])
            draws.append(self._gain(treated, control, rows))
        low, high = np.quantile(draws, [0.025, 0.975])
        return Interval(self._gain(treated, control, np.arange(len(self.people))), low, high)

    def _gain(
        self,
        treated: NDArray[np.float64],
        control: NDArray[np.float64],
        rows: NDArray[np.int64],
    ) -> float:
        people = self.people[rows]
        return spearman(treated[rows], people) - spearman(control[rows], people)


ARM: Final = "agreement"
"""All judges are measured in one go."""


def arm(lab: Lab, name: str = ARM, seed: int = 0) -> ArmResult:
    """The judges beside people."""
    return lab.store.result(f"judging/{name}", seed, _settings(), _measure)


def rows(lab: Lab) -> list[ClaimRow]:
    """Calibration on few labels, and training on many, each against the scorer that saw no rating."""
    result = arm(lab)
    return [_row(result, "few_labels"), _row(result, "many_labels")]


def _settings() -> dict[str, Any]:
    judges = (base_scorer(), calibrated_scorer(), tiny_judge())
    return {judge.identity.name: judge.identity.version for judge in judges}


def _measure(folder: Path) -> ArmResult:
    """Spearman with people and the gains, kept as an arm."""
    agreements = _Agreements(folder / "pools")
    base, tiny = (agreements.scores(judge) for judge in (base_scorer(), tiny_judge()))
    calibrated = _calibrated(agreements)
    ceiling = human_ceiling(agreements.study.ratings, "overall")
    few, many = agreements.gain(calibrated, base), agreements.gain(tiny, base)
    curve = learning_curve(
        label_study(folder / "pools").labelled(base_scorer()),
        agreements.study.labelled(base_scorer()),
        LABEL_COUNTS,
    )
    counts = {
        "pairs": float(len(base)),
        "ceiling": ceiling.value,
        "base": spearman(base, agreements.people),
        "few_labels": spearman(calibrated, agreements.people),
        "many_labels": spearman(tiny, agreements.people),
        **{f"spearman_at_{p.labels}_labels": p.mean.spearman for p in curve},
        **{f"pearson_at_{p.labels}_labels": p.mean.pearson for p in curve},
    }
    gains = {"few_labels": list(few), "many_labels": list(many)}
    return ArmResult(arm="judging/agreement", seed=0, scores=gains, cpu_seconds=0, counts=counts)


def _calibrated(agreements: _Agreements) -> NDArray[np.float64]:
    """Overall impression of the calibrated scorer."""
    verdicts = calibrated_scorer().score_many(agreements.study.requests())
    place = ANSWERS[-1]
    return np.array([verdict.evidence[place] for verdict in verdicts])


def _row(result: ArmResult, which: str) -> ClaimRow:
    effect, counts = Interval(*result.scores[which]), result.counts
    few = which == "few_labels"
    return claim_row(
        effect,
        claim=f"judges: {'100 labels a task' if few else 'many ratings'} against none",
        paper="HP-Edit, arXiv 2604.19406" if few else "ImgEdit, arXiv 2505.20275",
        paper_says=(
            "task-aware calibration on 50 to 100 labels gives Pearson .89 with people"
            if few
            else "a judge tuned on 200 k ratings agrees with people on about 70 %, more than any other"
        ),
        here=(
            f"Spearman with people {counts[which]:.2f} against {counts['base']:.2f}, human ceiling {counts['ceiling']:.2f}"
        ),
        unit="Spearman with held-out people",
        seeds=1,
        cases=int(counts["pairs"]),
        figures=counts,
    )
