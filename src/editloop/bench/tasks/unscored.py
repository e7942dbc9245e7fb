"""Two small things that every task needs: a case without a score, and a mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from editloop.bench.cases import BenchCase
from editloop.bench.results import ItemScore


def unscored(case: BenchCase, outcome: str, reason: str, reply: Any = None) -> ItemScore:
    """A case without a score."""
    return ItemScore(
        case.key,
        case.group,
        case.cluster,
        outcome=outcome,
        reason=reason,
        reply=reply,
        instruction=" / ".join(case.instructions),
    )


def plain_mean(values: Sequence[float]) -> float:
    """The mean."""
    return sum(values) / len(values)
