"""What the recipe costs: measured CPU seconds and yields of its stages.

Figures from `benchmarks/recipe_stages.py` (see `docs/costs.md` for the run that printed them); they are for one core of
an ordinary server and photographs of about a megapixel.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageCost:
    """CPU seconds for one record that goes in, records that come out for it, and bytes that it stores."""

    stage: str
    cpu_seconds: float
    yield_ratio: float
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class StageEstimate:
    """One line of a plan."""

    stage: str
    records: int
    cpu_seconds: float
    stored_mb: float


PHOTOS_COSTS: tuple[StageCost, ...] = (
    StageCost("source_filter", 0.15, 0.95, 150_000),
    StageCost("near_duplicates", 0.001, 0.97, 0),
    StageCost("objects", 6.0, 1.0, 40_000),
    StageCost("plan_edits", 0.002, 11.0, 0),
    StageCost("edit", 0.9, 0.9, 220_000),
    StageCost("verify", 0.6, 0.7, 0),
    StageCost("assemble", 0.0001, 0.97, 0),
)


def estimate(photos: int, costs: tuple[StageCost, ...] = PHOTOS_COSTS) -> list[StageEstimate]:
    """What mining `photos` photographs will take, stage by stage; the last line's yield is what comes out."""
    lines: list[StageEstimate] = []
    records = float(photos)
    for cost in costs:
        lines.append(
            StageEstimate(
                cost.stage,
                round(records),
                records * cost.cpu_seconds,
                records * cost.stored_bytes / 1e6,
            )
        )
        records *= cost.yield_ratio
    lines.append(StageEstimate("accepted", round(records), 0.0, 0.0))
    return lines
