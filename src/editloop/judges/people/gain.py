"""What one judge agrees more with people than another, on the edits that both scored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from editloop.core.stats import Interval
from editloop.judges.people.bulk import Judged
from editloop.judges.people.figures import spearman_gain
from editloop.judges.people.report import score_of
from editloop.records.formats.rated_edits import RatedFile

_LEAST = 3


@dataclass(frozen=True, slots=True)
class Gain:
    """Gain in Spearman on one axis; undefined (NaN) where fewer than three edits were scored by both."""

    spearman: Interval
    n: int

    def as_json(self) -> dict[str, Any]:
        """Flat, with undefined figures as null."""
        value, *ends = (None if math.isnan(one) else round(one, 4) for one in self.spearman)
        return {"spearman": value, "ci": None if None in ends else ends, "n": self.n}


def judge_gains(
    rated: RatedFile,
    before: Judged,
    after: Judged,
    scale: tuple[float, float],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Gain]:
    """Axis of people -> gain, with a bootstrap interval over whole photographs in which both judges are drawn together."""
    found = {}
    for axis in rated.axes:
        rows = []
        for edit in rated.edits:
            people = edit.mean(axis)
            scores = [
                None if verdict is None else score_of(axis, verdict, scale)
                for verdict in (before.verdicts.get(edit.uid), after.verdicts.get(edit.uid))
            ]
            if people is not None and None not in scores:
                rows.append((*scores, people, edit.image))
        if len(rows) < _LEAST:
            found[axis] = Gain(Interval(math.nan, math.nan, math.nan), len(rows))
            continue
        one, other, people_mean = (np.array([row[at] for row in rows], float) for at in range(3))
        clusters = [str(row[3]) for row in rows]
        gain = spearman_gain(one, other, people_mean, clusters, resamples=resamples, seed=seed)
        found[axis] = Gain(gain, len(rows))
    return found
