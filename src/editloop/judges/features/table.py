"""Features of many triplets as one table, and its standardisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Table = NDArray[np.float64]
LEAST_SEEN = 15
"""A feature measured on fewer triplets says too little to be used."""
_FURTHEST = 3.0
"""Standardised values beyond this are cut: one strange picture must not decide a score."""


def block_of(name: str) -> str:
    """The group of a feature called ``block.feature``."""
    return name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Triplets by features; NaN where a feature could not be measured."""

    names: tuple[str, ...]
    values: Table

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]]) -> FeatureTable:
        """All features that any row has, sorted by name."""
        names = tuple(sorted({name for row in rows for name in row}))
        return cls(names, np.array([[row.get(name, np.nan) for name in names] for row in rows]))

    def take(self, rows: NDArray[np.intp]) -> FeatureTable:
        """Some rows."""
        return FeatureTable(self.names, self.values[rows])

    def columns(self, names: Sequence[str]) -> Table:
        """Some columns in the order of `names`; NaN where the table has no such feature."""
        places = {name: place for place, name in enumerate(self.names)}
        found = np.full((len(self.values), len(names)), np.nan)
        for column, name in enumerate(names):
            if name in places:
                found[:, column] = self.values[:, places[name]]
        return found


class Standardiser(BaseModel):
    """Means and spreads of features, learnt once; an unmeasured value becomes the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]

    @classmethod
    def learn(cls, table: FeatureTable) -> Standardiser:
        """From a table; features that never vary or are rarely measured are left out."""
        known = np.isfinite(table.values)
        counts = known.sum(axis=0)
        filled = np.where(known, table.values, 0.0)
        means = filled.sum(axis=0) / np.maximum(counts, 1)
        spreads = np.sqrt(
            (np.where(known, table.values - means, 0.0) ** 2).sum(axis=0) / np.maximum(counts, 1)
        )
        kept = np.flatnonzero((counts >= min(LEAST_SEEN, len(known))) & (spreads > 1e-9))
        return cls(
            names=tuple(table.names[place] for place in kept),
            means=tuple(means[kept].tolist()),
            spreads=tuple(spreads[kept].tolist()),
        )

    def __call__(self, table: FeatureTable) -> Table:
        """Standardised columns in the order of `names`, (n, features)."""
        raw = (table.columns(self.names) - np.array(self.means)) / np.array(self.spreads)
        return np.asarray(np.clip(np.nan_to_num(raw), -_FURTHEST, _FURTHEST))
