"""ImagenHub's text-guided editing: people's ratings and the published judges' scores, from Parquet files."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from editloop.core.errors import UsageError
from editloop.judges.agreement import spearman
from editloop.judges.meta.correlations import (
    AXES,
    Agreement,
    Key,
    Table,
    Triple,
    agreement,
    fisher_mean,
    human_scores,
    judge_scores,
)

LEAST_ROWS: Final = 900
"""Edits that a judge must have scored for its row of the table."""
Setup = tuple[str, str]
"""Judge and number of examples in its prompt."""


@dataclass(frozen=True, slots=True)
class OneRater:
    """One person against the mean of the others, the ceiling of the table."""

    n: int
    pooled: Mapping[str, float]
    fisher: Mapping[str, float]


def read_people(path: Path) -> dict[Key, dict[int, tuple[float, float]]]:
    """(model, item) -> rater -> (SC, PQ), from a file with the columns uid, model, rater, sc, pq.

    Raises:
        UsageError: the file cannot be read or lacks a column.
    """
    ratings: dict[Key, dict[int, tuple[float, float]]] = defaultdict(dict)
    for row in _rows(path, ("uid", "model", "rater", "sc", "pq")):
        ratings[row["model"], row["uid"]][row["rater"]] = (row["sc"], row["pq"])
    return dict(ratings)


def read_judges(path: Path) -> dict[Setup, dict[Key, Triple]]:
    """Set-up -> (model, item) -> SC, PQ, O, for edits with both; columns judge, shot, model, kind, uid, scores.

    Raises:
        UsageError: the file cannot be read or lacks a column.
    """
    parts: dict[Setup, dict[str, dict[Key, list[int]]]] = defaultdict(lambda: {"SC": {}, "PQ": {}})
    for row in _rows(path, ("judge", "shot", "model", "kind", "uid", "scores")):
        if row["scores"]:
            parts[row["judge"], row["shot"]][row["kind"]][row["model"], row["uid"]] = row["scores"]
    return {
        setup: {
            key: judge_scores(sc, of_setup["PQ"][key])
            for key, sc in of_setup["SC"].items()
            if key in of_setup["PQ"]
        }
        for setup, of_setup in parts.items()
    }


def people_table(ratings: Mapping[Key, Mapping[int, tuple[float, float]]]) -> Table:
    """Means over raters."""
    return {key: human_scores(of_edit.values()) for key, of_edit in ratings.items()}


def judges_table(
    folder: Path, *, least: int = LEAST_ROWS, resamples: int = 1000, seed: int = 0
) -> dict[Setup, Agreement]:
    """Every set-up's agreement with people, best pairs first.

    Args:
        folder: Holds ``human_ratings.parquet`` and ``judge_scores.parquet``.
        least: Edits that a set-up must have scored.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        UsageError: a file is missing or not in the expected form.
    """
    people = people_table(read_people(folder / "human_ratings.parquet"))
    table = {
        setup: agreement(scores, people, resamples=resamples, seed=seed)
        for setup, scores in read_judges(folder / "judge_scores.parquet").items()
        if len(scores.keys() & people.keys()) >= least
    }
    return dict(sorted(table.items(), key=lambda row: -row[1].pairs.half))


def one_rater(
    ratings: Mapping[Key, Mapping[int, tuple[float, float]]], models: Collection[str] | None = None
) -> OneRater:
    """Every rater against the mean of the others: the mean over raters, and the Fisher mean over raters and models.

    Args:
        ratings: As `read_people` gives them.
        models: Those that count; all by default. The published ceiling leaves out Imagic, whose SC is constant.
    """
    rows: dict[tuple[str, int], list[tuple[Triple, Triple]]] = defaultdict(list)
    for (model, _), of_edit in sorted(ratings.items()):
        if models is not None and model not in models:
            continue
        for rater, own in of_edit.items():
            others = [answer for other, answer in of_edit.items() if other != rater]
            if others:
                rows[model, rater].append((human_scores([own]), human_scores(others)))
    raters = sorted({rater for _, rater in rows})
    by_rater = [
        [row for key, of_key in rows.items() if key[1] == one for row in of_key] for one in raters
    ]
    return OneRater(
        n=sum(map(len, rows.values())),
        pooled={
            axis: fmean(_against(of_rater, place) for of_rater in by_rater)
            for place, axis in enumerate(AXES)
        },
        fisher={
            axis: fisher_mean([_against(of_key, place) for of_key in rows.values()])
            for place, axis in enumerate(AXES)
        },
    )


def _against(rows: Sequence[tuple[Triple, Triple]], place: int) -> float:
    value = spearman([own[place] for own, _ in rows], [others[place] for _, others in rows])
    return 0.0 if math.isnan(value) else value


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(path, columns=list(columns)).to_pylist()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise UsageError(
            f"cannot read {path}: {error}; expected Parquet with the columns {', '.join(columns)}"
        ) from error
    return rows
