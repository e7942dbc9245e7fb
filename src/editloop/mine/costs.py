"""What the recipes cost: measured CPU seconds and yields of their stages.

Those of `photos` are printed by `benchmarks/recipe_stages.py` (`docs/benchmarks/recipe_stages.md` has the run), for one core and 24 photographs of
768 x 512: landscapes, buildings and a few objects. Photographs of single things give twice as many edits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


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
    StageCost("source_filter", 0.05904, 1, 115_326),
    StageCost("near_duplicates", 1.065e-05, 1, 0),
    StageCost("objects", 2.834, 1, 19_967),
    StageCost("plan_edits", 0.002066, 4.08, 0),
    StageCost("edit", 0.3879, 0.796, 170_369),
    StageCost("verify", 0.1155, 0.949, 0),
    StageCost("assemble", 2.406e-06, 1, 0),
)

TINY_PICTURE_SECONDS: Final = 0.1
"""One picture of the tiny editor or generator, six steps, one core."""
TINY_JUDGE_SECONDS: Final = 0.0017
"""One verdict of a tiny judge among 64."""
SMALL_PNG_BYTES: Final = 1_000
"""A stored storybook picture of 32 px."""


def estimate(inputs: int, costs: tuple[StageCost, ...] = PHOTOS_COSTS) -> list[StageEstimate]:
    """What mining so many inputs (photographs by default) will take, stage by stage; the last line is what comes out."""
    lines: list[StageEstimate] = []
    records = float(inputs)
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
