"""A pool of edited pairs with what the oracle says about them, made once and kept on disk in shards.

Every pair depends on (seed, split, number of its case) alone, so a pool that was cut off is finished by the same call.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from editloop.core.seeds import generator
from editloop.models.roles import RgbImage
from editloop.train.judge.variants import EXACT, Variant, variants
from editloop.world.cases import Case, Split
from editloop.world.oracle import OracleScore, score_edit
from editloop.world.render import render
from editloop.world.sampling import DEFAULT_WEIGHTS, EDIT_TYPES, cases

CASES_PER_SHARD = 500
CASE_WEIGHTS = {kind: weight**0.5 for kind, weight in DEFAULT_WEIGHTS.items()}
"""Rare types come up more often than in the world at large: a judge is trained evenly over tasks."""
_TEXT_FIELDS = ("case_ids", "instructions", "contexts", "tasks", "variants", "failures", "texts")


class ExtraEdits(Protocol):
    """Further edits of cases, such as those of a trained editor."""

    def __call__(self, batch: Sequence[Case], sources: Sequence[RgbImage]) -> list[list[Variant]]:
        """For each case its further edits."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Pairs with their case: the first block holds one row a case, the second one row a pair."""

    sources: NDArray[np.uint8]
    """(cases, h, w, 3)"""
    references: NDArray[np.uint8]
    """(cases, h, w, 3); only meaningful where `has_reference`."""
    has_reference: NDArray[np.bool_]
    case_ids: list[str]
    instructions: list[str]
    contexts: list[list[str]]
    tasks: list[str]
    edits: NDArray[np.uint8]
    """(pairs, h, w, 3)"""
    case_rows: NDArray[np.int64]
    """(pairs,) row of each pair's case."""
    scores: NDArray[np.float32]
    """(pairs, 4): what the oracle says about instruction, preservation, quality, and overall."""
    right: NDArray[np.bool_]
    variants: list[str]
    failures: list[str]
    """Code of the worst failure, empty for a right edit."""
    texts: list[str]
    """The failure in words, as the oracle put it."""

    def __len__(self) -> int:
        return len(self.edits)

    def oracle_scores(self) -> list[OracleScore]:
        """The oracle's scores as they were given, one a pair."""
        return [
            OracleScore(
                instruction=float(row[0]),
                preservation=float(row[1]),
                quality=float(row[2]),
                overall=float(row[3]),
                right=bool(right),
                failure=failure or None,
                text=text,
            )
            for row, right, failure, text in zip(
                self.scores, self.right, self.failures, self.texts, strict=True
            )
        ]

    def pair_names(self) -> list[str]:
        """A distinct name of every pair: its case, and its place among the edits of the case."""
        seen: dict[int, int] = {}
        names = []
        for row in self.case_rows.tolist():
            seen[row] = seen.get(row, 0) + 1
            names.append(f"{self.case_ids[row]}/{seen[row]}")
        return names


def open_pool(
    folder: Path,
    seed: int,
    count: int,
    split: Split,
    *,
    even: bool = False,
    editor: ExtraEdits | None = None,
) -> Pool:
    """The pool of `count` cases kept in `folder`; shards that are missing are made.

    Args:
        folder: May hold several pools; those of another editor need another folder.
        seed: Of cases and variants.
        count: Number of cases.
        split: Which combinations the cases are drawn from.
        even: Deal the edit types out in turn, for studies; otherwise they are drawn by `CASE_WEIGHTS`.
        editor: Its edits, and the right one, take the place of the planted variants.
    """
    folder.mkdir(parents=True, exist_ok=True)
    types = EDIT_TYPES if even else None
    stream = cases(seed, count, split, types, CASE_WEIGHTS)
    shards = []
    for start in range(0, count, CASES_PER_SHARD):
        batch = list(islice(stream, CASES_PER_SHARD))
        path = folder / f"{'even-' if even else ''}{split}-{seed}-{start:06d}-{len(batch)}.npz"
        if not path.exists():
            _write(path, make_pairs(batch, seed, editor))
        shards.append(_read(path))
    return join_pools(shards)


def make_pairs(batch: Sequence[Case], seed: int, editor: ExtraEdits | None = None) -> Pool:
    """Edits of some cases, scored by the oracle: all planted variants, or the right edit and those of an editor."""
    sources = [render(case.source) for case in batch]
    references = [render(case.references[0]) if case.references else None for case in batch]
    by_editor = editor(batch, sources) if editor is not None else None
    rows: list[tuple[int, Variant, OracleScore]] = []
    for row, (case, source) in enumerate(zip(batch, sources, strict=True)):
        made = (
            [Variant(EXACT, render(case.target)), *by_editor[row]]
            if by_editor is not None
            else variants(case, source, generator(seed, "variants", case.id))
        )
        rows += [(row, variant, score_edit(case, variant.image, source)) for variant in made]
    return Pool(
        sources=np.stack(sources),
        references=np.stack(
            [s if r is None else r for r, s in zip(references, sources, strict=True)]
        ),
        has_reference=np.array([reference is not None for reference in references]),
        case_ids=[case.id for case in batch],
        instructions=[case.instruction for case in batch],
        contexts=[list(case.context) for case in batch],
        tasks=[str(case.report_type) for case in batch],
        edits=np.stack([variant.image for _, variant, _ in rows]),
        case_rows=np.array([row for row, _, _ in rows], np.int64),
        scores=np.array(
            [(s.instruction, s.preservation, s.quality, s.overall) for _, _, s in rows], np.float32
        ),
        right=np.array([score.right for _, _, score in rows]),
        variants=[variant.name for _, variant, _ in rows],
        failures=[score.failure or "" for _, _, score in rows],
        texts=[score.text for _, _, score in rows],
    )


def _write(path: Path, pool: Pool) -> None:
    words = json.dumps({name: getattr(pool, name) for name in _TEXT_FIELDS}).encode()
    arrays = {f.name: getattr(pool, f.name) for f in fields(pool) if f.name not in _TEXT_FIELDS}
    part = path.with_suffix(".part.npz")
    np.savez(part, words=np.frombuffer(words, np.uint8), **arrays)
    part.replace(path)


def _read(path: Path) -> Pool:
    with np.load(path, allow_pickle=False) as kept:
        arrays: dict[str, Any] = {name: kept[name] for name in kept.files}
    return Pool(**json.loads(arrays.pop("words").tobytes()), **arrays)


def join_pools(shards: Sequence[Pool]) -> Pool:
    """One pool of several."""
    offsets = np.cumsum([0, *(len(shard.case_ids) for shard in shards)])
    joined: dict[str, Any] = {}
    for field in fields(Pool):
        parts = [getattr(shard, field.name) for shard in shards]
        if field.name in _TEXT_FIELDS:
            joined[field.name] = [value for part in parts for value in part]
        elif field.name == "case_rows":
            joined[field.name] = np.concatenate(
                [part + offset for part, offset in zip(parts, offsets, strict=False)]
            )
        else:
            joined[field.name] = np.concatenate(parts)
    return Pool(**joined)
