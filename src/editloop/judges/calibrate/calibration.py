"""Bringing a judge onto people's scale from a few labels a task, as HP-Scorer does (arXiv 2604.19406).

HP-Scorer keeps a pretrained model and refines its prompt, task by task, until its scores agree with 50 to 100 human ones. Where the
judge is a network that cannot be prompted, the same few labels refine its read-out: a linear map of what it already says
(its scores, how sure it is, which failures it suspects), common to all tasks, from which each task departs as far as its
labels support. Without labels the map is the judge itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from editloop.core.errors import UsageError
from editloop.core.seeds import generator
from editloop.judges.calibrate.described import Described
from editloop.judges.calibrate.ridge import Penalties, expand, fit_ridge

SHARED_PRICES = (3.0, 30.0, 300.0)
TASK_PRICES = (10.0, 100.0, 1000.0)
"""What cross-validation chooses from, in the units of `Penalties`."""
_FOLDS = 5
_LEAST_LABELS = 10


class Calibration(BaseModel):
    """A fitted read-out; a value, kept as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    """Spec and version of the judge that it was fitted to."""
    judge_version: str
    answers: tuple[str, ...]
    """What it predicts, each of them also a column of the judge."""
    columns: tuple[str, ...]
    """Columns of the judge that it reads."""
    means: tuple[float, ...]
    scales: tuple[float, ...]
    tasks: tuple[str, ...]
    coefficients: list[list[list[float]]]
    """[1 + tasks][1 + columns][answers], as `ridge.fit_ridge` returns them."""
    penalties: tuple[float, float, float]
    """Shared, task and offset penalty that were chosen."""
    scale: tuple[float, float]
    labels: int
    """Number of triplets that people had scored."""

    def predict(self, described: Described) -> NDArray[np.float64]:
        """Calibrated answers, (n, answers), within the scale; a task without labels gets the map common to all.

        Raises:
            UsageError: when the judge does not give the columns that were calibrated.
        """
        missing = sorted(set(self.columns) - set(described.names))
        if missing:
            raise UsageError(f"the judge gives no {', '.join(missing)}; calibrate it anew")
        places = {task: number for number, task in enumerate(self.tasks)}
        design = expand(
            _standardised(described, self.columns, self.means, self.scales),
            [places.get(task, -1) for task in described.tasks],
            len(self.tasks),
        )
        flat = np.asarray(self.coefficients).reshape(design.shape[1], len(self.answers))
        return np.asarray(np.clip(_own(described, self.answers) + design @ flat, *self.scale))


def fit_calibration(
    described: Described,
    targets: NDArray[np.float64],
    answers: Sequence[str],
    *,
    judge: str,
    judge_version: str,
    scale: tuple[float, float] = (1.0, 5.0),
    columns: Sequence[str] | None = None,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
) -> Calibration:
    """Fit the read-out to people's scores; cross-validation over the labels chooses the penalties.

    Args:
        described: What the judge says about the labelled triplets.
        targets: What people say, (n, answers), best after `remove_rater_bias`.
        answers: Names of the targets.
        judge: Spec of the judge.
        judge_version: Its version; another version may need another calibration.
        scale: Ends of the scale, of judge and people alike.
        columns: What to read; all by default. The answers alone make it an affine map a task.
        clusters: Name of each triplet's image: edits of one image stay in one fold.
        seed: Of the folds.

    Raises:
        UsageError: when labels and triplets do not match, or there are fewer than ten.
    """
    if targets.shape != (len(described), len(answers)):
        raise UsageError(f"labels must be {(len(described), len(answers))}, got {targets.shape}")
    if len(described) < _LEAST_LABELS:
        raise UsageError(
            f"{len(described)} labels are too few to calibrate; give {_LEAST_LABELS} or more"
        )
    read = tuple(columns) if columns is not None else described.names
    raw = described.values[:, [described.names.index(name) for name in read]]
    means = raw.mean(axis=0)
    scales = np.maximum(raw.std(axis=0), 1e-6)
    tasks = tuple(sorted(set(described.tasks)))
    numbers = np.array([tasks.index(task) for task in described.tasks])
    table = _standardised(described, read, means, scales)
    wanted = targets - _own(described, answers)
    folds = _folds(clusters if clusters is not None else list(map(str, range(len(table)))), seed)
    penalties = _chosen(table, wanted, numbers, len(tasks), folds)
    fitted = fit_ridge(table, wanted, numbers.tolist(), len(tasks), penalties)
    return Calibration(
        judge=judge,
        judge_version=judge_version,
        answers=tuple(answers),
        columns=read,
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        tasks=tasks,
        coefficients=fitted.tolist(),
        penalties=(penalties.shared, penalties.task, penalties.offset),
        scale=scale,
        labels=len(table),
    )


def _chosen(
    table: NDArray[np.float64],
    wanted: NDArray[np.float64],
    tasks: NDArray[np.int64],
    count: int,
    folds: NDArray[np.int64],
) -> Penalties:
    """The penalties of least squared error on left-out folds."""
    best, least = Penalties(), np.inf
    for shared, own in product(SHARED_PRICES, TASK_PRICES):
        penalties = Penalties(shared=shared, task=own)
        error = 0.0
        for fold in np.unique(folds):
            kept, left = folds != fold, folds == fold
            fitted = fit_ridge(table[kept], wanted[kept], tasks[kept].tolist(), count, penalties)
            design = expand(table[left], tasks[left].tolist(), count)
            off = wanted[left] - design @ fitted.reshape(design.shape[1], -1)
            error += float(np.square(off).sum())
        if error < least:
            best, least = penalties, error
    return best


def _folds(clusters: Sequence[str], seed: int) -> NDArray[np.int64]:
    names = sorted(set(clusters))
    order = generator(seed, "folds").permutation(len(names))
    fold_of = {name: int(place) % _FOLDS for name, place in zip(names, order, strict=True)}
    return np.array([fold_of[cluster] for cluster in clusters])


def _standardised(
    described: Described,
    columns: Sequence[str],
    means: Sequence[float] | NDArray[np.float64],
    scales: Sequence[float] | NDArray[np.float64],
) -> NDArray[np.float64]:
    raw = described.values[:, [described.names.index(name) for name in columns]]
    return np.asarray((raw - np.asarray(means)) / np.asarray(scales))


def _own(described: Described, answers: Sequence[str]) -> NDArray[np.float64]:
    return np.stack([described.column(answer) for answer in answers], axis=1)
